"""What lies below results/ fits together, or dates alone would plan nothing. No rules here."""

import sys

from gcdr.config.exchanged import MENDING, exchanged_files

# Jobs look at content themselves, and run while files come and go.
if workflow.is_main_process and not MENDING & set(sys.argv):
    exchanged = exchanged_files(config)
    if exchanged:
        raise WorkflowError("\n".join(exchanged))
