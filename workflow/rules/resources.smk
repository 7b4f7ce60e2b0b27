"""What jobs ask of a machine: memory, time, threads and GPUs of all rules, by workflow/resources.yaml. No rules here.

None of it is a parameter, so that no change makes anything again. What the command line or a profile sets for a rule
(``set-resources``, ``set-threads``) wins. GCDR_RESOURCES names another table, such as ``gcdr forecast`` writes.
"""

from functools import cache

from gcdr.base.errors import InputError
from gcdr.base.gpus import share_gpus, visible_gpus
from gcdr.config.preflight import machine_memory
from gcdr.settings import job_needs
from gcdr.settings.job_needs import Work
from gcdr.settings.people_counts import people_of_job
from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards
from snakemake.resources import Resources

RULES_FOLDER = Path(workflow.current_basedir.get_path_or_uri(secret_free=False))
TABLE = os.environ.get("GCDR_RESOURCES", RULES_FOLDER.parent / "resources.yaml")
FIGURES = job_needs.read_figures(Path(TABLE))


def people_of(wildcards):
    """How many people a job goes through."""
    return people_of_job(config, wildcards)


def vqa_work(wildcards):
    """A VQA model about a shard."""
    weights = Path(vqa_files_of(wildcards.store)[0])
    row = job_needs.vqa_row(weights, of_store(wildcards).released.size)
    return [Work(row, people_of(wildcards))]


def detector_work(finds):
    """A detector of bodies ("detect") or of heads, which looks at fewer pictures than there are people."""
    weights = config[finds]["weights"]
    size = (
        weights if weights == CENTERFACE else "paper" if weights.endswith(CHECKPOINTS) else "world"
    )
    return lambda wildcards: [Work(f"detector {size}", people_of(wildcards))]


def gaze_work(gaze_of):
    """A gaze model about a study's people, or a data set's."""

    def works(wildcards):
        model = learning.gaze_model(config, gaze_of(wildcards))
        return [Work(job_needs.gaze_row(model), people_of(wildcards))]

    return works


def asking(row):
    """A model of a size that there is one of, about everybody."""
    return lambda wildcards: [Work(row, people_of(wildcards))]


def label_work(wildcards):
    """What makes a variant's labels: a gaze model, the denoiser, or nothing but the prior's maps."""
    asked, people = parse_variant(wildcards.variant), people_of(wildcards)
    settings = learning.label_settings(config, asked)
    if settings.family == "gaze":
        return gaze_work(asked_gaze)(wildcards)
    if settings.refine is None:
        return [Work(f"denoiser {DENOISER}", people)] if settings.family else []
    return [job_needs.refining(DENOISER, people, settings.refine)]


def sweep_work(wildcards):
    """Everybody refined from each timestep."""
    settings = learning.sweep_settings(config, 1)
    return [
        job_needs.refining(
            DENOISER, people_of(wildcards) * len(settings.timesteps), settings.refine
        )
    ]


def choice_work(wildcards):
    """The labelled people refined by each candidate."""
    settings = learning.choice_settings(config, *parse_choice_name(wildcards.sampler), 1)
    people = labelled_people(wildcards) * settings.repeats
    return [job_needs.refining(DENOISER, people, one) for one in settings.refinements()]


def training_work(wildcards):
    """A teacher's or a student's training."""
    share, people = labelled_share(wildcards), people_of(wildcards)
    if wildcards.kind == "students":
        named = "student"
        training = learning.student_training(config, share, parse_variant(wildcards.name), 1)
    else:
        teacher = parse_teacher("diffusion" if wildcards.kind == "folds" else wildcards.name)
        named = teacher.name
        training = learning.teacher_training(config, share, teacher.about, teacher.gaze, 1)
    training = learning.at_rate(training, config, wildcards.study, named)
    return job_needs.training_works(training, people, labelled_people(wildcards))


def labelled_people(wildcards):
    """How many of a study's people keep their label; all, where the split draws none."""
    share = labelled_share(wildcards)
    return people_of(wildcards) * (share / 100 if isinstance(share, int) else 1)


DENOISER = config["diffusion"]["model"]
WORKS = {
    "detect": detector_work("detect"),
    **dict.fromkeys(("find_heads", "film_heads"), detector_work("heads")),
    "gradcam": vqa_work,
    "pointing": asking("pointing"),
    "estimate_depth": asking("depth"),
    "name_by_detection": asking("regions"),
    "evaluate_two_stage": asking("image tower"),
    "tokens": gaze_work(on_backbone),
    **dict.fromkeys(
        ("evaluate", "evaluate_semantics", "label_curve", "predict_unlabelled", "predict_folder"),
        gaze_work(asked_gaze),
    ),
    **dict.fromkeys(("make_labels", "refine_folder", "step_maps"), label_work),
    "sweep": sweep_work,
    "choose_timestep": choice_work,
    **dict.fromkeys((name for name in FIGURES.rules if name.startswith("train_")), training_work),
    **dict.fromkeys(
        ("world_vqa", "world_detector", "world_backbone", "world_frozen"),
        lambda wildcards: [Work("vqa world")],  # its time is the rule's
    ),
}
"""What models do in the jobs of a rule, of every rule whose script takes a device; in those of others nothing."""


def asks(name):
    """The resources of a rule, each a function of a job's wildcards and of how often it was tried."""
    works = WORKS.get(name, lambda wildcards: [])
    processes = config["processes"] if works is training_work else 1

    @cache  # shards are alike
    def needed(attempt, *values):
        wildcards = Wildcards(fromdict=dict(values))
        of_job = (people_of(wildcards), works(wildcards), GPU, attempt, processes)
        return job_needs.needs(FIGURES, name, *of_job)

    def resource(what):
        def value(wildcards, attempt):
            values = dict(wildcards.items())
            values |= {"shard": "1"} if "shard" in values else {}
            return getattr(needed(attempt, *values.items()), what)

        keep_parameters(value)
        return value

    asked = {what: resource(what) for what in ("mem_mb", "runtime", "gpu", "seconds")}
    return Resources.from_mapping(asked if GPU and name in WORKS else asked | {"gpu": 0})


def rule_of(name):
    """A rule, or None where a Snakefile that uses this one as a module leaves it out."""
    try:
        found = getattr(rules, name).rule
    except WorkflowError:
        return None
    return None if found.resources is None else found


for name, figures in FIGURES.rules.items():
    one, settings = rule_of(name), workflow.resource_settings
    if one is None:
        continue
    one.resources.update(asks(name))
    one.resources.update(Resources.from_mapping(settings.overwrite_resources.get(one.name, {})))
    if figures.threads > 1 and one.name not in settings.overwrite_threads:
        one.resources["_cores"] = figures.threads

if workflow.is_main_process and workflow.resource_settings.nodes is None:
    # Jobs run on this machine: they share its memory, and each has GPUs of its own.
    devices = visible_gpus() if config["device"] in ("auto", "cuda") else []
    for what, total in {"mem_mb": machine_memory(), "gpu": max(len(devices), 1)}.items():
        if what not in workflow.global_resources:
            workflow.register_resource(what, total)
    try:
        share_gpus(devices, config["processes"])
    except InputError as error:
        raise WorkflowError(str(error)) from None
