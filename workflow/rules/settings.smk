"""Settings of the stages, by the leaves that decide their result. No rules here."""

import re
from dataclasses import asdict

from gcdr.config.asked import DIFFUSION, pretrained_models, study_starts
from gcdr.config.asked import pretrained_settings as what_agrees
from gcdr.config.preflight import recipe_problems
from gcdr.methods import LABELS_ALONE, TEACHERS
from gcdr.variants import (
    BY_LABELS,
    ONLINE,
    STORED,
    SUFFIXES,
    TOKENS,
    ending_with,
    parse_teacher,
    pattern,
    pseudo_variant,
    teacher_name,
)
from gcdr.models.sizes import backbone_file
from gcdr.settings import learning, reporting, scoring


def gaze_init(wildcards):
    """What a gaze model starts from: another study's model, a folder or file, or nothing."""
    gaze = trained_gaze(wildcards)
    start = study_starts(config, wildcards.study).get(gaze, entry_of_gaze(gaze).get("init"))
    if isinstance(start, dict):
        folder = model_folder(start["study"], start["model"], start.get("gaze", gaze))
        return files_in(folder, "model.safetensors")
    if not start:
        return []
    # What lies below results/ is taken as it is, not as something that rules could make again.
    file = os.path.normpath(weights_file(start))
    return [os.path.abspath(file) if file.startswith("results/") else str(weights_file(start))]


def gaze_backbone(wildcards):
    """The file of the frozen backbone of the gaze model that a job trains, if it has one."""
    return backbone_of(trained_gaze(wildcards))


def backbone_of(gaze):
    """The file of an entry's frozen backbone, if it has one."""
    entry = config["gaze"]["models"].get(gaze, {})
    return [str(backbone_file(entry["backbone"]))] if entry.get("backbone") else []


def trained_gaze(wildcards):
    """The gaze model that a training makes, by its name in gaze.models; None where it makes none."""
    if wildcards.kind == "teachers":
        return parse_teacher(wildcards.name).gaze
    return parse_variant(wildcards.name).gaze


def teaching_gaze(wildcards):
    """The gaze model whose teacher a student learns from, by its name in gaze.models, where it is another one."""
    return parse_variant(wildcards.name).labeller


def asked_gaze(wildcards):
    """The gaze model that a job about a variant asks, by its name in gaze.models; None where there is none."""
    return parse_variant(wildcards.variant).gaze


def model_folder(study, method, gaze):
    """Folder of a method's model of a gaze model as a study makes it."""
    asked = variant_of({"method": method, "gaze": gaze}, study)
    return model_of_variant(study, split_name(study), config["studies"][study]["seed"], asked)


def model_of_variant(study, share, seed, asked):
    """Folder of the model that a variant is judged by: its student, or its teacher itself."""
    if asked.about.student:
        return f"{STUDY.format(study=study, share=share, seed=seed)}/students/{asked}"
    return teacher_folder(study, share, seed, asked.about.teacher, asked.model)


def teacher_folder(study, share, seed, teacher, name):
    """Folder of a teacher; what sees no unlabelled people is the same for every amount of them."""
    if TEACHERS[teacher].labels_alone:
        share = labels_alone(share)
    return f"{STUDY.format(study=study, share=share, seed=seed)}/teachers/{name}"


def teachers(**properties):
    """Names of teachers with these properties, with what they depend on, as a pattern for a wildcard."""
    names = "|".join(
        name
        for name, teacher in TEACHERS.items()
        if all(getattr(teacher, key) == value for key, value in properties.items())
    )
    return f"(?:{names}){SUFFIXES}"


def pretrained_pattern():
    """Folders of all pretrained models below results/; a student's is that of every variant of its method."""
    return "|".join(
        rf"{re.escape(study)}/labels{SPLIT_PATTERN}-seed\d+/{pretrained_folder(name, gaze)}"
        for study in config["studies"]
        for name, gaze in pretrained_models(config, study)
    )


def pretrained_folder(name, gaze):
    """Folders of a pretrained model in a label split, as a pattern."""
    suffixes = SUFFIXES if gaze is None else ending_with(gaze)
    return (
        f"teachers/{name}{suffixes}"
        if name in TEACHERS
        else f"students/{pattern(name, suffixes=suffixes)}"
    )


def pretrained_model(wildcards):
    """Study of a folder, what it holds (a teacher, or the method of a student) and its gaze model."""
    study, _, kind, name = Path(wildcards.pretrained).parts
    if kind == "teachers":
        teacher = parse_teacher(name)
        return study, teacher.name, teacher.gaze
    asked = parse_variant(name)
    return study, asked.method, asked.gaze


def pretrained_name(wildcards):
    return pretrained_model(wildcards)[1]


def pretrained_source(wildcards):
    """Where a pretrained model lies: a path, or the folder of another study's model."""
    study, name, gaze = pretrained_model(wildcards)
    source = pretrained_models(config, study)[name, gaze]
    if isinstance(source, str):
        return source
    if gaze is None:
        return os.path.dirname(diffusion_of(source["study"], source["model"]))
    return model_folder(source["study"], source["model"], source.get("gaze", gaze))


def pretrained_gaze(wildcards):
    """The gaze model that a pretrained model is one of, by its name in gaze.models; None where it is none."""
    return pretrained_model(wildcards)[2]


def pretrained_backbone(wildcards):
    """The file of the frozen backbone that a pretrained model stands on, if it does."""
    return backbone_of(pretrained_gaze(wildcards))


def pretrained_settings(wildcards):
    """What a pretrained model must agree with."""
    return settings_json(what_agrees(config, pretrained_gaze(wildcards)))


def pretrained_files(wildcards):
    """The checkpoint, or the files of the folder."""
    source = pretrained_source(wildcards)
    if source.endswith(CHECKPOINTS):
        return [source]
    return files_in(source, "model.safetensors", "model.json")


def training_settings(wildcards):
    """Of the model that a training job makes, at the rate that its study has."""
    share = labelled_share(wildcards)
    if wildcards.kind == "students":
        asked, named = parse_variant(wildcards.name), "student"
        training = learning.student_training(config, share, asked, layer_of(asked.prior))
    else:
        named = (teacher := parse_teacher(wildcards.name)).name
        layer = layer_of(teacher.prior)
        training = learning.teacher_training(config, share, teacher.about, teacher.gaze, layer)
    return settings_json(learning.at_rate(training, config, wildcards.study, named))


def training_options(wildcards, input, output):
    """Seed, device, folder, and options with the inputs that not every training has."""
    about = parse_teacher(wildcards.name).about if wildcards.kind == "teachers" else None
    family = None if about is None or about.labels_alone else about.family
    named = ("teacher", "init", "pseudo", "prior", "manifest", "choice", "space", "named", "shown")
    files = input_options(*named)(wildcards, input)
    out = os.path.dirname(output[0])
    about_job = options(seed=int(wildcards.seed), device=config["device"], out=out, family=family)
    return [*about_job, *files]


def student_labels(wildcards):
    """The store of a student's pseudo-labels."""
    stored = pseudo_variant(parse_variant(wildcards.name))
    return f"{STUDY.format(**wildcards)}/pseudo/{stored}.h5"


def teacher_prior(wildcards):
    """The prior store of a teacher that sees its maps."""
    teacher = parse_teacher(wildcards.name)
    prior, gaze = teacher.prior, teacher.gaze
    kind = GAZE_MODELS[config["gaze"]["models"][gaze]["kind"]] if gaze else None
    if prior and kind and not kind.prior:
        raise WorkflowError(f"{wildcards.name}: {kind.title} ({gaze}) sees no prior map")
    return prior_file(wildcards.study, prior) if prior else []


def consistency_init(wildcards):
    """What its towers start from: as of one that learns from labels alone."""
    about = parse_teacher(wildcards.name).about
    fitting(f"{about.family}.{about.unlabelled_settings}")
    return diffusion_init(wildcards) if about.family == "diffusion" else gaze_init(wildcards)


def mapping_init(wildcards):
    """What its towers start from: as the diffusion teacher's, but for a whole one of another study."""
    fitting("diffusion.mapping")
    return towers_init(wildcards, config["diffusion"]["init"])


def fitting(key):
    """End the plan if a training recipe does not fit; that of a method that only a target asks for is not seen
    before."""
    problems = recipe_problems(config, [key])
    if problems:
        raise WorkflowError("\n".join(["configuration: 1 problem", *problems]))


def diffusion_init(wildcards):
    """What the denoiser starts from: another study's, or what its towers alone do."""
    init = study_starts(config, wildcards.study).get(DIFFUSION, config["diffusion"]["init"])
    if isinstance(init, dict):
        return diffusion_of(init["study"], init["model"])
    return towers_init(wildcards, init)


def towers_init(wildcards, init):
    """What a denoiser's towers start from: a supervised teacher of the study, weights, or nothing."""
    if init in config["gaze"]["models"]:
        place = (wildcards.study, wildcards.share, wildcards.seed, LABELS_ALONE)
        folder = teacher_folder(*place, teacher_name(LABELS_ALONE, None, init))
        return f"{folder}/model.safetensors"
    return str(weights_file(init)) if init else []


def diffusion_of(study, method):
    """Weights of the diffusion model that labels for a method in a study."""
    asked, seed = variant_of({"method": method}, study), config["studies"][study]["seed"]
    folder = teacher_folder(study, split_name(study), seed, asked.about.teacher, asked.model)
    return f"{folder}/model.safetensors"


def label_settings(wildcards):
    """How labels are made."""
    asked = parse_variant(wildcards.variant)
    return settings_json(learning.label_settings(config, asked, layer_of(asked.prior)))


def label_teacher(wildcards):
    """Files of the model that makes a variant's labels, if it takes one."""
    return teacher_files(
        wildcards.study, wildcards.share, wildcards.seed, parse_variant(wildcards.variant)
    )


def online_teacher(wildcards):
    """Files of the model that makes a student's labels, or its tokens, while it is trained."""
    return teacher_files(
        wildcards.study, wildcards.share, wildcards.seed, parse_variant(wildcards.name)
    )


def teacher_files(study, share, seed, asked):
    """Files of the teacher that makes a variant's labels; none where the prior's maps are the labels."""
    if asked.about.teacher is None:
        return []
    folder = teacher_folder(study, share, seed, asked.about.teacher, asked.model)
    return files_in(folder, "model.safetensors", "model.json")


def label_prior(wildcards):
    """The prior store, for variants that see its maps."""
    prior = parse_variant(wildcards.variant).prior
    return prior_file(wildcards.study, prior) if prior else []


def label_options(wildcards, input):
    """Which labels of whom, and options with the inputs that not every variant has."""
    hidden = wildcards.which == "pseudo" or adapts(wildcards.study)
    which = "unlabelled" if hidden else "test"
    return labels_for(which, int(wildcards.seed), wildcards, input)


def folder_options(wildcards, input):
    """The same, of everybody."""
    return labels_for("all", config["studies"][wildcards.study]["seed"], wildcards, input)


def prediction_options(wildcards, input):
    """The same, of the unlabelled people whom a student is asked about."""
    return labels_for("unlabelled", int(wildcards.seed), wildcards, input)


def student_files(wildcards):
    """Files of the student that a variant names."""
    asked = parse_variant(wildcards.variant)
    folder = model_of_variant(wildcards.study, wildcards.share, wildcards.seed, asked)
    return files_in(folder, "model.safetensors", "model.json")


def labels_for(which, seed, wildcards, input):
    method = parse_variant(wildcards.variant).method
    files = input_options("labels", "prior", "teacher", "choice")(wildcards, input)
    about_job = options(method=method, which=which, seed=seed, device=config["device"])
    return [*about_job, *files]


def layer_of_study(wildcards):
    """The layer of a study's prior whose maps are used."""
    return layer_of(prior_store(prior_of_study(wildcards.study)))


def map_settings(store=None):
    """How prior maps become heatmaps."""
    return settings_json(learning.map_settings(config, layer_of(store)))


def raw_prior(wildcards):
    """A prior store by its name in a path."""
    return prior_file(wildcards.study, wildcards.prior)


def sweep_teacher(wildcards):
    """The diffusion model whose timesteps are tried."""
    asked = variant_of("gcdr")
    return teacher_files(wildcards.study, wildcards.share, wildcards.seed, asked)


def sweep_settings(wildcards):
    """Which timesteps are tried, and how."""
    return settings_json(learning.sweep_settings(config, layer_of(wildcards.prior)))


def about(wildcards, variant, method, kind, **named):
    """What a metrics file says it is of."""
    title = scoring.title_of(config, config["studies"][wildcards.study]["dataset"])
    of_split = (wildcards.study, title, labelled_share(wildcards), int(wildcards.seed))
    return as_json(asdict(scoring.About(*of_split, variant, method, kind, **named)))


def about_baselines(wildcards):
    """Of the rulers beside every table."""
    return about(wildcards, "baselines", "baselines", "baseline")
