"""Results that are asked for by path have names that there are, or the right one is said. No rules here."""

import sys

from gcdr.config.asked_results import misnamed_results

# Snakemake says its targets when the rules have been read, and then plans at once.
if workflow.is_main_process:
    misnamed = misnamed_results(sys.argv[1:], config, STORES, variant_of)
    if misnamed:
        raise WorkflowError("\n".join(misnamed))
