"""The configuration, checked before anything is planned. No rules here."""

import os
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.config.checked import SCHEMA, check_config
from gcdr.config.label_checks import torn_tracks
from gcdr.config.pools import add_pools
from gcdr.config.preflight import check_writable, prepare_environment, wants_gpu
from gcdr.priors.kinds.registry import read_priors
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

prepare_environment()

try:
    check_config(
        config,
        [] if MODULE else [Path(os.path.relpath(path)) for path in workflow.configfiles],
        TOP / SCHEMA,
    )
    check_writable(Path("results"))
except InputError as error:
    raise WorkflowError(str(error)) from None

add_pools(config)

if config["split"]["out_of_frame"] == "reference":
    logger.warning(
        "split.out_of_frame reference: HIDDEN LABELS ARE READ by the split, to leave out unlabelled people who "
        "look out of the frame, as the released code does"
    )

for torn in torn_tracks(config):
    logger.warning(torn)

PRIORS = read_priors(config)
GPU = int(wants_gpu(config["device"]))
