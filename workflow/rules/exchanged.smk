"""What lies below results/ fits together, or dates alone would plan nothing. No rules here."""

from gcdr.config.exchanged import exchanged_files

if workflow.is_main_process:  # jobs look at content themselves, and run while files come and go
    exchanged = exchanged_files(config)
    if exchanged:
        raise WorkflowError("\n".join(exchanged))
