"""What Table S1 and Figure 6 are made of: the studies of the report by show. No rules here."""

from gcdr.report.show_tables import SHOW_METHODS
from gcdr.settings.reporting import show_title


def shows_of_report():
    """Each show of the report, whose studies are its seeds."""
    shows = {}
    for study in config["report"]["studies"]:
        title = show_title(config, config["studies"][study]["dataset"])
        shows.setdefault(title, []).append(study)
    return [show_of(title, studies) for title, studies in shows.items()]


def show_of(title, studies):
    """One of them: its title, its label splits, and metrics by method, a file a study."""
    return {
        "show": title,
        "labels": [f"{split_of(study)}/labels.parquet" for study in studies],
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
        files += show["labels"]
        files += [path for paths in show["metrics"].values() for path in paths]
    return list(dict.fromkeys(files))
