"""Where Snakemake is started, checked before the configuration is looked for, and whose code plans. No rules here."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

TOP = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parents[1]
sys.path.insert(0, str(TOP / "src"))  # the library of this checkout, whatever is installed

try:
    from gcdr.base.errors import InputError
    from gcdr.base.stopping import hear_interrupts
    from gcdr.config.place import as_module, check_module, check_start
except ImportError as error:
    raise WorkflowError(
        f"GCDR's Snakefile was found in {TOP}, and its library cannot be imported ({error}); expected a clone of "
        "the whole repository, and an environment with what docs/module.md lists"
    ) from None

hear_interrupts()  # a Ctrl-C that Python swallows would let the run go on to its end

MODULE = workflow.modifier.parent_modifier is not None
"""Whether another Snakefile uses this one as a module: then nothing of ours lies where Snakemake works."""

HOME = f"{TOP}/" if MODULE else ""
"""What stands before the repository's own paths."""

try:
    check_start(TOP, None if MODULE else Path.cwd())
    if MODULE:
        check_module(
            config if workflow.modifier.skip_configfile else None,
            workflow.modifier.modify_path("results/"),
        )
        config = as_module(TOP, config)
except InputError as error:
    raise WorkflowError(str(error)) from None
