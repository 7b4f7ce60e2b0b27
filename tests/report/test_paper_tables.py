"""Tables of the paper and labels saved, from made-up metrics files."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.report.paper_tables import PAPER_TABLES, Column, PaperRow, fill, write_paper_table
from gcdr.report.savings import equal_share, published, savings, write_savings
from gcdr.settings.reporting import VariantSampling, variant_sampling

TIMESTEPS = {"5": 200, "default": 250}
REFINE = {"timestep": TIMESTEPS, "steps": 2, "draws": 1, "redraw": "mean", "eta": 1.0}
NAMED = ("ofa-world-body", "vat")  # prior store and gaze model


def sampled(row: PaperRow, column: Column, **changed: str) -> VariantSampling:
    config = {"refine": REFINE | changed, "studies": {}}
    return variant_sampling(config, "demo", row.share_in(column))


def metrics_file(folder: Path, row: PaperRow, column: Column, seed: int, value: float) -> str:
    prior, gaze = NAMED
    name = row.result(sampled(row, column), prior, row.kind or gaze)
    path = folder / row.split(column) / str(seed) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = {"dist_to_mean": value, "min_dist": value / 2, "auc": 1 - value}
    content = {
        "format": 1,
        "study": f"s{seed}",
        "dataset": "demo world",
        "share": row.share or column.share,
        "seed": seed,
        "variant": name,
        "method": row.method,
        "kind": "student",
        "timestep": None,
        "people": 10,
        "metrics": {
            metric: {"value": v, "low": v - 0.01, "high": v + 0.01} for metric, v in numbers.items()
        },
    }
    path.write_text(json.dumps(content))
    return str(path)


def cells_of(folder: Path, table, seeds: int = 2) -> list:
    return [
        [
            [metrics_file(folder, row, column, s, 0.1 + 0.01 * i + 0.002 * s) for s in range(seeds)]
            for i, row in enumerate(table.rows)
        ]
        for column in table.columns
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER_TABLES)
def test_every_cell_of_a_table_has_ours_and_the_papers_numbers(tmp_path: Path, name: str) -> None:
    table = PAPER_TABLES[name]
    csv, page = tmp_path / "t.csv", tmp_path / "t.md"
    cells = cells_of(tmp_path, table)
    filled = fill(table, cells)
    assert len(filled) == len(table.rows) * len(table.columns)
    ours = [row.paper == {None: None} for row in table.rows] * len(table.columns)
    assert (filled["paper_dist_to_mean"].isna() == ours).all()
    assert (filled["runs"] == 2).all()
    first = filled.iloc[0]
    assert first["dist_to_mean"] == pytest.approx(0.101)
    assert first["dist_to_mean_std"] == pytest.approx(0.002 / math.sqrt(2))
    write_paper_table(name, cells, csv, page)
    text = page.read_text()
    assert text.count("## ") == len(table.columns) and f"paper, {table.data}" in text
    assert all(row.name in text for row in table.rows)


@pytest.mark.slow
def test_the_papers_numbers_stand_beside_their_own_rows(tmp_path: Path) -> None:
    def published(name: str, title: str, column: str) -> tuple[float, ...]:
        filled = fill(PAPER_TABLES[name], cells_of(tmp_path, PAPER_TABLES[name], 1))
        found = filled[(filled["name"] == title) & (filled["column"] == column)].iloc[0]
        return tuple(found[f"paper_{metric}"] for metric in ("dist_to_mean", "min_dist", "auc"))

    assert published("table1", "VAT (100 % labels)", "5 % labels") == (0.137, 0.077, 0.921)
    assert published("table3", "GCDR, t = 300, 2 steps", "10 % labels") == (0.186, 0.120, 0.877)
    assert published("table_s2", "VAT-MT", "50 % unlabelled") == (0.194, 0.125, 0.878)
    rest = "90 % unlabelled (all the rest)"
    assert published("table_s2", "GCDR", rest) == (0.179, 0.115, 0.886)
    assert published("table_s2", "VAT (supervised)", "10 % unlabelled") == (0.202, 0.133, 0.869)


def test_names_of_results_follow_the_share_and_share_work() -> None:
    gcdr, vat, ten = PaperRow("gcdr"), PaperRow("vat"), Column(10, 50)
    for share, name in ((5, "gcdr-t200-n2-k1"), (10, "gcdr-t250-n2-k1")):
        made = gcdr.result(sampled(gcdr, Column(share)), *NAMED)
        assert made == f"{name}+ofa-world-body+vat"
    assert vat.result(sampled(vat, Column(10)), *NAMED) == "vat+vat"
    assert gcdr.split(ten) == "10-unlabelled50" and vat.split(ten) == "10"
    assert PaperRow("vat-mt").split(ten) == "10-unlabelled50"
    none, refined = PAPER_TABLES["table4"].rows[2:]
    online = sampled(none, Column(10), redraw="online")
    assert none.result(online, *NAMED) == "diffusion-no-gradcam-n10-k10"
    made = "diffusion-gc-gcdr-t200-n2-k10+ofa-world-body"
    assert refined.result(sampled(refined, Column(5), redraw="online"), *NAMED) == made


def test_cells_that_do_not_fit_are_named(tmp_path: Path) -> None:
    table = PAPER_TABLES["table2"]
    cells = cells_of(tmp_path, table)
    with pytest.raises(InputError, match="expected 1 of 5"):
        fill(table, [cells[0][:-1]])


SHARES = np.array([5.0, 10, 20, 50])
CURVE = np.array([0.23, 0.20, 0.18, 0.16])


def test_equal_share_of_known_curves() -> None:
    assert equal_share(SHARES, CURVE, 0.20) == pytest.approx(10)
    assert equal_share(SHARES, CURVE, 0.19) == pytest.approx(math.sqrt(200))
    assert equal_share(SHARES, CURVE, 0.25) == -math.inf
    assert equal_share(SHARES, CURVE, 0.10) == math.inf
    rising = np.array([0.23, 0.18, 0.20, 0.16])
    assert equal_share(SHARES, rising, 0.18) == pytest.approx(10)


def test_a_method_as_good_as_twice_the_labels_saves_half() -> None:
    method = np.array([0.20, 0.18, 0.17, 0.10])
    found = savings(SHARES, CURVE[None], SHARES, method[None])
    assert found["saved"].iloc[:2].tolist() == pytest.approx([0.5, 0.5])
    assert found["saved"].iloc[3] == math.inf and found["low"].isna().all()


def test_the_interval_is_over_seeds() -> None:
    method = np.array([0.20, 0.18, 0.17, 0.17])
    seeds = np.array([[-0.004], [0.0], [0.004]])
    together = savings(SHARES, CURVE + seeds, SHARES, method + seeds)
    assert together["low"].iloc[0] == pytest.approx(0.5)  # what seeds share cancels
    apart = savings(SHARES, CURVE + seeds, SHARES, method - seeds)
    assert apart["low"].iloc[0] < 0.5 < apart["high"].iloc[0]
    with pytest.raises(InputError, match="ascending"):
        savings([10, 5], CURVE[None, :2], [10, 5], method[None, :2])


@given(
    st.lists(st.floats(0.05, 0.4), min_size=4, max_size=4),
    st.floats(0.05, 0.4),
    st.floats(0.0, 0.1),
)
def test_a_better_value_never_needs_fewer_labels(curve, value, gain) -> None:
    needed = [equal_share(SHARES, np.array(curve), v) for v in (value, value - gain)]
    assert needed[0] <= needed[1] * (1 + 1e-9) or needed[0] == -math.inf


@pytest.mark.slow
def test_savings_are_written_with_a_figure_and_the_papers_numbers(tmp_path: Path) -> None:
    from gcdr.report.paper_tables import savings_table

    shares = [5, 10, 20, 50]
    cells = cells_of(tmp_path, savings_table(shares), 3)
    csv, page, figure = (tmp_path / f"s.{end}" for end in ("csv", "md", "svg"))
    write_savings(shares, cells, csv, page, figure)
    text = page.read_text()
    # 0.201 lies between 0.202 at 10 % and 0.182 at 20 %: the paper's headline, half.
    row = next(line for line in text.splitlines() if line.startswith("| GCDR | 5 %"))
    assert row.rstrip(" |").endswith("52 %")
    assert "bootstrap over seeds" in text and "<svg" in figure.read_text()


def test_the_papers_labels_saved_count_its_vat_with_all_labels() -> None:
    """GCDR at 20 and 50 % beats VAT at 50 %, and stays behind VAT with all labels."""
    found = {method: published(method) for method in ("gcdr", "gcdr-mt")}
    per_cent = {
        name: [round(100 * part) for part in parts.values()] for name, parts in found.items()
    }
    assert per_cent == {"gcdr": [52, 56, 49, 40], "gcdr-mt": [62, 67, 57, 44]}
    assert list(found["gcdr"]) == [5, 10, 20, 50]


def test_supervised_training_with_all_labels_ends_our_curve(tmp_path: Path) -> None:
    from gcdr.report.paper_tables import savings_table

    table = savings_table([5, 10])
    values = {"vat": {5: 0.2, 10: 0.16}, "gcdr": {5: 0.16, 10: 0.14}, "gcdr-mt": {5: 0.2, 10: 0.11}}

    def runs(row: PaperRow, column: Column) -> list[str]:
        value = 0.12 if row.share else values[row.method][column.share]
        return [metrics_file(tmp_path, row, column, 0, value)]

    cells = [[runs(row, column) for row in table.rows] for column in table.columns]
    csv, page = tmp_path / "s.csv", tmp_path / "s.md"
    write_savings([5, 10], cells, csv, page, tmp_path / "s.svg")
    found = pd.read_csv(csv)["equal_share"].tolist()
    assert found == pytest.approx([10, math.sqrt(10 * 100), 5, math.inf])
    assert "| > 100 % | beyond |" in page.read_text()
