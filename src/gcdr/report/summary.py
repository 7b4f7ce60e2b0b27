"""The tables of a report as files: what the tables rule calls."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import pandas as pd

from gcdr.base.files import read_json
from gcdr.refine.choice import HELD_OUT
from gcdr.report.label_errors import label_errors_text, read_label_errors
from gcdr.report.tables import (
    name_in,
    paired_differences,
    read_metrics,
    read_sweeps,
    sweep_table,
    table1,
    with_typical,
)
from gcdr.report.typeset import (
    differences_markdown,
    differences_text,
    sweep_markdown,
    sweep_text,
    table1_markdown,
    table1_text,
    write_csv_table,
    write_text,
)


def write_tables(
    metrics: Sequence[Path],
    sweeps: Sequence[Path],
    methods: Sequence[str],
    reference: str,
    out: Path,
    gaze_titles: Mapping[str, str] | None = None,
    typical: Path | None = None,
) -> None:
    """Tables as CSV and Markdown, and together as text for the terminal (``summary.txt``).

    Args:
        metrics: metrics files of all studies.
        sweeps: sweep files of all studies, and the files of timesteps that labels chose; none where no
            method takes a diffusion model, and then no table of them is written.
        methods: variants in the order of the rows.
        reference: variant that differences are taken against.
        out: folder of the tables.
        gaze_titles: what gaze models are called, by their name in the configuration; a kind's name is known.
        typical: what several worlds gave with these settings (:mod:`gcdr.config.typical`), if they did.
    """
    results = read_metrics(metrics, gaze_titles)
    main = with_typical(table1(results, [*methods, *rulers(results)]), typical)
    dataset = results["dataset"].iloc[0]
    parts = [table1_text(main, f"{dataset[:1].upper()}{dataset[1:]}, test people")]
    write_csv_table(main, out / "table1.csv")
    write_text(table1_markdown(main), out / "table1.md")
    if sweeps:
        swept = sweep_table(read_sweeps(sweeps), results)
        parts.append(sweep_text(swept, "Noise timestep"))
        parts += ["\n".join(chosen)] if (chosen := chosen_lines(sweeps)) else []
        errors = read_label_errors(sweeps)
        parts += [fill(label_errors_text(errors), 100)] if errors is not None else []
        write_csv_table(swept, out / "sweep.csv")
        write_text(sweep_markdown(swept), out / "sweep.md")
    else:  # of a report before, which had a method with a diffusion model
        for name in ("sweep.csv", "sweep.md"):
            (out / name).unlink(missing_ok=True)
    if results["study"].nunique() > 1 and reference in methods:
        pairs = paired_differences(results, reference, [m for m in methods if m != reference])
        parts.append(
            differences_text(pairs, f"AvgDist against {name_in(main, reference)}, paired by seed")
        )
        write_csv_table(pairs, out / "differences.csv")
        write_text(differences_markdown(pairs), out / "differences.md")
    write_text("\n\n".join(parts) + "\n", out / "summary.txt")


def chosen_lines(sweeps: Sequence[Path]) -> list[str]:
    """What labels chose, a line a study, of the files that are choices."""
    lines = []
    for content in map(read_json, sweeps):
        if (chosen := content.get("chosen")) is None:
            continue
        groups = [
            f"{name}: t = {about['timestep']}, {about['steps']} steps"
            for name, about in content["groups"].items()
        ]
        lines.append(
            f"  {content['study']}: t = {chosen['timestep']}, {chosen['steps']} steps, chosen by "
            f"{content['people'][HELD_OUT]} labelled people that were held out"
            + (f" ({'; '.join(groups)})" if groups else "")
        )
    return lines


def rulers(results: pd.DataFrame) -> list[str]:
    """Rows below the models: refined maps, raw maps, one annotator, image centre, random point."""
    maps = [
        variant
        for method in ("diffusion-gc", "gradcam")
        for variant in sorted(set(results.loc[results["method"] == method, "variant"]))
    ]
    return [*maps, "human", "centre", "random"]
