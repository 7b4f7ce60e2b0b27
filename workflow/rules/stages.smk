"""What a job's script is told. No rules here.

A command passes values with ``:q``, which quotes them for the shell, and behind ``--name=``, where they may
begin with a dash. Options that not every job has are a parameter that gcdr.base.command.options makes. What
stands in a command alone (workers, failures, processes) never changes a bit, and a change of it makes nothing again.
"""

import json

from gcdr.base.command_line import options
from gcdr.settings.learning import trainer


def script(name):
    return f"{HOME}workflow/scripts/{name}.py"


TRAINER = trainer(config["processes"], script("launch"))
"""What runs a training's script."""

if MODULE:
    # Snakemake prints a module's commands with its host's names, and runs them with ours (snakemake#1688).
    host = workflow.modifier_stack[0].globals
    host["config"].setdefault("failures", config["failures"])
    host.setdefault("TRAINER", TRAINER)


def files_in(folder, *names):
    """Files of a model, each an input by itself: a folder's time stamp says nothing of its content."""
    return [f"{folder}/{name}" for name in names]


def folder_of(files):
    """The folder that a model's files lie in; a checkpoint stands for itself, and nothing for nothing."""
    first = files if isinstance(files, str) else next(iter(files), "")
    return first if first.endswith(CHECKPOINTS) else os.path.dirname(first)


def input_options(*names):
    """Options with those of some inputs that a job has: a model by its folder, anything else as it is."""

    def made(wildcards, input):
        places = {name: place_of(name, input.get(name)) for name in names}
        known = {f"{name}_made_by": made_by(name, input.get(name), wildcards) for name in names}
        return options(**places, **known)

    return made


def made_by(name, file, wildcards):
    """What a store that a job reads must have been made by, as JSON; nothing of other files.

    It changes no result, so it is no parameter by itself: the rule that makes the store has it there.
    """
    if not file or name not in ("prior", "pseudo", "store"):
        return None
    if name == "prior":
        return as_json(STORES[Path(file).stem].made_by())
    asked = parse_variant(Path(file).stem)
    settings = learning.label_settings(config, asked, layer_of(asked.prior)).to_json()
    return as_json({"method": asked.method, "settings": settings, "seed": int(wildcards.seed)})


def place_of(name, files):
    return folder_of(files or []) if name in ("model", "teacher", "init") else files


def settings_json(settings):
    """Settings of a stage as its script reads them."""
    return as_json(settings.to_json())


def as_json(value):
    """Settings as text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True)
