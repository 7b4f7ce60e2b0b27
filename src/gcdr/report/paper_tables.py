"""The paper's tables: what each holds, which files it needs, and what becomes of them.

A new table is an entry of ``PAPER_TABLES``; nothing else knows a table by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gcdr.base.errors import InputError
from gcdr.data.split_name import SplitName
from gcdr.methods import METHODS, TEACHERS
from gcdr.report.rows import PAPER, PAPER_DATA, method_name
from gcdr.report.tables import over_runs, read_metrics
from gcdr.report.typeset import table1_markdown, write_csv_table, write_text
from gcdr.settings.reporting import VariantSampling
from gcdr.variants import ONLINE, averaged, variant

MAPS = {"diffusion": "no-gradcam", "diffusion-gc": "gcdr"}
"""Rows that score maps of test people themselves, and the method that makes those maps."""

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Column:
    """A group of columns: AvgDist, MinDist and AUC of one label split.

    Attributes:
        share: labelled share in per cent; None takes what the study itself has.
        unlabelled: share that is used without labels in per cent; None takes all the rest.
        title: heading, where it says more than the share.
    """

    share: int | None
    unlabelled: int | None = None
    title: str = ""

    def __str__(self) -> str:
        return self.title or f"{self.share} % labels"


@dataclass(frozen=True)
class PaperRow:
    """A method, with what differs from the configuration.

    Attributes:
        method: key of ``gcdr.methods.METHODS`` or of ``MAPS``.
        sampling: what is otherwise than configured, fields of ``Sampling``.
        share: labelled share in every column; None takes the column's.
        paper: the paper's AvgDist, MinDist and AUC by unlabelled share, where ``PAPER`` does not
            have them; key None for columns without one.
        title: the row's name, where it says more than the method's.
        kind: of the row's gaze model, where that is not ``gaze.model``.
    """

    method: str
    sampling: Mapping[str, int | str] = field(default_factory=dict)
    share: int | None = None
    paper: Mapping[int | None, Triple | None] = field(default_factory=dict)
    title: str = ""
    kind: str | None = None

    @property
    def name(self) -> str:
        """What people read."""
        return self.title or method_name(self.method)

    def share_in(self, column: Column, own: int | str = "") -> int | str:
        """Labelled share in per cent, or ``own``, that of a study, where the column takes it."""
        return self.share or column.share or own

    def split(self, column: Column, own: int | str = "") -> str:
        """Name of the label split; what sees no unlabelled people is shared by all amounts of them."""
        share = self.share_in(column, own)
        about = METHODS[MAPS.get(self.method, self.method)]
        taught = about.teacher is not None and not TEACHERS[about.teacher].labels_alone
        if column.unlabelled is None or not (about.student or taught):
            return str(share)
        return str(SplitName(share, unlabelled=column.unlabelled))

    def result(
        self, sampling: VariantSampling, prior: str, gaze: str, labeller: str | None = None
    ) -> str:
        """Name of the metrics file.

        Args:
            sampling: how labels of the row's share are sampled, as configured.
            prior: name of the prior store.
            gaze: name of the gaze model.
            labeller: name of the one that makes labels from prior maps, where it sees none.
        """
        sampled = asdict(sampling) | dict(self.sampling)
        method = MAPS.get(self.method, self.method)
        named = variant(method, **sampled, prior=prior, gaze=gaze, labeller=labeller)
        return f"{self.method}-{averaged(named)}" if self.method in MAPS else str(named)

    def published(self, column: Column) -> Triple | None:
        """The paper's numbers, if it has any."""
        known = PAPER.get(self.share or column.share or 0, {}).get(self.method)
        if self.paper:
            return self.paper.get(column.unlabelled, known if column.unlabelled is None else None)
        return known


@dataclass(frozen=True)
class PaperTable:
    """A table of Miao et al., ECCV 2024.

    Attributes:
        title: what it shows.
        columns: its groups of columns.
        rows: its methods.
        data: the data set that the paper's numbers are of.
        kind: of the gaze model that it is about, where that is not the one of all other tables.
        overlay: the configuration that has its gaze models, where the default one has not.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]
    data: str = PAPER_DATA
    kind: str | None = None
    overlay: str = ""


SHARES = (Column(5), Column(10), Column(20))
TEN = (Column(10),)
SEMI = tuple(map(PaperRow, ("vat", "semi-vat", "semi-vat-gc", "vat-mt", "gcdr", "gcdr-mt")))
ALL_LABELS = PaperRow("vat", share=100, title="VAT (100 % labels)")
TEN_DRAWS = {"draws": 10, "redraw": "mean"}


def _on_video(method: str, distance: float, auc: float, **about: Any) -> PaperRow:
    # One annotator a person, so the nearest one is the mean.
    return PaperRow(method, paper={None: (distance, distance, auc)}, **about)


def _with_depth(title: str, method: str, *paper: float, **about: Any) -> PaperRow:
    return PaperRow(method, paper={None: paper}, title=title, **about)


def _of_kind(kind: str, method: str, title: str) -> PaperRow:
    # A gaze model that the paper does not have.
    return PaperRow(method, paper={None: None}, title=title, kind=kind)


def _refined(timestep: int, steps: int, *paper: float) -> PaperRow:
    numbers = {"timestep": timestep, "steps": steps}
    title = f"GCDR, t = {timestep}, {steps} steps"
    return PaperRow("gcdr", numbers, paper={None: paper}, title=title)


def _redrawn(name: str, draws: int, redraw: str) -> PaperRow:
    # The paper's number is of the released code, which draws in every batch.
    paper = {} if redraw == ONLINE else {None: None}
    return PaperRow("gcdr", {"draws": draws, "redraw": redraw}, paper=paper, title=f"GCDR, {name}")


PAPER_TABLES = {
    "table1": PaperTable("Table 1: semi-supervised training", SHARES, (*SEMI, ALL_LABELS)),
    "table2": PaperTable(
        "Table 2: ways of making the pseudo-labels",
        TEN,
        tuple(map(PaperRow, ("no-gradcam", "raw", "argmax", "direct-mapping", "gcdr"))),
    ),
    "table3": PaperTable(
        "Table 3: noise and steps of the refinement",
        TEN,
        (
            _refined(300, 2, 0.186, 0.120, 0.877),
            _refined(200, 2, 0.184, 0.117, 0.883),
            _refined(250, 5, 0.180, 0.115, 0.883),
            _refined(250, 2, 0.179, 0.115, 0.886),
        ),
    ),
    "table4": PaperTable(
        "Table 4: Grad-CAM maps as an input (diffusion: mean of 10 predictions)",
        SHARES,
        (
            PaperRow("vat"),
            PaperRow("vat-gc"),
            PaperRow(
                "diffusion", TEN_DRAWS | {"steps": 10}
            ),  # as the released code samples from noise
            PaperRow("diffusion-gc", TEN_DRAWS),
        ),
    ),
    "table_s2": PaperTable(
        "Table S2: 10 % labels and varying amounts of unlabelled data",
        (
            Column(10, 10, "10 % unlabelled"),
            Column(10, 50, "50 % unlabelled"),
            Column(10, None, "90 % unlabelled (all the rest)"),
        ),
        (
            PaperRow("vat"),
            PaperRow("semi-vat", paper={10: (0.199, 0.130, 0.872), 50: (0.196, 0.129, 0.874)}),
            PaperRow("semi-vat-gc", paper={10: (0.200, 0.132, 0.872), 50: (0.197, 0.128, 0.877)}),
            PaperRow("vat-mt", paper={10: (0.202, 0.133, 0.875), 50: (0.194, 0.125, 0.878)}),
            PaperRow("gcdr", paper={10: (0.185, 0.119, 0.880), 50: (0.181, 0.117, 0.883)}),
            PaperRow("gcdr-mt", paper={10: (0.183, 0.117, 0.881), 50: (0.176, 0.112, 0.886)}),
        ),
    ),
    "table_s3": PaperTable(
        "Table S3: training with half of the labels", (Column(50),), (*SEMI, ALL_LABELS)
    ),
    "table_s4": PaperTable(
        "Table S4: labels of some shows",
        (Column(None, title="labels of the study"),),
        (
            _on_video("vat", 0.144, 0.825),
            _on_video("semi-vat", 0.136, 0.844),
            _on_video("semi-vat-gc", 0.141, 0.856),
            _on_video("gcdr", 0.127, 0.865),
            _on_video("vat", 0.134, 0.860, share=100, title="VAT (100 % labels)"),
        ),
        data="VideoAttentionTarget",
    ),
    "table_s5": PaperTable(
        "Table S5: another base model, PDP (the paper's: Miao et al.), which sees depth",
        TEN,
        (
            _with_depth("PDP", "vat", 0.190, 0.123, 0.877),
            _with_depth("Semi-PDP", "semi-vat", 0.180, 0.115, 0.892),
            _with_depth("Semi-PDP-GC", "semi-vat-gc", 0.185, 0.117, 0.893),
            _with_depth("PDP-MT", "vat-mt", 0.217, 0.146, 0.854),
            _with_depth("GCDR", "gcdr", 0.167, 0.104, 0.897),
            _with_depth("GCDR-MT", "gcdr-mt", 0.163, 0.100, 0.900),
            _with_depth("PDP (20 % labels)", "vat", 0.166, 0.103, 0.900, share=20),
        ),
        kind="pdp",
        overlay="configs/depth.yaml",
    ),
    "table_s6": PaperTable(
        "Table S6: Gaussians at the peaks of the baselines' predictions",
        TEN,
        tuple(
            map(
                PaperRow,
                (
                    "vat",
                    "semi-vat",
                    "semi-vat-gaussian",
                    "semi-vat-gc",
                    "semi-vat-gc-gaussian",
                    "gcdr",
                    "gcdr-mt",
                ),
            )
        ),
    ),
    "table_draws": PaperTable(
        "Redrawing the noise of the refinement (not in the paper)",
        TEN,
        (
            _redrawn("1 draw for good", 1, "mean"),
            _redrawn("mean of 4 draws", 4, "mean"),
            _redrawn("one of 4 draws in each batch", 4, "sampled"),
            _redrawn("a new draw in each batch (as released)", 1, ONLINE),
        ),
    ),
    "table_tokens": PaperTable(
        "A student of a frozen backbone's tokens beside GCDR (the paper has VAT's rows alone)",
        SHARES,
        (
            _of_kind("gazelle", "vat", "Gaze-LLE, supervised (the teacher)"),
            _of_kind("gazelle-tower", "token-student", "Token student of that teacher"),
            _of_kind("gazelle-tower", "vat", "The student's model, supervised"),
            PaperRow("gcdr", title="GCDR, student VAT"),
            PaperRow("vat"),
        ),
        kind="vat",
        overlay="configs/tokens.yaml",
    ),
}


def savings_table(shares: Sequence[int]) -> PaperTable:
    """AvgDist against the label share: supervised VAT first, last with all labels, the compared between."""
    rows = (*map(PaperRow, ("vat", "gcdr", "gcdr-mt")), ALL_LABELS)
    return PaperTable("Labels saved", tuple(map(Column, sorted(shares))), rows)


def fill(table: PaperTable, cells: Sequence[Sequence[Sequence[str | Path]]]) -> pd.DataFrame:
    """A table from metrics files.

    Args:
        cells: files by column, row and run.

    Returns:
        One row a cell: ``column share unlabelled`` and the columns of ``tables.table1``, its
        ``paper_`` columns the paper's numbers for this cell.

    Raises:
        InputError: another number of cells than the table has, or what ``read_metrics`` raises.
    """
    shape = [len(column) for column in cells]
    if shape != [len(table.rows)] * len(table.columns):
        raise InputError(
            f"{table.title}: found columns of {shape} rows, expected {len(table.columns)} of "
            f"{len(table.rows)}"
        )
    rows = []
    for column, parts in zip(table.columns, cells, strict=True):
        for row, files in zip(table.rows, parts, strict=True):
            found = over_runs(read_metrics(files), row.published(column))
            split = {"share": row.share or column.share, "unlabelled": column.unlabelled}
            rows.append({"column": str(column), **split, **found, "name": row.name})
    return pd.DataFrame(rows).astype(dict.fromkeys(("timestep", "unlabelled", "share"), "Int64"))


def paper_table_markdown(title: str, filled: pd.DataFrame, data: str = PAPER_DATA) -> str:
    """The table of `fill` in Markdown, a part for each column of the paper's; ``data`` is its data set."""
    parts = [
        f"## {column}\n\n{table1_markdown(part.reset_index(drop=True), data)}"
        for column, part in filled.groupby("column", sort=False)
    ]
    return "\n".join([f"# {title}\n", *parts])


def write_paper_table(table: str, cells: list, csv: Path, page: Path) -> None:
    """Write an entry of ``PAPER_TABLES`` as CSV and Markdown; see `fill`."""
    about = PAPER_TABLES[table]
    filled = fill(about, cells)
    write_csv_table(filled, csv)
    write_text(paper_table_markdown(about.title, filled, about.data), page)
