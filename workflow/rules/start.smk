"""Where Snakemake is started, checked before the configuration is looked for. No rules here."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.config.place import check_start
from snakemake.exceptions import WorkflowError

here = Path(workflow.current_basedir.get_path_or_uri(secret_free=False))

try:
    check_start(here.parents[1], Path.cwd(), workflow.modifier.parent_modifier is not None)
except InputError as error:
    raise WorkflowError(str(error)) from None
