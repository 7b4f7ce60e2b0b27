"""Settings of the stages, by the leaves that decide their result. No rules here."""

from gcdr.methods import pattern

WHAT = {
    "world": "demo world",
    "gazefollow": "GazeFollow",
    "videoattentiontarget": "VideoAttentionTarget, single images",
    "gazelle": "Gaze-LLE's JSON",
    "folder": "own images",
}
PEOPLE = {"pseudo": "unlabelled", "test": "test"}


def gaze_init(wildcards):
    """What gaze models start from: another study's model, pretrained towers, or nothing."""
    given = config["studies"][wildcards.study].get("init")
    if given:
        return files_in(model_folder(split_of(given["study"]), given["model"]), "model.safetensors")
    return [str(weights_file(config["gaze"]["init"]))] if config["gaze"]["init"] else []


def model_folder(split, method):
    """Folder of a method's model in a study's split."""
    if METHODS[method].student:
        return f"{split}/students/{recipe_of(method)}"
    return teacher_folder(split, recipe_of(method))


def teacher_folder(split, teacher):
    """Folder of a teacher; what sees no unlabelled people is the same for every amount of them."""
    if not TEACHERS[teacher].mean_teacher:
        split = re.sub(r"-unlabelled\d+", "", split)
    return f"{split}/teachers/{teacher}"


def given_pattern():
    """Folders of all given models below results/; a student's is that of every recipe of its method."""
    return "|".join(
        rf"{re.escape(study)}/labels\d+(?:-unlabelled\d+)?-seed\d+/"
        + (f"teachers/{name}" if name in TEACHERS else f"students/{pattern(name)}")
        for study, about in config["studies"].items()
        for name in about.get("given", {})
    )


def given_name(wildcards):
    """The teacher, or the method of the student, that a folder holds."""
    _, _, kind, name = Path(wildcards.given).parts
    return name if kind == "teachers" else parse_recipe(name).method


def given_source(wildcards):
    return config["studies"][Path(wildcards.given).parts[0]]["given"][given_name(wildcards)]


def given_files(wildcards):
    """The checkpoint, or the files of the folder."""
    source = given_source(wildcards)
    if source.endswith(CHECKPOINTS):
        return [source]
    return files_in(source, "model.safetensors", "model.json")


def folder_of(files):
    """The folder that a model's files lie in; a checkpoint stands for itself."""
    first = files if isinstance(files, str) else files[0]
    return first if first.endswith(CHECKPOINTS) else os.path.dirname(first)


def layer_of_study(wildcards):
    """The layer of a study's prior whose maps are used."""
    return layer_of(prior_store(prior_of_study(wildcards.study)))


def map_sizes(wildcards):
    """How a prior's maps become heatmaps of the gaze model's size."""
    return {
        "layer": layer_of_study(wildcards),
        "size": config["heatmap"]["size"],
        "sigma": config["heatmap"]["sigma"],
    }


def map_settings(wildcards, **more):
    return as_json({**map_sizes(wildcards), **more})


def shared(wildcards, settings):
    """Settings as text, with what a table gives for the label share of a path."""
    return as_json(by_share(settings, labelled_share(wildcards)))


def gaze_settings(wildcards):
    """Of a student; a supervised teacher has changes to the recipe, and labelled people alone."""
    gaze, student = config["gaze"], hasattr(wildcards, "recipe")
    return {
        "model": gaze["model"],
        "recipe": gaze["recipe"] if student else gaze["recipe"] | gaze["teacher"],
        "labelled_per_batch": gaze["labelled_per_batch"] if student else None,
        "sigma": config["heatmap"]["sigma"],
        "layer": layer_of_study(wildcards),
        "in_frame": gaze["in_frame"],
    }


def diffusion_settings():
    diffusion = config["diffusion"]
    names = ("model", "head", "recipe", "timesteps", "schedule")
    return {**{name: diffusion[name] for name in names}, "sigma": config["heatmap"]["sigma"]}


def plain_recipe(base, changes):
    """A recipe with changes, for training that makes no noise draws of its own."""
    return {key: value for key, value in (base | changes).items() if key != "draws"}


def mapping_settings(wildcards):
    features = "towers" if TEACHERS[wildcards.teacher].features else "none"
    changed = plain_recipe(config["diffusion"]["recipe"], config["diffusion"]["mapping"])
    layer = layer_of_study(wildcards)
    return diffusion_settings() | {"recipe": changed, "layer": layer, "features": features}


def mean_teacher_settings(wildcards):
    family = TEACHERS[wildcards.teacher].family
    model = config[family]
    taught = dict(model["mean_teacher"])
    settings = {
        "gaze": lambda: {"model": model["model"], "sigma": config["heatmap"]["sigma"]},
        "diffusion": lambda: diffusion_settings() | sampler_settings(),
    }[family]()
    changed = plain_recipe(model["recipe"], taught.pop("recipe"))
    return settings | {"recipe": changed, "mean_teacher": taught}


def mean_teacher_init(wildcards):
    """What its towers start from: as without Mean Teacher."""
    return (
        diffusion_init(wildcards)
        if TEACHERS[wildcards.teacher].family == "diffusion"
        else gaze_init(wildcards)
    )


def diffusion_init(wildcards):
    """What the denoiser's towers start from: the study's VAT teacher, a folder or file, or nothing."""
    init = config["diffusion"]["init"]
    if init == "vat":
        return f"{teacher_folder(STUDY.format(**wildcards), init)}/model.safetensors"
    return str(weights_file(init)) if init else []


def label_settings(wildcards):
    """How labels are made; what stands in the path is taken from there."""
    named = parse_recipe(wildcards.recipe)
    method, sampled = named.about, {}
    if method.family == "diffusion":
        sampled = sampler_settings() | named.sampling
    return {
        **map_sizes(wildcards),
        "teacher": method.family,
        "gaussian": method.gaussian,
        **sampled,
    }


def label_teacher(wildcards):
    """Files of the model that makes a recipe's labels, if it takes one."""
    teacher = parse_recipe(wildcards.recipe).about.teacher
    return teacher_files(STUDY.format(**wildcards), teacher) if teacher else []


def teacher_files(split, teacher):
    """Files of a teacher that makes labels of a study's split."""
    return files_in(teacher_folder(split, teacher), "model.safetensors", "model.json")


def label_prior(wildcards):
    """The prior store, for recipes that see the Grad-CAM map."""
    return prior_of(wildcards) if parse_recipe(wildcards.recipe).about.gradcam else []


def option(name, files):
    """An option of a command with the folder of files, or nothing where there are none."""
    return f"--{name} {folder_of(files)}" if files else ""


def sampler_settings():
    return {
        **{
            name: config["refine"][name]
            for name in ("sampler", "eta", "noise_offset", "last_alpha")
        },
        **{name: config["diffusion"][name] for name in ("timesteps", "schedule")},
    }


def sweep_settings(wildcards):
    refine = config["refine"]
    return map_settings(
        wildcards,
        steps=refine["steps"],
        draws=refine["draws"],
        redraw="mean",
        sweep=config["sweep"]["timesteps"],
        **sampler_settings(),
    )


def what_is(dataset):
    """What kind of data set it is, for people; of a pool, where labels and test people are from."""
    source = config["datasets"][dataset]
    if source["kind"] != "pool":
        return WHAT[source["kind"]]
    return f"{what_is(source['test'])} {source['test']}, labels of {', '.join(source['labelled'])}"


def about(wildcards, recipe, method, kind, t=None):
    """What a metrics file says it is of."""
    return as_json(
        {
            "study": wildcards.study,
            "dataset": what_is(config["studies"][wildcards.study]["dataset"]),
            "share": labelled_share(wildcards),
            "seed": int(wildcards.seed),
            "recipe": recipe,
            "method": method,
            "kind": kind,
            "timestep": t,
        }
    )
