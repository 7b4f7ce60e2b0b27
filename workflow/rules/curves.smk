"""What a curve over numbers of labels is made of. No rules here."""

from gcdr.config.asked_results import JUDGED_ON_NOBODY


def curve_shares(wildcards):
    """Names of the splits of a curve: parts of the labels, and all of them."""
    if not config["split"]["validation"]:
        raise WorkflowError(JUDGED_ON_NOBODY)
    whole = SplitName.parse(wildcards.share)
    parts = sorted(set(config["report"]["parts"]))
    return [*(str(replace(whole, part=part)) for part in parts), wildcards.share]


def curve_split(wildcards, share):
    """The file of one of them."""
    return LABELS.format(study=wildcards.study, share=share, seed=wildcards.seed)


def curve_splits(wildcards):
    return [curve_split(wildcards, share) for share in curve_shares(wildcards)]


def curve_folders(wildcards, share):
    """Folders of the models that are judged at one of them, by method."""
    asked = parse_variant(wildcards.variant)
    supervised = variant_of({"method": LABELS_ALONE, "gaze": asked.gaze}, wildcards.study)
    place = (wildcards.study, share, wildcards.seed)
    return {one.method: model_of_variant(*place, one) for one in (supervised, asked)}


def curve_models(wildcards):
    return [
        file
        for share in curve_shares(wildcards)
        for folder in curve_folders(wildcards, share).values()
        for file in files_in(folder, "model.safetensors", "model.json")
    ]


def curve_parts(wildcards):
    """What is judged, from the fewest labels to all."""
    return as_json(
        [
            {"labels": curve_split(wildcards, share), "methods": curve_folders(wildcards, share)}
            for share in curve_shares(wildcards)
        ]
    )


def about_curve(wildcards):
    """Of a curve."""
    named = {"study": wildcards.study, "seed": int(wildcards.seed), "variant": wildcards.variant}
    return as_json(named | {"share": labelled_share(wildcards)})
