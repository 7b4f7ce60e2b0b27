"""Table S1 and Figure 6, from files of made-up shows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gcdr.base.errors import InputError
from gcdr.data.manifest import write_table
from gcdr.report.show_figure import write_show_figure
from gcdr.report.show_tables import (
    OVER_SHOWS,
    PAPER_MEANS,
    PAPER_SHOWS,
    SHOW_METHODS,
    show_markdown,
    show_rows,
    write_show_table,
)


def metrics(folder: Path, study: str, method: str, seed: int, distance: float) -> str:
    """A metrics file of video data."""
    values = {"dist_to_mean": distance, "dist_to_mean_reference": distance + 0.01, "auc": 0.5}
    values["auc_video"] = 1 - distance
    entries = {name: {"value": v, "low": v - 0.1, "high": v + 0.1} for name, v in values.items()}
    about = {"format": 1, "study": study, "dataset": "films", "share": "chosen", "seed": seed}
    about |= {"variant": f"{method}+{study}", "method": method, "kind": "student", "timestep": None}
    path = folder / f"{study}-{method}-{seed}.json"
    path.write_text(json.dumps({**about, "people": 9, "metrics": entries}))
    return str(path)


def split(folder: Path, study: str, labelled: int, hidden: int) -> str:
    """A label split."""
    ids = np.arange(labelled + hidden)
    shown = ids < labelled
    table = pd.DataFrame({"sample_id": ids, "role": np.where(shown, "labelled", "unlabelled")})
    table["gaze_x"] = table["gaze_y"] = np.where(shown, 0.5, np.nan)
    table["in_frame"], table["label"] = pd.array([None] * len(ids), "boolean"), None
    path = folder / f"{study}-labels.parquet"
    write_table(table, path)
    return str(path)


def show(folder: Path, title: str, base: float, seeds: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """A show whose methods are 0.01 apart, and whose seeds are 0.02 apart."""
    return {
        "show": title,
        "labels": [split(folder, f"{title}-{seed}", 10, 30) for seed in seeds],
        "metrics": {
            method: [
                metrics(folder, f"{title}-{seed}", method, seed, base + 0.02 * seed - 0.01 * place)
                for seed in seeds
            ]
            for place, method in enumerate(SHOW_METHODS)
        },
    }


def test_means_count_every_show_alike_and_spread_over_seeds(tmp_path: Path) -> None:
    table = show_rows([show(tmp_path, "kitchen", 0.2), show(tmp_path, "garden", 0.1)])
    first = table.iloc[0]
    assert (first["show"], first["name"], first["runs"]) == ("kitchen", "VAT (supervised)", 2)
    assert first["distance"] == pytest.approx(0.21) and first["auc"] == pytest.approx(0.79)
    assert first["distance_reference"] == pytest.approx(0.22)
    assert first["distance_std"] == pytest.approx(0.02 / np.sqrt(2))
    assert (first["labelled"], first["share"]) == (10, 0.25)
    mean = table[(table["show"] == OVER_SHOWS) & (table["method"] == "gcdr")].iloc[0]
    assert mean["distance"] == pytest.approx(0.13)
    assert mean["distance_std"] == pytest.approx(0.02 / np.sqrt(2)) and mean["runs"] == 2
    assert table["paper_distance"].isna().all() and "parentheses" not in show_markdown(table)


def test_seeds_that_not_all_shows_have_give_no_spread(tmp_path: Path) -> None:
    shows = [show(tmp_path, "kitchen", 0.2, (0, 1)), show(tmp_path, "garden", 0.1, (2, 3))]
    mean = show_rows(shows).iloc[-1]
    assert mean["runs"] == 0 and np.isnan(mean["distance_std"])


@pytest.mark.slow
def test_shows_of_the_paper_stand_beside_its_numbers(tmp_path: Path) -> None:
    shows = [show(tmp_path, folder, 0.2, (0,)) for folder in PAPER_SHOWS]
    write_show_table(shows, tmp_path / "t.csv", tmp_path / "t.md")
    page = (tmp_path / "t.md").read_text()
    assert "| Downton Abbey | 1 | 10 (108) | 25.0 % (3.5 %) |" in page
    assert "**0.170** (0.186)" in page and "| Mean over shows |" in page
    table = pd.read_csv(tmp_path / "t.csv")
    means = table[table["show"] == OVER_SHOWS].set_index("method")
    assert {
        m: tuple(means.loc[m, ["paper_distance", "paper_auc"]]) for m in means.index
    } == PAPER_MEANS
    figures = [tmp_path / name for name in ("f.png", "f.pdf", "g.png")]
    write_show_figure(tmp_path / "t.csv", figures)
    sizes = [path.stat().st_size for path in figures]
    assert min(sizes) > 5000 and figures[0].read_bytes() == figures[2].read_bytes()


def test_the_papers_means_are_those_of_its_table() -> None:
    """To what three digits of ten shows leave open; so no row was read wrongly."""
    for place, method in enumerate(SHOW_METHODS):
        means = np.mean([show.numbers[place] for show in PAPER_SHOWS.values()], axis=0)
        assert means == pytest.approx(PAPER_MEANS[method], abs=0.0011)


def test_no_show_is_refused() -> None:
    with pytest.raises(InputError, match="shows: found none"):
        show_rows([])
