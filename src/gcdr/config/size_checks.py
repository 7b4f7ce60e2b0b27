"""What is checked of numbers that must fit one another, beyond the schema: grids, blur and noise."""

from collections.abc import Iterator

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.config.asked import method_entries, shown_pictures, used_gaze_models
from gcdr.config.schema import alternatives
from gcdr.methods import METHODS
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.options import NOISE_OFFSETS
from gcdr.world.lessons import VQARecipe


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
        *_lessons(config),
    ]


def _grids(config: Config) -> Iterator[str]:
    """Pictures and heatmaps of another size than the models' that are trained or asked."""
    sizes = {}
    for name in used_gaze_models(config):
        entry = config["gaze"]["models"].get(name, {})
        kind = GAZE_MODELS.get(entry.get("kind"))
        if kind and entry["size"] in kind.sizes:
            sizes[f"gaze.models.{name}"] = kind.sizes[entry["size"]]
    own_pictures = {
        f"gaze.models.{name}"
        for name in used_gaze_models(config)
        if not shown_pictures(config, name)
    }
    denoiser = getattr(DenoiserConfig, config["diffusion"]["model"])()
    sizes["diffusion.model"] = (denoiser.towers.input_size, denoiser.map_size)
    for key, place, of in (("samples.size", 0, "pictures"), ("heatmap.size", 1, "heatmaps")):
        section = key.split(".")[0]
        for model, size in sizes.items():
            if of == "pictures" and model in own_pictures:
                continue
            if size[place] != config[section]["size"]:
                yield (
                    f"{key}: found {config[section]['size']}, expected {size[place]}, the side of the "
                    f"{of} of {model}"
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
    asked = {"refine.timestep": alternatives(refine["timestep"])}
    asked |= {"sweep.timesteps": config["sweep"]["timesteps"]}
    asked |= {"report.student_timesteps": config["report"]["student_timesteps"]}
    for key, values in asked.items():
        for value in values:
            if not refine["steps"] <= value <= last:
                less = "" if last == timesteps else ", less 1 for a sampler that begins one further"
                yield (
                    f"{key}: found {value}, expected {refine['steps']} (refine.steps) to {last} "
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
    if entry["kind"] != "vat":
        yield (
            f"diffusion.init: found {name!r}, a gaze model of kind {entry['kind']!r}; expected one of kind "
            "'vat', whose towers the denoiser has"
        )
    elif entry["size"] != size:
        yield (
            f"diffusion.init: found {name!r}, of size {entry['size']!r}; expected size {size!r} "
            "(diffusion.model)"
        )


def _lessons(config: Config) -> Iterator[str]:
    try:
        VQARecipe.from_json(config["world_weights"]["vqa"], "world_weights.vqa")
    except InputError as error:
        yield str(error)
