"""Where the weights of models lie that jobs read, and what pictures these see. No rules here."""

from functools import cache

from gcdr.base.files import CHECKPOINTS
from gcdr.config.asked import sees_tokens, tokens_name, tokens_of_backbones
from gcdr.detection.shipped import CENTERFACE
from gcdr.priors.vqa.ofa.layouts import BLIP, OURS, OFA_TEXT, WEIGHTS, find_layout


def looking_options(wildcards, input):
    """Options of a job that has a model look at a data set's images: where both are, and where it computes."""
    images = image_root(wildcards.dataset)
    weights = folder_of(input.weights) if input.weights else CENTERFACE
    return options(images=images, weights=weights, device=config["device"])


def released_priors():
    """Priors with weights in a released layout, by the name of the folder they are converted to."""
    asked = [prior for prior in PRIORS.values() if prior.KIND == "vqa"]
    return {Path(prior.converted).name: prior for prior in asked if released(prior)}


def vqa_layout(prior):
    """Files and layout of a prior's VQA model as configured."""
    return find_layout(prior.weights, DOWNLOADS)


def released(prior):
    """Whether a VQA model has to be converted; of one that is not there, nothing is said."""
    try:
        return vqa_layout(prior).kind not in (OURS, BLIP)
    except InputError:
        return False


def vqa_files(wildcards):
    """A store's VQA model as jobs read it: as configured, or converted from released weights."""
    return vqa_files_of(wildcards.store)


@cache  # of a thousand shards
def vqa_files_of(store):
    prior = STORES[store].prior
    if released(prior):
        return files_in(prior.converted, WEIGHTS, *OFA_TEXT)
    return list(vqa_layout(prior).files)


def detector_files(finds):
    """The detector of bodies ("detect") or of heads: one file, or weights, sizes and what it finds."""
    weights = config[finds]["weights"]
    if (finds, weights) == ("heads", CENTERFACE):
        return []  # installed, and held to its digest by the job
    if weights.endswith(CHECKPOINTS):
        return [weights]
    return files_in(weights, "model.safetensors", "config.json", "card.json")


# Pictures, or the tokens of a frozen backbone


BACKBONES = tokens_of_backbones(config)


def on_backbone(wildcards):
    """An entry of gaze.models that stands on the backbone which a job asks: all are alike in what they ask."""
    return BACKBONES[wildcards.backbone]


def shown_to(gaze_of):
    """What a job is shown of people: tokens, if its gaze model does with them, else pictures of its size.

    Args:
        gaze_of: which gaze model that is: trained_gaze, or asked_gaze.
    """

    def people(wildcards):
        gaze = gaze_of(wildcards)
        dataset = config["studies"][wildcards.study]["dataset"]
        if not sees_tokens(config, gaze) or config["datasets"][dataset]["kind"] == "pool":
            return in_data(dataset, samples_of(gaze, sides_of(gaze)[0]))
        return in_data(dataset, f"tokens-{tokens_name(config, gaze)}.h5")

    return people


def sides_of(gaze):
    """Side of a gaze model's pictures in pixels and of its heatmaps in cells; without one, the denoiser's."""
    if gaze is None:
        return config["samples"]["size"], config["heatmap"]["size"]
    entry = entry_of_gaze(gaze)
    return GAZE_MODELS[entry["kind"]].sides(entry["size"])


def entry_of_gaze(gaze):
    """The entry of gaze.models that a name says; another Snakefile's rules may ask for any."""
    models = config["gaze"]["models"]
    if gaze not in models:
        raise WorkflowError(
            f"gaze model {gaze!r}: not in gaze.models; there are {', '.join(models)}"
        )
    return models[gaze]
