"""What rows are called, and what they are."""

import pandas as pd
import pytest

from gcdr.methods import METHODS
from gcdr.report.rows import RULERS, definition_of, method_name, row_title, titled_row
from gcdr.report.tables import _as_published
from gcdr.settings.reporting import gaze_titles


@pytest.mark.parametrize(
    "row, expected",
    [
        (row_title("vat", "VAT"), "VAT (supervised)"),
        (row_title("vat", "VAT", several=True), "Supervised VAT"),
        (row_title("vat", "Gaze-LLE", several=True), "Supervised Gaze-LLE"),
        (row_title("vat", "Gaze-LLE"), "Supervised Gaze-LLE"),
        (row_title("semi-vat", "Gaze-LLE", several=True), "Semi-Gaze-LLE"),
        (row_title("vat-mt", "Gaze-LLE"), "Gaze-LLE-MT"),
        (row_title("semi-vat-gc", "Gaze-LLE", None, "VAT"), "Semi-VAT-GC, student Gaze-LLE"),
        (
            row_title("semi-vat-gc", "Video VAT (film)", None, "VAT (stills)"),
            "Semi-VAT-GC (stills), student Video VAT (film)",
        ),
        (row_title("vat-gc", "Video VAT (film-gc)"), "Video VAT-GC (film-gc)"),
        (row_title("gcdr", "VAT"), "GCDR"),
        (row_title("gcdr", "VAT", several=True), "GCDR, student VAT"),
        (row_title("gcdr", "Gaze-LLE"), "GCDR, student Gaze-LLE"),
        (row_title("gcdr", "VAT", "graded"), "GCDR, prior graded"),
        (
            row_title("gcdr-mt", "Gaze-LLE", "graded", several=True),
            "GCDR-MT, student Gaze-LLE, prior graded",
        ),
        (row_title("gradcam", prior="graded"), "Raw map of prior graded"),
        (row_title("gradcam"), "Raw Grad-CAM"),
        (row_title("diffusion-gc", prior="graded"), "Diffusion-GC (refined maps), prior graded"),
        (row_title("human"), "One annotator"),
    ],
)
def test_titles_read_well(row: str, expected: str) -> None:
    assert row == expected


def test_only_what_differs_is_named() -> None:
    """A prior or a gaze model that all rows share goes without saying."""
    rows = pd.DataFrame(
        [
            ("vat", "vat+vat", None, "vat", "VAT", None),
            ("gcdr", "gcdr-t250-n2-k1+ofa+vat", "ofa", "vat", "VAT", None),
            ("gcdr", "gcdr-t250-n2-k1+graded+vat", "graded", "vat", "VAT", None),
            ("semi-vat-gc", "semi-vat-gc+ofa+vat+gazelle", "ofa", "gazelle", "Gaze-LLE", "VAT"),
            ("gradcam", "gradcam+graded", "graded", None, None, None),
            ("human", "human", None, None, None, None),
        ],
        columns=["method", "variant", "prior", "gaze", "gaze_title", "labeller_title"],
    )

    def titles(results: pd.DataFrame) -> list[str]:
        return [titled_row(row, results) for _, row in results.iterrows()]

    assert titles(rows) == [
        "Supervised VAT",
        "GCDR, student VAT, prior ofa",
        "GCDR, student VAT, prior graded",
        "Semi-VAT-GC, student Gaze-LLE, prior ofa",
        "Raw map of prior graded",
        "One annotator",
    ]
    assert titles(rows.iloc[:2]) == ["VAT (supervised)", "GCDR"]


def test_two_gaze_models_of_a_kind_bear_their_names() -> None:
    models = {"vat": {"kind": "vat"}, "small": {"kind": "gazelle"}, "large": {"kind": "gazelle"}}
    config = {"gaze": {"model": "vat", "models": models}, "report": {"methods": ["gcdr"]}}
    alone = {"vat": "VAT", "small": "Gaze-LLE", "large": "Gaze-LLE"}
    assert gaze_titles(config) == alone
    config["report"]["methods"] += [{"method": "vat", "gaze": "small"}]
    assert gaze_titles(config) == alone, "one that teaches alone is in no row"
    config["report"]["methods"] += [{"method": "vat", "gaze": "large"}]
    assert gaze_titles(config) == {
        "vat": "VAT",
        "small": "Gaze-LLE (small)",
        "large": "Gaze-LLE (large)",
    }


@pytest.mark.parametrize("name", [*METHODS, *RULERS])
def test_every_row_is_defined_in_one_sentence(name: str) -> None:
    text = definition_of(name)
    assert text.endswith(".") and ". " not in text and len(text) > 20
    assert method_name(name) != name


def test_the_papers_numbers_are_of_vat_alone() -> None:
    """A table of another gaze model has none beside it, whichever stands first."""
    results = pd.DataFrame(
        {"prior": ["ofa"] * 2, "gaze": ["g"] * 2, "gaze_title": ["Gaze-LLE"] * 2}
    )
    for title in ("VAT", "VAT (wide)", "Video VAT", None):
        assert _as_published({**results.iloc[0], "gaze_title": title}, results)
    for title in ("Gaze-LLE", "PDP"):
        assert not _as_published({**results.iloc[0], "gaze_title": title}, results)
