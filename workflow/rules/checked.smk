"""The configuration, checked before anything is planned. No rules here."""

import os
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.config.duplicates import check_duplicates
from gcdr.config.generated import read_schema
from gcdr.config.pools import add_pools
from gcdr.config.preflight import check_references, check_writable, prepare_environment, wants_gpu
from gcdr.config.schema import read_texts, validate_config
from gcdr.config.texts import check_texts
from gcdr.priors.kinds.registry import read_priors
from snakemake.exceptions import WorkflowError

prepare_environment()

try:
    check_duplicates([Path(os.path.relpath(path)) for path in workflow.configfiles])
    schema = read_schema(Path(workflow.basedir, "workflow/schemas/config.schema.yaml"))
    read_texts(config, schema)
    validate_config(config, schema)
    check_texts(config)
    check_references(config)
    check_writable(Path("results"))
except InputError as error:
    raise WorkflowError(str(error)) from None

add_pools(config)

PRIORS = read_priors(config)
GPU = int(wants_gpu(config["device"]))
