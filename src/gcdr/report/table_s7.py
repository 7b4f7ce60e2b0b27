"""Table S7: how good raw Grad-CAM maps are, by overlay and decoder layer (Miao et al., ECCV 2024)."""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.stores import read_prior
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.evaluation.stages import test_people
from gcdr.report.rows import METRICS, PAPER_LABEL, PAPER_METRICS
from gcdr.report.typeset import as_scored, markdown, number, write_csv_table, write_text

OVERLAYS = {"body": "Body box", "head": "Head box", "none": "None"}
# The paper's figures (AvgDist, MinDist, AUC) by overlay and place from the last of OFA-large's layers.
PAPER_S7 = {
    ("head", 1): (0.258, 0.182, 0.784),
    ("body", 2): (0.262, 0.190, 0.775),
    ("body", 1): (0.254, 0.180, 0.791),
    ("body", 0): (0.283, 0.209, 0.785),
}


def score_overlays(
    priors: Sequence[Path],
    names: Sequence[str],
    samples: Path,
    manifest: Path,
    annotations: Path,
    size: int,
) -> pd.DataFrame:
    """Score the raw maps of the test people, as the row "raw Grad-CAM" of other tables does.

    A person without a valid map counts with an empty one, whose peak is the upper left cell; who is
    without a readable picture is left out.

    Args:
        priors: a prior store for each overlay, which hold the test people at least.
        names: of each store, the name of the prior that it is of.
        samples: the picture cache.
        manifest: the manifest.
        annotations: the test annotators.
        size: side of the heatmaps that maps are resized to, see :func:`gcdr.data.prior_maps.prior_maps`.

    Returns:
        one row a prior, overlay and layer: ``prior overlay layer depth people invalid``, for each metric M
        its
        mean ``M`` with the bounds of the 95 % bootstrap interval ``M_low M_high``, and ``paper_M``:
        the paper's, of the layer as far below the last (NaN where it gives none).
    """
    tested = test_people(manifest, annotations, samples).looking_inside()
    ids, digest = tested.ids, people_digest(read_people(manifest))
    rows = []
    for name, path in zip(names, priors, strict=True):
        store = read_prior(path, digest, ids[:0])
        overlay, depth = (store.attributes["made_by"][key] for key in ("overlay", "depth"))
        for layer in store.layers:
            maps, valid = prior_maps(path, digest, ids, layer, size)
            row = {
                "prior": name,
                "overlay": overlay,
                "layer": layer,
                "depth": depth,
                "people": len(ids),
                "invalid": int((~valid).sum()),
            }
            for metric, found in summarise(score_maps(maps, tested.people, tested.points)).items():
                row |= {metric: found["value"], f"{metric}_low": found["low"]}
                row[f"{metric}_high"] = found["high"]
            paper = PAPER_S7.get((overlay, depth - layer), (math.nan,) * len(PAPER_METRICS))
            row |= {
                f"paper_{metric}": value for metric, value in zip(PAPER_METRICS, paper, strict=True)
            }
            rows.append(row)
    return pd.DataFrame(rows).sort_values(["prior", "overlay", "layer"], ignore_index=True)


def table_s7_markdown(table: pd.DataFrame) -> str:
    """The table of :func:`score_overlays` in Markdown, notes below; of several priors each is named."""
    several, shown = table["prior"].nunique() > 1, as_scored(PAPER_METRICS, table)
    labels = [
        *(["Prior"] if several else []),
        "Overlay",
        "Layer",
        *(f"{METRICS[m].label} {METRICS[m].arrow}" for m in shown),
    ]
    labels += [f"{METRICS[m].name} ({PAPER_LABEL})" for m in PAPER_METRICS]
    rows = []
    for _, row in table.iterrows():
        cells = [row["prior"]] if several else []
        cells += [OVERLAYS[row["overlay"]], f"{row['layer']} of {row['depth']}"]
        for metric in shown:
            bounds = (number(row[f"{metric}_{end}"]) for end in ("low", "high"))
            cells.append(f"{number(row[metric])} [{', '.join(bounds)}]")
        rows.append([*cells, *(number(row[f"paper_{metric}"]) for metric in PAPER_METRICS)])
    notes = [
        f"Raw Grad-CAM maps of {table['people'].iloc[0]} test people, "
        f"of whom at most {table['invalid'].max()} have none.",
        "In brackets the 95 % bootstrap interval over test images.",
        f"“{PAPER_LABEL}”: Miao et al., ECCV 2024, Table S7, OFA-large with 12 decoder layers; beside "
        "the layer as far below the last. Another data set: compare orders and gaps, not values.",
    ]
    return markdown(labels, rows) + "\n" + "".join(f"- {note}\n" for note in notes)


def write_table_s7(
    priors: Sequence[Path],
    names: Sequence[str],
    samples: Path,
    manifest: Path,
    annotations: Path,
    size: int,
    csv: Path,
    page: Path,
) -> None:
    """Score prior stores and write the table as CSV and as Markdown; see :func:`score_overlays`."""
    table = score_overlays(priors, names, samples, manifest, annotations, size)
    write_csv_table(table, csv)
    text = table_s7_markdown(table)
    write_text(text, page)
    print(text)
