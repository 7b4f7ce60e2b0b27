"""What is checked of gaze models before any work begins, beyond the schema."""

from collections.abc import Iterator

from gcdr.base.plain import Config
from gcdr.config.asked import labelled_online, labeller_of, method_entries, sees_depth
from gcdr.methods import METHODS, TEACHERS
from gcdr.models.description import Description
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.vits import is_timms, vit_sizes

VITS = ", or a vision transformer by timm's name, such as vit_small_patch14_dinov2"


def gaze_problems(config: Config) -> list[str]:
    """Gaze models of unknown names or kinds."""
    gaze = config["gaze"]
    known, kinds = ", ".join(gaze["models"]), ", ".join(GAZE_MODELS)
    asked = [("gaze.model", gaze["model"])]
    asked += [
        (f"report.methods, {entry['method']}, gaze", entry["gaze"])
        for entry in config["report"]["methods"]
        if isinstance(entry, dict) and "gaze" in entry
    ]
    problems = [
        f"{key}: found {name!r}, expected one of gaze.models: {known}"
        for key, name in asked
        if name not in gaze["models"]
    ]
    for name, entry in gaze["models"].items():
        kind = GAZE_MODELS.get(entry["kind"])
        if kind is None:
            problems.append(
                f"gaze.models.{name}.kind: found {entry['kind']!r}, expected one of {kinds}"
            )
        elif not kind.has_size(entry["size"]):
            problems.append(
                f"gaze.models.{name}.size: found {entry['size']!r}, expected one of "
                f"{', '.join(kind.sizes)}{VITS if kind.vits else ''}"
            )
        elif vit_sizes(entry["size"]) is not None and not is_timms(entry["size"]):
            problems.append(
                f"gaze.models.{name}.size: found {entry['size']!r}, expected a name that timm knows"
            )
        elif entry.get("names") and not kind.names:
            problems.append(
                f"gaze.models.{name}.names: found {entry['names']!r}; {kind.title} says no names"
            )
        elif entry.get("names") == "detected" and not config["semantics"]["detector"]["weights"]:
            problems.append(
                f"gaze.models.{name}.names: found 'detected' without semantics.detector.weights; expected "
                "the folder of a detector there"
            )
        elif kind.frozen and not entry.get("backbone"):
            problems.append(
                f"gaze.models.{name}.backbone: missing; {kind.title} needs the weights of its backbone"
            )
        elif not kind.frozen:
            problems += [
                f"gaze.models.{name}.{key}: found {entry[key]!r}; {kind.title} stands on no frozen backbone"
                for key in ("backbone", "tokens")
                if entry.get(key) is not None
            ]
        if entry.get("depth") == "shuffled" and not sees_depth(config, name):
            problems.append(
                f"gaze.models.{name}.depth: found 'shuffled', expected a kind and size that sees "
                "depth, as pdp does"
            )
        if kind is not None:
            problems += _options(kind, entry.get("options", {}), f"gaze.models.{name}")
            known = {"in_frame": gaze["in_frame"], **entry}
            problems += _untaught_patches(known, f"gaze.models.{name}")
            problems += _no_head(kind, known, f"gaze.models.{name}")
    others = (_labellers, _misfits, _online, _unsure, _unnamed)
    return problems + [line for check in others for line in check(config)]


def _unnamed(config: Config) -> list[str]:
    """Gaze models that learn names, in methods whose trainings learn maps alone."""
    gaze, online = config["gaze"], labelled_online(config)
    return [
        f"report.methods, {entry['method']}: gaze.models.{name} learns names, which this training does not; "
        "expected names null, another method or another refine.redraw"
        for entry in method_entries(config)
        for name in [entry.get("gaze", gaze["model"])]
        if gaze["models"].get(name, {}).get("names") and (about := METHODS.get(entry["method"]))
        if about.tokens
        or (
            about.teacher is not None
            and not TEACHERS[about.teacher].labels_alone
            and not about.student
        )
        or (about.student and about.family == "diffusion" and name in online)
    ]


def _unsure(config: Config) -> list[str]:
    """Students of the surest labels in methods whose labels do not say how sure they are, or without any."""
    gaze = config["gaze"]
    used: dict[str, list[str]] = {}
    for entry in method_entries(config):
        used.setdefault(entry.get("gaze", gaze["model"]), []).append(entry["method"])
    without = [
        f"gaze.models.{name}.keep: found {gaze['models'][name]['keep']}, and of its methods "
        f"({', '.join(methods)}) none trains a student of pseudo-labels; expected 1"
        for name, methods in used.items()
        if gaze["models"].get(name, {}).get("keep", 1) < 1
        and not any(METHODS[one].student for one in methods if one in METHODS)
    ]
    online = [
        f"gaze.models.{name}.keep: found {gaze['models'][name]['keep']} with refine.redraw online, whose "
        "labels are made in the batch; expected 1, or another redraw"
        for name in labelled_online(config)
        if gaze["models"].get(name, {}).get("keep", 1) < 1
    ]
    return [*without, *online] + [
        f"gaze.models.{name}.keep: found {gaze['models'][name]['keep']} with the method {method}, "
        f"{'whose labels are Gaussians' if about.gaussian else 'which learns no pseudo-labels'}; expected 1"
        for entry in method_entries(config)
        for method, name in [(entry["method"], entry.get("gaze", gaze["model"]))]
        if (about := METHODS.get(method)) is not None
        and (about.gaussian or about.tokens)
        and gaze["models"].get(name, {}).get("keep", 1) < 1
    ]


def _options(kind: Description, options: Config, where: str) -> Iterator[str]:
    """What a gaze model has no option for."""
    for key in options.keys() - set(kind.options):
        yield (
            f"{where}.options.{key}: no option of {kind.title}; expected "
            f"{' or '.join(kind.options) or 'none'}"
        )


def _untaught_patches(entry: Config, where: str) -> Iterator[str]:
    """A model whose in/out is told by patches that nothing teaches."""
    weight = entry.get("options", {}).get("patch_weight")
    if weight == 0 and entry.get("in_frame") is not None:
        yield (
            f"{where}.options.patch_weight: found 0 with in_frame {entry['in_frame']}, which patches tell; "
            "expected more, or in_frame null"
        )


def _no_head(kind: Description, entry: Config, where: str) -> Iterator[str]:
    """A rate of an in/out head that nothing teaches, or that there is not."""
    if (rate := entry.get("in_frame_rate", 1)) == 1:
        return
    if not kind.in_frame_head:
        yield f"{where}.in_frame_rate: found {rate}; {kind.title} has no in/out head of its own, expected 1"
    elif entry["in_frame"] is None:
        yield f"{where}.in_frame_rate: found {rate} with in_frame null, which teaches none; expected 1"


def _online(config: Config) -> list[str]:
    """Students that are labelled in the batch by a diffusion model which follows tracks, and they do not."""
    models, tracks = config["gaze"]["models"], config["diffusion"]["tracks"]
    return [
        f"refine.redraw: found online, with diffusion.tracks {str(tracks).lower()} and {name}, a "
        f"{GAZE_MODELS[models[name]['kind']].title}; expected that both follow tracks or neither does"
        for name in labelled_online(config)
        if name in models
        and models[name]["kind"] in GAZE_MODELS
        and GAZE_MODELS[models[name]["kind"]].tracks != tracks
    ]


def _labellers(config: Config) -> list[str]:
    """Gaze models that name one which cannot label for them."""
    models, problems = config["gaze"]["models"], []
    seeing = [
        name
        for name, entry in models.items()
        if entry["kind"] in GAZE_MODELS and GAZE_MODELS[entry["kind"]].prior
    ]
    for name, entry in models.items():
        other, key = labeller_of(config, name), f"gaze.models.{name}.labeller"
        kinds = token_teachers(entry["kind"])
        if other is not None and kinds:
            if models.get(other, {}).get("kind") not in kinds:
                problems.append(
                    f"{key}: found {other!r}, expected one of gaze.models of kind {' or '.join(kinds)}, "
                    f"whose tokens {name} can learn"
                )
        elif other is not None and other not in seeing:
            problems.append(
                f"{key}: found {other!r}, expected one of gaze.models that sees prior maps: "
                f"{', '.join(seeing)}"
            )
    return problems


def token_teachers(kind: str) -> tuple[str, ...]:
    """Kinds of gaze models whose tokens one of a kind can learn; none of most kinds, or of an unknown one."""
    about = GAZE_MODELS.get(kind)
    return () if about is None else about.tokens_of


def _misfits(config: Config) -> list[str]:
    """Methods whose gaze model would be given prior maps and cannot see them, or has nobody to learn from."""
    own = config["gaze"]["model"]
    return [
        f"report.methods, {entry['method']}: {wrong}"
        for entry in method_entries(config)
        for gaze in [entry.get("gaze", own)]
        if (
            wrong := unseen_prior(config, entry["method"], gaze)
            or untaught(config, entry["method"], gaze)
        )
    ]


def untaught(config: Config, method: str, name: str) -> str | None:
    """What is wrong with a gaze model in a method whose student learns tokens; None where nothing is."""
    about, entry = METHODS.get(method), config["gaze"]["models"].get(name)
    if about is None or not about.tokens or entry is None:
        return None
    if not token_teachers(entry["kind"]):
        learning = [kind for kind in GAZE_MODELS if token_teachers(kind)]
        return f"gaze model {name} learns no tokens; expected one of kind {' or '.join(learning)}"
    if labeller_of(config, name) is None:
        return f"gaze.models.{name}.labeller: missing; expected the gaze model whose tokens {name} learns"
    return None


def can_label(config: Config, method: str, name: str, labeller: str | None) -> bool:
    """Whether a gaze model, or its labeller, makes what its students learn in a method."""
    about, models = METHODS[method], config["gaze"]["models"]
    kinds = [models.get(one, {}).get("kind") for one in (name, labeller)]
    if about.tokens:
        return kinds[1] in token_teachers(kinds[0])
    teaching = GAZE_MODELS.get(kinds[0] if labeller is None else kinds[1])
    return not (about.labels_by_gaze and about.gradcam) or (teaching is not None and teaching.prior)


def unseen_prior(config: Config, method: str, name: str) -> str | None:
    """What is wrong with a gaze model in a method where it, or its labeller, would be given prior maps."""
    about = METHODS.get(method)
    kind = GAZE_MODELS.get(config["gaze"]["models"].get(name, {}).get("kind"))
    if about is None or kind is None or kind.prior or not (about.labels_by_gaze and about.gradcam):
        return None
    other = GAZE_MODELS.get(config["gaze"]["models"].get(labeller_of(config, name), {}).get("kind"))
    if about.student and other is not None and other.prior:
        return None
    labelled = f", or one as gaze.models.{name}.labeller" if about.student else ""
    return f"{kind.title} ({name}) sees no prior map; expected a gaze model that does, such as VAT{labelled}"
