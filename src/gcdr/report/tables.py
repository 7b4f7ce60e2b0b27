"""From metrics and sweep files to tables over runs (a run is one seed of one study)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.plain import JsonTable
from gcdr.refine.choice import HELD_OUT
from gcdr.report.rows import (
    KIND_TITLES,
    METRICS,
    OPTIONAL_METRICS,
    PAPER,
    PAPER_METRICS,
    RESULT_KINDS,
    labeller_of_row,
    method_name,
    titled_row,
)

FORMAT = 1
RUN = ["study", "seed"]
_IDENTITY = ("study", "dataset", "share", "seed", "variant", "method", "kind", "timestep", "people")
_SWEEP_METRICS = ("dist_to_mean", "min_dist", "auc")
_SETS = {"val": _SWEEP_METRICS, "test": _SWEEP_METRICS, HELD_OUT: ("dist_to_mean",)}


def _load(path: str | Path, required: Iterable[str]) -> JsonTable:
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, expected an object")
    if content.get("format") != FORMAT:
        raise InputError(f"{path}: found format {content.get('format')!r}, expected {FORMAT}")
    missing = [key for key in required if key not in content]
    if missing:
        raise InputError(f"{path}: missing {', '.join(missing)}")
    return content


def _number(value: Any, path: str | Path, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{path}: {what}: found {value!r}, expected a finite number")
    return float(value)


def read_metrics(
    paths: Iterable[str | Path], gaze_titles: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read metrics files into one tidy table, one row a (run, variant, metric).

    Args:
        paths: the files.
        gaze_titles: what gaze models are called, by their name in the configuration; a kind's name is known.

    Returns:
        Columns ``study dataset share seed variant method kind timestep people prior gaze gaze_title
        labeller_title resampled metric value low high``; ``timestep`` is nullable Int64, ``low``/``high``
        bound the 95 % bootstrap interval over what ``resampled`` says: shows, clips or images. A metric that
        a file leaves out has no row.

    Raises:
        InputError: no file, a wrong format, an unknown kind, a number that is absent or not
            finite, or two files for the same run and variant.
    """
    rows: list[JsonTable] = []
    titles = {**KIND_TITLES, **(gaze_titles or {})}
    seen: dict[tuple[Any, ...], str | Path] = {}
    for path in paths:
        content = _load(path, (*_IDENTITY, "metrics"))
        if content["kind"] not in RESULT_KINDS:
            raise InputError(
                f"{path}: kind: found {content['kind']!r}, expected one of {RESULT_KINDS}"
            )
        identity = {name: content[name] for name in _IDENTITY}
        identity |= {name: content.get(name) for name in ("prior", "gaze")}
        identity["resampled"] = content.get("resampled", "images")
        labeller = labeller_of_row(identity["method"], identity["variant"])
        for named, gaze in (("gaze_title", identity["gaze"]), ("labeller_title", labeller)):
            identity[named] = titles.get(gaze, gaze)
        key = tuple(identity[name] for name in ("study", "seed", "share", "variant"))
        if key in seen:
            raise InputError(f"{path}: variant {key[3]} of this run is also in {seen[key]}")
        seen[key] = path
        for metric, entry in content["metrics"].items():
            numbers = {
                bound: _number(entry.get(bound), path, f"{metric}.{bound}")
                for bound in ("value", "low", "high")
            }
            rows.append({**identity, "metric": metric, **numbers})
    if not rows:
        raise InputError("no metrics file: expected at least one")
    return pd.DataFrame(rows).astype({"timestep": "Int64"})


def read_definitions(paths: Iterable[str | Path]) -> dict[str, str]:
    """The metrics' definitions as the files give them; differing texts of a metric are joined."""
    texts: dict[str, list[str]] = {}
    for path in paths:
        for metric, text in _load(path, ()).get("definitions", {}).items():
            if text not in texts.setdefault(metric, []):
                texts[metric].append(text)
    return {metric: " Or: ".join(found) for metric, found in texts.items()}


def _select(results: pd.DataFrame, method: str) -> pd.DataFrame:
    """Rows of a variant, or of a method that has a single variant."""
    rows = results[results["variant"] == method]
    if rows.empty:
        rows = results[results["method"] == method]
    variants = sorted(rows["variant"].unique())
    if len(variants) > 1:
        raise InputError(f"method {method} has several variants, name one of {', '.join(variants)}")
    return rows


def _single(results: pd.DataFrame, column: str) -> Any:
    values = sorted(results[column].unique())
    if len(values) != 1:
        raise InputError(f"one table needs one {column}: found {values}")
    return values[0]


def over_runs(chosen: pd.DataFrame, paper: tuple[float, float, float] | None = None) -> JsonTable:
    """One row of a table: a variant's results over its runs, with the columns of `table1`.

    Args:
        chosen: rows of `read_metrics`, of one variant at one share; not empty.
        paper: the paper's AvgDist, MinDist and AUC, if it gives them.
    """
    first = chosen.iloc[0]
    row: JsonTable = {
        name: first[name]
        for name in (
            "method",
            "variant",
            "kind",
            "timestep",
            "people",
            "prior",
            "gaze",
            "gaze_title",
            "resampled",
        )
    }
    row["name"] = method_name(first["method"])
    row["runs"] = len(chosen[RUN].drop_duplicates())
    for metric in METRICS:
        found = chosen[chosen["metric"] == metric]
        if found.empty and metric in OPTIONAL_METRICS:
            continue
        single = len(found) == 1
        row[metric] = found["value"].mean()
        row[f"{metric}_std"] = found["value"].std(ddof=1)
        row[f"{metric}_low"] = found["low"].iloc[0] if single else math.nan
        row[f"{metric}_high"] = found["high"].iloc[0] if single else math.nan
    numbers = paper or (math.nan,) * len(PAPER_METRICS)
    return row | {f"paper_{metric}": v for metric, v in zip(PAPER_METRICS, numbers, strict=True)}


def table1(results: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Aggregate over runs, as in Table 1 of Miao et al., ECCV 2024.

    Args:
        results: tidy table of `read_metrics`, of one data set and one labelled share.
        methods: variants, or methods that have one variant only, in the order of the rows.

    Returns:
        One row a method that was measured (others are absent): ``method variant name kind timestep
        people runs`` and, for each metric M, ``M`` (mean over runs), ``M_std`` (standard deviation
        over runs, n - 1; NaN for one run), ``M_low``/``M_high`` (the bootstrap interval of a
        single run; NaN for several) and ``paper_M``, the paper's GazeFollow number (NaN where
        there is none for the method at this share).

    Raises:
        InputError: several data sets or shares, or a method with several variants.
    """
    _single(results, "dataset")
    paper = PAPER.get(_single(results, "share"), {})
    rows = []
    for method in methods:
        chosen = _select(results, method)
        if chosen.empty:
            continue
        first = chosen.iloc[0]
        numbers = paper.get(first["method"]) if _as_published(first, results) else None
        rows.append(over_runs(chosen, numbers) | {"name": titled_row(first, results)})
    if not rows:
        raise InputError(f"none of the methods {', '.join(methods)} was measured")
    table = pd.DataFrame(rows).astype({"timestep": "Int64"})
    # Studies may have timesteps of their own.
    apart = table["name"].duplicated(keep=False) & table["timestep"].notna()
    table.loc[apart, "name"] += ", t = " + table.loc[apart, "timestep"].astype(str)
    return table


def with_typical(table: pd.DataFrame, file: Path | None) -> pd.DataFrame:
    """A table of `tables.table1` with the means and spreads of several worlds beside its rows.

    Args:
        table: it.
        file: of their figures; None adds nothing.

    Returns:
        with the columns ``typical``, ``typical_std`` and ``typical_runs``; NaN of rows that were not measured
        there.
    """
    if file is None:
        return table
    content = read_json(file)
    rows = content["rows"]
    values = [rows.get(variant, [float("nan")] * 2) for variant in table["variant"]]
    return table.assign(
        typical=[mean for mean, _ in values],
        typical_std=[std for _, std in values],
        typical_runs=content["runs"],
    )


def name_in(table: pd.DataFrame, variant: str) -> str:
    """The title of a variant's row in a table of `table1`; the variant where it has none."""
    found = table.loc[table["variant"] == variant, "name"]
    return str(found.iloc[0]) if len(found) else variant


def _as_published(row: Mapping[str, Any], results: pd.DataFrame) -> bool:
    """Whether the paper's numbers are of this: of VAT; of several priors and gaze models, the first."""
    title = row["gaze_title"]  # a name may follow, where there are several of a kind
    own = pd.isna(title) or str(title).removeprefix("Video ").startswith("VAT")
    return own and all(
        pd.isna(row[what]) or row[what] == results[what].dropna().iloc[0]
        for what in ("prior", "gaze")
    )


def paired_differences(
    results: pd.DataFrame, reference: str, methods: Sequence[str], metric: str = "dist_to_mean"
) -> pd.DataFrame:
    """Differences method - reference within each run, so that what runs share cancels.

    Returns:
        One row a measured method other than the reference: ``method name runs`` (runs that have
        both), ``difference`` (mean), ``std`` (n - 1; NaN for one run), ``low``/``high`` (smallest
        and largest) and ``better`` (runs in which the method beats the reference).

    Raises:
        InputError: the reference was not measured.
    """

    def by_run(method: str) -> pd.Series:
        rows = _select(results, method)
        return rows[rows["metric"] == metric].set_index(RUN)["value"]

    base = by_run(reference)
    if base.empty:
        raise InputError(f"reference {reference} has no {metric}")
    reference_variant = _select(results, reference)["variant"].iloc[0]
    rows = []
    for variant in methods:
        chosen = _select(results, variant)
        gaps = (by_run(variant) - base).dropna()
        if gaps.empty or chosen["variant"].iloc[0] == reference_variant:
            continue
        better = gaps > 0 if METRICS[metric].higher_is_better else gaps < 0
        method = chosen["method"].iloc[0]
        rows.append(
            {
                "method": method,
                "name": titled_row(chosen.iloc[0], results),
                "runs": len(gaps),
                "difference": gaps.mean(),
                "std": gaps.std(ddof=1),
                "low": gaps.min(),
                "high": gaps.max(),
                "better": int(better.sum()),
            }
        )
    columns = ["method", "name", "runs", "difference", "std", "low", "high", "better"]
    return pd.DataFrame(rows, columns=columns)


def read_sweeps(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read sweep files and choices of a timestep: the quality of refined maps against the timestep.

    Returns:
        One row a (run, share, timestep, set): ``study seed share set people timestep dist_to_mean
        min_dist auc``; ``set`` is ``val`` or ``test``, and of a sampler that is not the configured one
        ``val (reference)``, ``test (reference)``; of a choice ``held out``, with the distance alone (of
        several numbers of steps, the smallest).

    Raises:
        InputError: a wrong format, an unknown set, or a number that is absent or not finite.
    """
    rows: list[JsonTable] = []
    for path in paths:
        content = _load(path, ("study", "seed", "share", "people", "sampler", "rows"))
        for number, row in enumerate(content["rows"], start=1):
            metrics = _SETS.get(row.get("set"))
            if metrics is None:
                raise InputError(
                    f"{path}, row {number}: set {row.get('set')!r} is not one of {', '.join(_SETS)}"
                )
            numbers = {
                name: _number(row.get(name), path, f"row {number}, {name}")
                for name in ("timestep", *metrics)
            }
            identity = {name: content[name] for name in ("study", "seed", "share")}
            people = content["people"].get(row["set"])
            other = row.get("sampler") != content["sampler"]
            name = f"{row['set']} ({row.get('sampler')})" if other else row["set"]
            rows.append({**identity, "set": name, "people": people, **numbers})
    columns = ["study", "seed", "share", "set", "people", "timestep", *_SWEEP_METRICS]
    table = pd.DataFrame(rows, columns=columns).astype({"timestep": int})
    of_choice = table["set"].str.startswith(HELD_OUT)
    best = table[of_choice].groupby(columns[:6], as_index=False, sort=False, dropna=False)
    return pd.concat([table[~of_choice], best.min()[columns]], ignore_index=True)


def sweep_table(
    sweeps: pd.DataFrame,
    results: pd.DataFrame | None = None,
    student: str = "gcdr",
    metric: str = "dist_to_mean",
) -> pd.DataFrame:
    """One row a timestep: the refined maps on val and test people, and students where trained.

    Args:
        sweeps: table of `read_sweeps`, of one labelled share.
        results: tidy table of `read_metrics`; students of the sweeps' share are taken, and where there are
            such of several priors or gaze models, those of the first.
        student: the method whose rows, by their timestep, are the students.

    Returns:
        ``timestep`` and, for each C of the sets and student: ``C`` (mean over runs), ``C_std``
        (n - 1, NaN for one run) and ``C_runs``. A column group that has no value at all is absent.

    Raises:
        InputError: no sweep row, or sweeps of several shares.
    """
    share = _single(sweeps, "share")
    parts = {
        name: sweeps.loc[sweeps["set"] == name, ["timestep", metric]].rename(
            columns={metric: "value"}
        )
        for name in sorted(
            sweeps["set"].unique(), key=lambda name: ("(" in name, "val" not in name)
        )
    }
    if results is not None:
        chosen = results[(results["method"] == student) & (results["metric"] == metric)]
        chosen = _of_one_model(chosen[chosen["share"] == share])
        parts = {**parts, "student": chosen.dropna(subset="timestep")[["timestep", "value"]]}
    columns = {}
    for name, part in parts.items():
        if part.empty:
            continue
        groups = part.astype({"timestep": int}).groupby("timestep")["value"]
        columns |= {name: groups.mean(), f"{name}_std": groups.std(), f"{name}_runs": groups.size()}
    table = pd.DataFrame(columns).rename_axis("timestep").sort_index().reset_index()
    return table.astype({name: "Int64" for name in table if str(name).endswith("_runs")})


def _of_one_model(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the prior and the gaze model of the first row."""
    named = rows[[name for name in ("prior", "gaze") if name in rows]].fillna("")
    return rows if rows.empty else rows[(named == named.iloc[0]).all(axis=1)]
