"""A user's file at the place of another is seen in what its job is told, whatever its date. No rules here."""

from functools import partial

from gcdr.config.exchanged import marks


def marks_of(rule, wildcards):
    """What tells the user's files that a job reads from others; what it is made by is compared anyway."""
    files = rule.expand_input(dict(wildcards.items()))[0]
    made_by = {file for name in ("script", "code") for file in listed(files.get(name, []))}
    try:
        return marks([file for file in files if file not in made_by], PLANNED)
    except InputError as error:
        raise WorkflowError(str(error)) from None


def listed(files):
    return [files] if isinstance(files, str) else list(files)


PLANNED = planned_files(config["downloads"])

for one in workflow.rules:
    one.set_params(marks=partial(marks_of, one))
