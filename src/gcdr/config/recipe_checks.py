"""What is checked of the recipes by which models are trained, beyond the schema."""

from collections.abc import Iterable, Iterator
from typing import Any

from gcdr.base.plain import Config, JsonTable
from gcdr.config.asked import (
    diffuses,
    models_of_studies,
    reported_methods,
    used_gaze_models,
    used_shares,
    used_studies,
)
from gcdr.config.schema import alternatives, by_share
from gcdr.methods import LABELS_ALONE, METHODS, TEACHERS
from gcdr.models.kinds import GAZE_MODELS

BESIDE_LABELS = ("mean_teacher", "unlabelled")
"""Groups of settings by which a family's models learn from the unlabelled people too."""


def gaze_entry(config: Config, name: str | None) -> JsonTable:
    """An entry of ``gaze.models`` laid over what holds for all of them."""
    gaze = config["gaze"]
    entry = dict(gaze["models"][name or gaze["model"]])
    for key in ("recipe", "teacher"):
        entry[key] = gaze[key] | entry.get(key, {})
    for key in ("labelled_per_batch", "in_frame"):
        entry.setdefault(key, gaze[key])
    return entry


def asked_recipes(config: Config) -> list[str]:
    """Keys of the recipes by which the configuration's studies train; a target may ask for more."""
    methods = reported_methods(config) if config["report"]["studies"] else []
    methods += [
        model["model"]
        for name in used_studies(config)
        for _, model in models_of_studies(config, name)
    ]
    further = config["galleries"] or (methods and config["report"]["student_timesteps"])
    methods += ["gcdr"] if further else []
    about = [METHODS[name] for name in methods if name in METHODS]
    names = {method.teacher for method in about} - {None}
    # Beside a method that takes it, refined maps of test people are scored and swept over timesteps.
    names |= {"diffusion"} if diffuses(config) else set()
    teachers = [TEACHERS[name] for name in names]
    if config["diffusion"]["init"] in config["gaze"]["models"] and any(
        one.family != "gaze" for one in teachers
    ):
        teachers.append(TEACHERS[LABELS_ALONE])
    keys = {"gaze.recipe"} if any(method.student for method in about) else set()
    plain = {
        "gaze": "gaze.teacher",
        "diffusion": "diffusion.recipe",
        "mapping": "diffusion.mapping",
    }
    for one in teachers:
        learned = f"{one.family}.{one.unlabelled_settings}"
        keys.add(plain[one.family] if one.labels_alone else learned)
    return sorted(keys)


def recipe_problems(config: Config, keys: Iterable[str]) -> list[str]:
    """What is wrong with recipes: their length, and the labelled people's part of a batch.

    Args:
        config: a configuration that fits the schema.
        keys: which, such as ``gaze.recipe``, ``gaze.mean_teacher`` or ``diffusion.mapping``.
    """
    problems = []
    for key in keys:
        family, _, part = key.partition(".")
        for model in used_gaze_models(config) if family == "gaze" else [None]:
            where, recipe, places = _recipe(config, family, part, model)
            lengths = {name: recipe.get(name) for name in ("steps", "epochs")}
            if sum(value is not None for value in lengths.values()) != 1:
                problems.append(f"{key}: found {lengths}, expected exactly one of them")
            problems += [
                f"{where}.labelled_per_batch: found {value}, expected less than the batch "
                f"({recipe['batch']})"
                for value in alternatives(places)
                if value is not None and not value < recipe["batch"]
            ]
            if recipe["batch"] < config["processes"]:
                problems.append(
                    f"processes: found {config['processes']}, expected at most {recipe['batch']}, the people "
                    f"in a batch of {key}"
                )
            problems += _length_problems(config, key, model, recipe)
            for name, plain in (("learned", "all"), ("truncate", None)):
                found = recipe.get(name, plain)
                if found == plain or _follows(config, key, model):
                    continue
                what = (
                    "a direct mapping" if part == "mapping" else model or "diffusion.tracks: false"
                )
                problems.append(
                    f"{key}.{name}: found {found} for {what}, which follows no tracks; expected "
                    f"{plain or 'null'}"
                )
    return list(dict.fromkeys(problems))


def _follows(config: Config, key: str, model: str | None) -> bool:
    """Whether what a recipe trains follows tracks."""
    if model is None:
        return config["diffusion"]["tracks"] and key != "diffusion.mapping"
    kind = GAZE_MODELS.get(config["gaze"]["models"].get(model, {}).get("kind"))
    return kind is not None and kind.tracks


def _length_problems(
    config: Config, key: str, model: str | None, recipe: JsonTable
) -> Iterator[str]:
    """Parts of a training that would lie beyond its end, or that stand in the wrong order."""
    part = f"{key}.recipe" if key.endswith(BESIDE_LABELS) else key
    about = f" (with gaze.models.{model})" if model is not None else ""
    family, _, group = key.partition(".")
    taught = config[family][group] if part != key else {}
    for share in used_shares(config):
        own = by_share(recipe, share)
        steps, epochs, decays = own.get("steps"), own.get("epochs"), own.get("decay_at") or []
        if decays != sorted(decays):
            yield f"{part}.decay_at: found {decays}, expected epochs that ascend{about}"
        elif epochs is not None and decays and decays[-1] > epochs:
            yield (
                f"{part}.decay_at: found {decays}, expected at most {epochs}, the epochs of the "
                f"training{about}"
            )
        for name, whole, unit in (("ramp_up", epochs, "epochs"), ("warm_up", steps, "steps")):
            if whole is not None and taught.get(name, 0) > whole:
                yield (
                    f"{key}.{name}: found {taught[name]}, expected at most {whole}, the {unit} of the "
                    f"training{about}"
                )


def _recipe(
    config: Config, family: str, part: str, model: str | None
) -> tuple[str, JsonTable, Any]:
    """A recipe of a family: where its batch is divided, the recipe, and the labelled people's part."""
    whole = config[family]
    entry = gaze_entry(config, model) if model in config["gaze"]["models"] else whole
    if part in BESIDE_LABELS:
        taught = whole[part]
        return f"{family}.{part}", entry["recipe"] | taught["recipe"], taught["labelled_per_batch"]
    changes = {} if part == "recipe" else entry[part]
    places = entry["labelled_per_batch"] if (family, part) == ("gaze", "recipe") else None
    own = family == "gaze" and "labelled_per_batch" in config["gaze"]["models"].get(model, {})
    return f"gaze.models.{model}" if own else family, entry["recipe"] | changes, places
