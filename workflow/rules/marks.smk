"""What jobs are told beside what their rule says, so that a change is seen whatever dates say. No rules here.

The code behind its script goes in as one digest: an edit makes that stage again, and nothing above it. A user's
file at the place of another is told by its content. Whatever has a command has the one environment.
"""

from functools import cache

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
        ("train_gaze", "train_online_student", "train_consistency"), gaze_module(trained_gaze)
    ),
    "train_token_student": lambda wildcards: [
        *gaze_module(trained_gaze)(wildcards),
        *gaze_module(teaching_gaze)(wildcards),
    ],
    **dict.fromkeys(("make_labels", "evaluate", "label_curve"), gaze_module(asked_gaze)),
    "take_pretrained": gaze_module(pretrained_gaze),
    "tokens": gaze_module(on_backbone),
    "import_prior": lambda wildcards: [type(of_store(wildcards)).__module__],
}
"""Modules that a script reaches through a table of kinds, of which a job needs that of its own kind alone."""


def code_of(script):
    """A parameter that tells the code behind a job."""
    further = MODULES.get(Path(script).stem, lambda wildcards: [])

    def told(wildcards):
        return f"code of {Path(script).stem} {code_digest(script, *further(wildcards))}"

    return told


def marks_of(rule):
    """A parameter that tells the user's files which a job reads from others; all shards of a stage read the same."""

    @cache
    def of_inputs(*values):
        try:
            return marks(rule.expand_input(dict(values))[0], DOWNLOADS)
        except InputError as error:
            raise WorkflowError(str(error)) from None

    def told(wildcards):
        values = dict(wildcards.items())
        return of_inputs(*(values | {"shard": "1"} if "shard" in values else values).items())

    return told


ENVIRONMENT = str(TOP / "envs/gcdr.yaml")

for one in workflow.modifier.rules:
    if one.shellcmd:
        one.conda_env = ENVIRONMENT
    one.set_params(marks=marks_of(one))
    if "script" in one.input.keys():
        one.set_params(code=code_of(one.input.script))
