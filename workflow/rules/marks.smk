"""What jobs are told beside what their rule says, so that a change is seen whatever dates say. No rules here.

The code behind its script goes in as one digest: an edit makes that stage again, and nothing above it. A user's
file at the place of another is told by its content. Whatever has a command has the one environment.
"""

from functools import partial

from gcdr.base.provenance import code_digest
from gcdr.config.exchanged import marks
from gcdr.models.kinds import GAZE_MODELS


def gaze_module(gaze_of):
    """The module of the gaze model that a job trains or asks, and of no other; empty where there is none."""

    def found(wildcards):
        kind = config["gaze"]["models"].get(gaze_of(wildcards), {}).get("kind")
        return [GAZE_MODELS[kind].module] if kind else []

    return found


MODULES = {
    **dict.fromkeys(
        ("train_gaze", "train_online_student", "train_mean_teacher"), gaze_module(trained_gaze)
    ),
    **dict.fromkeys(("make_labels", "evaluate", "label_curve"), gaze_module(asked_gaze)),
    "take_pretrained": gaze_module(pretrained_gaze),
    "tokens": gaze_module(lambda wildcards: wildcards.gaze),
    "import_prior": lambda wildcards: [type(of_store(wildcards)).__module__],
}
"""Modules that a script reaches through a table of kinds, of which a job needs that of its own kind alone."""


def code_of(script, wildcards):
    """What tells the code behind a job."""
    further = MODULES.get(Path(script).stem, lambda wildcards: [])
    return f"code of {Path(script).stem} {code_digest(script, *further(wildcards))}"


def marks_of(rule, wildcards):
    """What tells the user's files that a job reads from others."""
    try:
        return marks(rule.expand_input(dict(wildcards.items()))[0], PLANNED)
    except InputError as error:
        raise WorkflowError(str(error)) from None


PLANNED = planned_files(config["downloads"])
ENVIRONMENT = str(TOP / "envs/gcdr.yaml")

for one in workflow.modifier.rules:
    if one.shellcmd:
        one.conda_env = ENVIRONMENT
    one.set_params(marks=partial(marks_of, one))
    if "script" in one.input.keys():
        one.set_params(code=partial(code_of, one.input.script))
