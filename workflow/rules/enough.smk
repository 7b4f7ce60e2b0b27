"""Own tables have people enough for what is to be learned, or hours would end in an error. No rules here."""

from gcdr.config.enough_checks import table_findings

if workflow.is_main_process and not MENDING & set(sys.argv):
    failing = []
    for study, findings in table_findings(config).items():
        for finding in findings:
            if finding.fatal:
                failing.append(f"study {study}: {finding.text}")
            else:
                logger.warning(f"study {study}: {finding.text}")
    if failing:
        raise WorkflowError("\n".join(failing))
