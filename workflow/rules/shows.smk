"""What Table S1 and Figure 6 are made of: the studies of the report by show. No rules here."""

from gcdr.report.show_tables import SHOW_METHODS
from gcdr.settings.reporting import show_title


def shows_of_report():
    """Each data set of the report's studies as a show, whose studies are its seeds."""
    shows = {}
    for study in config["report"]["studies"]:
        shows.setdefault(config["studies"][study]["dataset"], []).append(study)
    return [show_of(dataset, studies) for dataset, studies in shows.items()]


def show_of(dataset, studies):
    """One of them: its title, its label splits, and metrics by method, a file a study."""
    for study in studies:
        if not adapts(study):
            raise WorkflowError(
                f"table_s1: study {study} does not adapt to its data set; expected studies with adapt: true "
                "in report.studies (docs/shows.md)"
            )
    return {
        "show": show_title(config, dataset),
        "labels": [f"{split_of(study)}/labels.parquet" for study in studies],
        "points": [points_of(study, split_of(study)) for study in studies],
        "metrics": {
            method: [
                f"{split_of(study)}/metrics/{variant_of(method, study)}.json" for study in studies
            ]
            for method in SHOW_METHODS
        },
    }


def show_files():
    """All their files, each once."""
    files = []
    for show in shows_of_report():
        files += show["labels"] + show["points"]
        files += [path for paths in show["metrics"].values() for path in paths]
    return list(dict.fromkeys(files))
