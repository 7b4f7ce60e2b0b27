"""There are people enough for what is to be learned, and priors' files lack none. No rules here."""

from gcdr.base.download import planned_files
from gcdr.config.asked import used_datasets
from gcdr.config.enough_checks import table_findings
from gcdr.config.prior_checks import unread_people_problems

if workflow.is_main_process and not MENDING & set(sys.argv):
    failing = []
    for study, findings in table_findings(config).items():
        for finding in findings:
            if finding.fatal:
                failing.append(f"study {study}: {finding.text}")
            else:
                logger.warning(f"study {study}: {finding.text}")
    failing += unread_people_problems(
        config, used_datasets(config), planned_files(config["downloads"])
    )
    if failing:
        raise WorkflowError("\n".join(failing))
