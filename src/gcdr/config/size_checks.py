"""What is checked of numbers that must fit one another, beyond the schema: grids, blur and noise."""

from collections.abc import Iterator

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.config.asked import (
    labelled_online,
    method_entries,
    sees_depth,
    sees_shuffled,
    used_datasets,
    used_gaze_models,
)
from gcdr.config.schema import alternatives
from gcdr.methods import METHODS
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.options import NOISE_OFFSETS
from gcdr.variants import AUTO
from gcdr.world.lessons import VQARecipe
from gcdr.world.style import STYLES


def size_problems(config: Config) -> list[str]:
    """Numbers of different sections that do not go together.

    Args:
        config: a configuration that fits the schema.
    """
    asked = bool(config["report"]["studies"] or config["galleries"])
    return [
        *(_grids(config) if asked else ()),
        *_blur(config),
        *_noise(config),
        *_towers(config),
        *_shards(config),
        *_lessons(config),
    ]


def _grids(config: Config) -> Iterator[str]:
    """Heatmaps of another size than the models' that are trained or asked, and pictures no two can share.

    Each gaze model has a picture cache of its own size, the denoiser that of samples.size.
    """
    sizes = {}
    for name in used_gaze_models(config):
        entry = config["gaze"]["models"].get(name, {})
        kind = GAZE_MODELS.get(entry.get("kind"))
        if kind and kind.has_size(entry["size"]):
            sizes[name] = kind.sides(entry["size"])
    denoiser = getattr(DenoiserConfig, config["diffusion"]["model"])()
    pixels, cells = config["samples"]["size"], config["heatmap"]["size"]
    if denoiser.towers.input_size != pixels:
        yield (
            f"samples.size: found {pixels}, expected {denoiser.towers.input_size}, the side of the pictures "
            "of diffusion.model"
        )
    maps = {f"gaze.models.{name}": size[1] for name, size in sizes.items()}
    for model, side in (maps | {"diffusion.model": denoiser.map_size}).items():
        if side != cells:
            yield f"heatmap.size: found {cells}, expected {side}, the side of the heatmaps of {model}"
    for name in labelled_online(config):
        if sees_depth(config, name) and not config["diffusion"]["depth"]:
            yield (
                f"refine.redraw: found online with gaze.models.{name}, which sees depth; expected "
                "diffusion.depth true, as both are shown the same"
            )
        if sees_shuffled(config, name):
            yield (
                f"refine.redraw: found online with gaze.models.{name}, which sees shuffled depth; expected "
                "one that sees its own, as the diffusion model does"
            )
        if name in sizes and sizes[name][0] != pixels:
            yield (
                f"refine.redraw: found online with gaze.models.{name}, which sees pictures of "
                f"{sizes[name][0]} px; expected a gaze model of the diffusion model's, {pixels} px"
            )


def _blur(config: Config) -> Iterator[str]:
    size, sigma = config["heatmap"]["size"], config["heatmap"]["sigma"]
    if sigma > size / 2:
        yield f"heatmap.sigma: found {sigma}, expected at most half of heatmap.size ({size / 2:g})"
    for name, prior in config["priors"].items():
        cells = prior.get("size", 64)
        for key in ("sigma", "blur"):
            if key in prior and prior[key] > cells / 2:
                yield (
                    f"priors.{name}.{key}: found {prior[key]}, expected at most half of its size "
                    f"({cells / 2:g})"
                )


def _noise(config: Config) -> Iterator[str]:
    """Timesteps outside the schedule, and fewer than the steps back."""
    refine, timesteps = config["refine"], config["diffusion"]["timesteps"]
    own = refine["noise_offset"]
    offsets = [NOISE_OFFSETS[refine["sampler"]] if own is None else own]
    fixed = [
        METHODS[one["method"]].sampler for one in method_entries(config) if one["method"] in METHODS
    ]
    offsets += [NOISE_OFFSETS[sampler] for sampler in fixed if sampler]
    last = timesteps - 1 - max(offsets)
    named = alternatives(refine["timestep"])
    asked = {"refine.timestep": [value for value in named if value != AUTO]}
    of_studies = {
        f"studies.{name}.timestep": study["timestep"]
        for name, study in config["studies"].items()
        if "timestep" in study
    }
    asked |= {key: [value] for key, value in of_studies.items() if value != AUTO}
    if AUTO in [*named, *of_studies.values()]:
        asked |= {"refine.auto.timesteps": refine["auto"]["timesteps"]}
    asked |= {"sweep.timesteps": config["sweep"]["timesteps"]}
    asked |= {"report.student_timesteps": config["report"]["student_timesteps"]}
    for key, values in asked.items():
        least, why = refine["steps"], "refine.steps"
        if key == "refine.auto.timesteps":
            least, why = max(refine["auto"]["steps"]), "the most of refine.auto.steps"
        for value in values:
            if not least <= value <= last:
                less = "" if last == timesteps else ", less 1 for a sampler that begins one further"
                yield (
                    f"{key}: found {value}, expected {least} ({why}) to {last} "
                    f"(diffusion.timesteps{less})"
                )
    steps = config["diffusion"]["mean_teacher"].get("steps", 1)
    if steps > timesteps:
        yield (
            f"diffusion.mean_teacher.steps: found {steps}, expected at most {timesteps} "
            "(diffusion.timesteps)"
        )


def _towers(config: Config) -> Iterator[str]:
    """A gaze model that the denoiser cannot start from, as its towers are those of VAT."""
    name, size = config["diffusion"]["init"], config["diffusion"]["model"]
    entry = config["gaze"]["models"].get(name)
    if entry is None:
        return
    kind = GAZE_MODELS.get(entry["kind"])
    if kind is None or not kind.towers:
        yield (
            f"diffusion.init: found {name!r}, a gaze model of kind {entry['kind']!r}; expected a kind whose "
            f"towers the denoiser has: {', '.join(n for n, one in GAZE_MODELS.items() if one.towers)}"
        )
    elif sees_shuffled(config, name):
        yield f"diffusion.init: found {name!r}, which sees shuffled depth; expected one that sees its own"
    elif sees_depth(config, name) and not config["diffusion"]["depth"]:
        yield f"diffusion.init: found {name!r}, which sees depth; expected diffusion.depth true"
    elif entry["size"].removesuffix("-nodepth") != size:
        yield (
            f"diffusion.init: found {name!r}, of size {entry['size']!r}; expected size {size!r} "
            "(diffusion.model)"
        )


def _shards(config: Config) -> Iterator[str]:
    """More jobs than there are people to share, in every data set, where all are drawn.

    Own pictures may be fewer than what a configuration was made for; a part without people is soon done.
    """
    used = used_datasets(config)
    names = {name for datasets in used.values() for name in datasets}
    counts = [_people(config["datasets"].get(name, {})) for name in names]
    most = max((count for count in counts if count is not None), default=None)
    if most is None or None in counts:
        return
    asked = {"detect.shards": config["detect"]["shards"] or 1}
    asked |= {
        f"priors.{name}.shards": entry["shards"]
        for name, entry in config["priors"].items()
        if isinstance(entry.get("shards"), int)
    }
    for key, shards in asked.items():
        if shards > max(most, 1):
            yield f"{key}: found {shards}, expected at most {most}, the people of the largest data set"


def _people(source: Config) -> int | None:
    """At most how many people a drawn data set has; None of another one."""
    if source.get("kind") == "world":
        return source["train_people"] + source["test_people"]
    if source.get("kind") == "world-show":
        most = len(STYLES[source["style"]].people_weights)
        return (source["clips"] + source["test_clips"]) * source["frames"] * most
    return None


def _lessons(config: Config) -> Iterator[str]:
    try:
        VQARecipe.from_json(config["world_weights"]["vqa"], "world_weights.vqa")
    except InputError as error:
        yield str(error)
