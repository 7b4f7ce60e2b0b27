"""What a run says in the end."""

from pathlib import Path

from gcdr.report.closing import closing_lines


def written(folder: Path, **texts: str) -> dict[str, str]:
    """Files of a report by their stem; a double underscore stands for a dot."""
    paths = {}
    for name, text in texts.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths[name] = str(path)
    return paths


def test_advice_says_its_sentences_and_no_table_of_before(tmp_path: Path) -> None:
    page = "# What next\n\n- Label 80 more.\n- The prior helps.\n\n| Method |\n| --- |\n| VAT |\n\n- Note.\n"
    made = written(
        tmp_path / "tables", summary__txt="old table", label_advice__md=page, label_advice__csv="1"
    )
    asked = [
        made["label_advice__csv"],
        made["label_advice__md"],
        str(tmp_path / "tables/curve.svg"),
    ]
    assert closing_lines(asked) == [
        "- Label 80 more.\n- The prior helps.\n",
        f"Open {made['label_advice__md']}",  # neither its CSV, nor a figure that is not there
    ]


def test_a_report_says_its_tables_and_where_it_is(tmp_path: Path) -> None:
    made = written(tmp_path, report__html="page") | written(
        tmp_path / "tables", summary__txt="the table"
    )
    assert closing_lines([made["report__html"]]) == ["the table", f"Open {made['report__html']}"]
    assert closing_lines([made["summary__txt"]]) == ["the table"]


def test_files_that_nobody_reads_are_not_opened(tmp_path: Path) -> None:
    made = written(tmp_path, model__safetensors="", figure__svg="", numbers__csv="")
    assert closing_lines(made.values()) == [
        f"Open {made['figure__svg']}",
        f"Open {made['numbers__csv']}",
    ]
