"""Settings of what learns and labels, from the configuration: gaze models, denoiser, labels, sweep.

A setting with values by label share takes that of ``share``. No torch: planning builds these.
"""

from dataclasses import fields, replace
from typing import Any, Literal, TypeVar

from gcdr.base.errors import InputError
from gcdr.base.plain import Config, JsonTable
from gcdr.config.recipe_checks import gaze_entry
from gcdr.config.schema import by_share
from gcdr.methods import Teacher
from gcdr.refine.options import (
    ChoiceSettings,
    LabelSettings,
    MapSettings,
    RefineSettings,
    SamplerSettings,
    SweepSettings,
)
from gcdr.training.recipes import (
    DenoiserTraining,
    DiffusionConsistency,
    GazeConsistency,
    GazeModelSettings,
    GazeTraining,
    MappingTraining,
    NetworkSettings,
    OnlineTraining,
    TokenTraining,
)
from gcdr.variants import AUTO, ONLINE, Variant

TeacherTraining = (
    GazeTraining | GazeConsistency | DiffusionConsistency | MappingTraining | DenoiserTraining
)
TrainingT = TypeVar("TrainingT", bound=TeacherTraining | OnlineTraining | TokenTraining)
OF_MODEL = tuple(field.name for field in fields(GazeModelSettings))  # keys of gaze.models


def gaze_model(config: Config, name: str | None) -> GazeModelSettings:
    """Which model an entry of ``gaze.models`` is."""
    entry = config["gaze"]["models"][name or config["gaze"]["model"]]
    return GazeModelSettings(**{key: entry[key] for key in OF_MODEL if key in entry})


def gaze_training(
    config: Config, share: int, name: str | None, *, student: bool, layer: int = 1
) -> GazeTraining:
    """Of a student; a supervised teacher has changes to the recipe, and labelled people alone."""
    entry = by_share(gaze_entry(config, name), share)
    return GazeTraining.from_json(
        {
            "model": gaze_model(config, name).to_json(),
            "recipe": entry["recipe"] if student else entry["recipe"] | entry["teacher"],
            "sigma": config["heatmap"]["sigma"],
            "labelled_per_batch": entry["labelled_per_batch"] if student else None,
            "layer": layer,
            "in_frame": entry["in_frame"],
            "in_frame_rate": entry.get("in_frame_rate", 1.0),
            "out_of_frame": not student and config["split"]["out_of_frame"] == "reference",
            "semantics": semantics(config, name),
            "keep": entry.get("keep", 1.0) if student else 1.0,
        },
        f"gaze.models.{name}",
    )


def semantics(config: Config, name: str | None) -> JsonTable | None:
    """What a gaze model learns of names; None where its entry asks for none."""
    source, asked = names_of(config, name), config["semantics"]
    if source is None:
        return None
    least = asked["detector"]["least"] if source == "detected" else asked["least"]
    return {"missing": asked["missing"], "least": least}


def names_of(config: Config, name: str | None) -> str | None:
    """Which names an entry of ``gaze.models`` learns: "given", by "answers" or "detected" too, or None."""
    return config["gaze"]["models"][name or config["gaze"]["model"]].get("names")


def student_training(
    config: Config, share: int, variant: Variant, layer: int
) -> GazeTraining | OnlineTraining | TokenTraining:
    """Of a variant's student, which sees prior maps of a layer."""
    if variant.about.tokens:
        return token_training(config, share, variant)
    if variant.redraw == ONLINE:
        return online_training(config, share, variant, layer)
    return gaze_training(config, share, variant.gaze, student=True, layer=layer)


def teacher_training(
    config: Config, share: int, about: Teacher, name: str | None, layer: int
) -> TeacherTraining:
    """Of a teacher; ``name`` is the gaze model that it is of, if it is of one."""
    if not about.labels_alone:
        return consistency_training(config, share, about, name)
    if about.family == "gaze":
        return gaze_training(config, share, name, student=False, layer=layer)
    if about.family == "mapping":
        return mapping_training(config, share, about.features, layer)
    return denoiser_training(config, share)


def at_rate(training: TrainingT, config: Config, study: str, name: str) -> TrainingT:
    """A training at the learning rate that a study has for it, if it has one.

    Args:
        training: as configured.
        config: the whole configuration.
        study: the study.
        name: of the teacher, or ``student``.
    """
    rate = config["studies"][study].get("lr", {}).get(name)
    if rate is None:
        return training
    if isinstance(training, OnlineTraining):
        return replace(training, student=at_rate(training.student, config, study, name))
    recipe: Any = replace(training.recipe, lr=rate)  # of the kind that the training has
    return replace(training, recipe=recipe)


def trainer(processes: int, launcher: str) -> list[str]:
    """What runs the script of a training in so many processes: Python, or the script that launches them."""
    return ["python", *([launcher, str(processes)] if processes > 1 else [])]


def network(config: Config, features: bool = True, tracks: bool = False) -> NetworkSettings:
    """The denoiser's network; one that follows tracks where it may and the configuration says so."""
    diffusion = config["diffusion"]
    return NetworkSettings(
        size=diffusion["model"],
        sigma=config["heatmap"]["sigma"],
        head=diffusion["head"],
        features="towers" if features else "none",
        tracks=tracks and diffusion["tracks"],
        depth=features and diffusion["depth"],
    )


def denoiser_training(config: Config, share: int) -> DenoiserTraining:
    """Of the diffusion teacher."""
    diffusion = by_share(config["diffusion"], share)
    return DenoiserTraining.from_json(
        {
            "network": network(config, tracks=True).to_json(),
            "timesteps": diffusion["timesteps"],
            "recipe": diffusion["recipe"],
            "schedule": diffusion["schedule"],
        },
        "diffusion",
    )


def mapping_training(config: Config, share: int, features: bool, layer: int) -> MappingTraining:
    """Of a direct mapping."""
    diffusion = by_share(config["diffusion"], share)
    return MappingTraining.from_json(
        {
            "network": network(config, features).to_json(),
            "recipe": _without_noise(diffusion["recipe"] | diffusion["mapping"]),
            "layer": layer,
        },
        "diffusion.mapping",
    )


def consistency_training(
    config: Config, share: int, about: Teacher, name: str | None
) -> GazeConsistency | DiffusionConsistency:
    """Of a gaze model, or of the diffusion model, that also learns from the unlabelled people."""
    family = about.family
    where = f"{family}.{about.unlabelled_settings}"
    entry = gaze_entry(config, name) if family == "gaze" else config["diffusion"]
    held = dict(config[family][about.unlabelled_settings])
    recipe = _without_noise(entry["recipe"] | held.pop("recipe"))
    if about.unlabelled != "mean-teacher":
        held["strategy"] = about.unlabelled
    settings = by_share({"recipe": recipe, "unlabelled": held}, share)
    if family == "gaze":
        of_model = {
            "model": gaze_model(config, name).to_json(),
            "sigma": config["heatmap"]["sigma"],
        }
        return GazeConsistency.from_json(settings | of_model, where)
    of_model = {
        "network": network(config, tracks=True).to_json(),
        "sampling": sampling(config).to_json(),
    }
    return DiffusionConsistency.from_json(settings | of_model, where)


def sampling(config: Config) -> SamplerSettings:
    """The noise, and the sampler as configured."""
    names = ("sampler", "eta", "noise_offset", "last_alpha")
    noise = {name: config["diffusion"][name] for name in ("timesteps", "schedule")}
    return SamplerSettings(**noise, **{name: config["refine"][name] for name in names})


def refine_settings(config: Config, variant: Variant) -> RefineSettings:
    """How a variant refines; what stands in its name is taken from there.

    Raises:
        InputError: the variant has no steps or draws, since its method does not refine.
    """
    configured, fixed = sampling(config), variant.about.sampler
    if variant.draws is None or variant.redraw is None:
        raise InputError(f"variant: {variant} makes no labels by diffusion")
    return RefineSettings(
        configured if fixed is None else configured.as_defined(fixed),
        variant.timestep,
        variant.steps,
        variant.draws,
        variant.redraw,
        config["refine"]["start"],
        config["refine"]["stretch"],
        config["refine"]["precision"],
    )


def map_settings(config: Config, layer: int = 1) -> MapSettings:
    """How prior maps of a layer become heatmaps."""
    return MapSettings(config["heatmap"]["size"], config["heatmap"]["sigma"], layer)


def label_settings(config: Config, variant: Variant, layer: int = 1) -> LabelSettings:
    """How a variant's labels are made."""
    method = variant.about
    refine = refine_settings(config, variant) if method.family == "diffusion" else None
    return LabelSettings(map_settings(config, layer), method.family, method.gaussian, refine)


def prediction_settings(config: Config) -> LabelSettings:
    """How a gaze model's own maps are made."""
    return LabelSettings(map_settings(config), "gaze")


def online_training(config: Config, share: int, variant: Variant, layer: int) -> OnlineTraining:
    """Of a student whose labels are made again in every batch."""
    student = gaze_training(config, share, variant.gaze, student=True, layer=layer)
    return OnlineTraining(student, refine_settings(config, variant))


def token_training(config: Config, share: int, variant: Variant) -> TokenTraining:
    """Of a student that learns the tokens of another gaze model's teacher."""
    entry = by_share(gaze_entry(config, variant.gaze), share)
    return TokenTraining.from_json(
        {
            "model": gaze_model(config, variant.gaze).to_json(),
            "teacher": gaze_model(config, variant.labeller).to_json(),
            "recipe": entry["recipe"],
        },
        f"gaze.models.{variant.gaze}",
    )


def choice_settings(
    config: Config, sampler: Literal["consistent", "reference"] | None, draws: int, layer: int
) -> ChoiceSettings:
    """Of the choice of a timestep, with a sampler or the configured one, and so many draws."""
    auto, configured = config["refine"]["auto"], sampling(config)
    drawn = configured if sampler is None else configured.as_defined(sampler)
    how = {name: config["refine"][name] for name in ("start", "stretch", "precision")}
    refine = RefineSettings(drawn, AUTO, None, draws, "mean", **how)
    return ChoiceSettings(
        map_settings(config, layer),
        refine,
        tuple(auto["timesteps"]),
        tuple(auto["steps"]),
        auto["repeats"],
        auto["group_least"],
        auto["group_strength"],
    )


def sweep_settings(config: Config, layer: int) -> SweepSettings:
    """Of the sweep over timesteps; draws are averaged."""
    refine = config["refine"]
    refinement = RefineSettings(
        sampling(config),
        None,
        refine["steps"],
        refine["draws"],
        "mean",
        refine["start"],
        precision=refine["precision"],
    )
    return SweepSettings(
        map_settings(config, layer), refinement, tuple(config["sweep"]["timesteps"])
    )


def _without_noise(recipe: Config) -> JsonTable:
    """A recipe for training that noises no labels."""
    return {key: value for key, value in recipe.items() if key not in ("draws", "own")}
