"""Choosing the noise timestep by the study's own labels (``refine.timestep: auto``).

Diffusion models that each leave a fold of the labelled people out say how good every timestep is; the choice
is a file of its own, which the labels of ``tauto`` variants read. No rules here.
"""

from gcdr.config.asked import DIFFUSION, same_people, study_starts
from gcdr.variants import AUTO, choice_name, parse_choice_name
from gcdr.refine.options import NOISE_OFFSETS

CHOICE = f"{STUDY}/timestep/{{sampler}}+{{prior}}.json"


def fold_folders(wildcards):
    """Folders of the models that leave a fold out each, in the order of the folds."""
    folds = config["refine"]["auto"]["folds"]
    study = STUDY.format(study=wildcards.study, share=wildcards.share, seed=wildcards.seed)
    return [f"{study}/folds/{number}-of-{folds}" for number in range(1, folds + 1)]


def fold_models(wildcards):
    """The same folders' files."""
    return [
        file
        for folder in fold_folders(wildcards)
        for file in files_in(folder, "model.safetensors", "model.json")
    ]


def fold_settings(wildcards):
    """Of a diffusion model that leaves a fold out."""
    number, folds = map(int, wildcards.name.split("-of-"))
    training = learning.denoiser_training(config, labelled_share(wildcards))
    training = learning.at_rate(training, config, wildcards.study, "diffusion")
    return settings_json(training.without_fold(number - 1, folds))


def fold_init(wildcards):
    """What its towers start from: never a model that has seen the labels which it leaves out."""
    init = study_starts(config, wildcards.study).get(DIFFUSION, config["diffusion"]["init"])
    if isinstance(init, dict):
        if not same_people(config, wildcards.study, init["study"]):
            return diffusion_of(init["study"], init["model"])
        init = config["diffusion"]["init"]
    init = (
        config["gaze"]["models"].get(init, {}).get("init")
        if init in config["gaze"]["models"]
        else init
    )
    return str(weights_file(init)) if init else []


def choice_options(wildcards, input, output):
    """What a choice is made by, where to compute and where it goes."""
    return options(
        folds=fold_folders(wildcards),
        samples=input.samples,
        manifest=input.manifest,
        labels=input.labels,
        prior=input.prior,
        prior_made_by=made_by("prior", input.prior, wildcards),
        seed=int(wildcards.seed),
        device=config["device"],
        out=output[0],
    )


def choice_settings(wildcards):
    """The candidates, and how they refine."""
    layer, named = layer_of(wildcards.prior), parse_choice_name(wildcards.sampler)
    return settings_json(learning.choice_settings(config, *named, layer))


def choice_of(study, share, seed, asked):
    """File of the timestep that a variant leaves open; nothing where it says one."""
    if asked.timestep != AUTO:
        return []
    return CHOICE.format(
        study=study,
        share=labels_alone(share),
        seed=seed,
        sampler=choice_name(asked),
        prior=asked.prior,
    )


def label_choice(wildcards):
    """That of a variant's labels."""
    asked = parse_variant(wildcards.variant)
    return choice_of(wildcards.study, wildcards.share, wildcards.seed, asked)


def online_choice(wildcards):
    """That of a student whose labels are made while it is trained."""
    asked = parse_variant(wildcards.name)
    return choice_of(wildcards.study, wildcards.share, wildcards.seed, asked)


def folder_choice(wildcards):
    """That of the study whose teacher refines a folder's maps."""
    study, asked = teacher_study(wildcards), parse_variant(wildcards.variant)
    return choice_of(study, split_name(study), config["studies"][study]["seed"], asked)
