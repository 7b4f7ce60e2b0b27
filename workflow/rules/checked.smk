"""The configuration, checked before anything is planned. No rules here."""

import os
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.config.checked import SCHEMA, check_config
from gcdr.config.pools import add_pools
from gcdr.config.preflight import check_writable, prepare_environment, wants_gpu
from gcdr.priors.kinds.registry import read_priors
from snakemake.exceptions import WorkflowError

prepare_environment()

try:
    check_config(
        config,
        [Path(os.path.relpath(path)) for path in workflow.configfiles],
        Path(workflow.basedir, SCHEMA),
    )
    check_writable(Path("results"))
except InputError as error:
    raise WorkflowError(str(error)) from None

add_pools(config)

PRIORS = read_priors(config)
GPU = int(wants_gpu(config["device"]))
