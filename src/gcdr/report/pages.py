"""From result files to tables, figures and the page: what the report rules call."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import yaml

from gcdr.base.endings import START_UP
from gcdr.base.files import read_json
from gcdr.config.typical import typical_file
from gcdr.data.shown import check_split, read_shown, split_identity
from gcdr.data.split import VALIDATION
from gcdr.methods import LABELS_ALONE
from gcdr.refine.choice import read_choice
from gcdr.report import figures
from gcdr.report.label_curve import (
    choice_advice,
    curve_advice,
    curve_cells,
    curve_table,
    read_curve,
)
from gcdr.report.label_errors import label_errors_figure, label_errors_text, read_label_errors
from gcdr.report.markup import Picture
from gcdr.report.page import Context, build_page, summary_text
from gcdr.report.paper_figures import PAPER_FIGURES
from gcdr.report.person_errors import distribution_figure
from gcdr.report.runs import people_counts, training_logs, training_text
from gcdr.report.summary import chosen_lines, rulers
from gcdr.report.tables import (
    name_in,
    paired_differences,
    read_definitions,
    read_metrics,
    read_sweeps,
    sweep_table,
    table1,
    with_typical,
)
from gcdr.report.tested import choose_examples, compare_people, read_tested
from gcdr.report.timing import overhead, read_benchmarks, stage_totals
from gcdr.report.typeset import write_text
from gcdr.settings.reporting import ReportSettings, gaze_titles
from gcdr.variants import parse_variant

STAGES = (
    "world", "show", "read", "samples", "detect", "gradcam", "merge", "split", "originals", "teachers",
    "folds", "timestep", "refine", "students", "evaluate", "sweep",
)  # fmt: skip


def write_report(
    metrics: Sequence[Path],
    sweeps: Sequence[Path],
    settings: ReportSettings,
    benchmarks: Path,
    logs: Path,
    out: Path,
) -> None:
    """The report as one page, and its figures beside it.

    Args:
        metrics: metrics files of all studies.
        sweeps: sweep files of all studies.
        settings: the rows, whose people are shown, and what is said of the numbers.
        benchmarks: folder of the benchmark files.
        logs: folder of the logs.
        out: the page; figures go to ``figures/`` beside it.
    """
    shown, methods = settings.shown, settings.methods
    study, variant = Path(shown.study), shown.variant
    results = read_metrics(metrics, gaze_titles(settings.configuration))
    several = next(map(Path, typical_file(settings.configuration)), None)
    main = with_typical(table1(results, [*methods, *rulers(results)]), several)
    swept = sweep_table(read_sweeps(sweeps), results)
    dataset = results["dataset"].iloc[0]
    tested = read_tested(shown)
    examples = choose_examples(shown, tested, settings.examples)
    folder = out.parent / "figures"
    labels = read_shown(study / "labels.parquet")
    _check_splits(study, metrics)
    counts = labels["role"].value_counts()
    level = main.loc[main["method"] == LABELS_ALONE, ["name", "dist_to_mean"]].drop_duplicates(
        "name"
    )
    lines = dict(level.itertuples(index=False, name=None))
    asked = parse_variant(variant)
    chosen = asked.timestep
    if shown.choice is not None:
        chosen = read_choice(Path(shown.choice)).whole.timestep

    def drawn(
        name: str,
        alt: str,
        svg: bytes,
        caption: str = "",
    ) -> Picture:
        figures.save(svg, folder / f"{name}.svg")
        return Picture(svg, alt, caption, figures.in_dark(svg))

    figures.save(figures.overview(examples, "png"), folder / "overview.png")
    many = results["study"].nunique() > 1
    jobs = read_benchmarks(benchmarks)
    curve = read_curve([Path(path) for path in settings.curves]) if settings.curves else None
    learned = None if curve is None else curve_table(curve)
    advice = [*([] if curve is None else curve_advice(curve)), *choice_advice(sweeps)]
    compared = compare_people(shown, tested, main, settings.others)
    trained = training_logs(study, methods, results)
    context = Context(
        title=f"GCDR on {'the demo world' if dataset == 'demo world' else dataset}",
        summary=summary_text(results, int(counts.get("labelled", 0)), len(labels)),
        notice=settings.notice,
        table=main,
        counts=people_counts(metrics, results),
        distribution=drawn(
            "distribution",
            "Share of test people within a distance of the annotators' mean, a line a method",
            distribution_figure(compared.distances),
            caption=compared.text,
        ),
        sliced=compared.sliced,
        people=compared.people,
        figures={
            name: [path.name for path in sorted(folder.glob(f"{name}.p[nd][gf]"))]
            for name in PAPER_FIGURES
        },
        definitions=read_definitions(metrics),
        comparison=drawn(
            "comparison",
            "AvgDist of each method with its interval",
            figures.comparison(main, results),
        ),
        differences=paired_differences(results, variant, [m for m in methods if m != variant])
        if many
        else None,
        reference=name_in(main, variant),
        sweep=swept,
        sweep_figure=drawn(
            "sweep",
            "AvgDist of refined maps against the noise timestep",
            figures.sweep(swept, lines, chosen),
        ),
        chosen=[line.strip() for line in chosen_lines(sweeps)],
        label_errors=drawn(
            "label-errors",
            "Mean error of the surest labels, and true against expected error",
            label_errors_figure(errors),
            caption=label_errors_text(errors),
        )
        if (errors := read_label_errors(sweeps)) is not None
        else None,
        advice=advice,
        curve=None if learned is None else curve_cells(learned),
        curve_figure=None
        if learned is None
        else drawn(
            "label_curve",
            "AvgDist of held-out people against the number of labels",
            figures.learning_curves(learned),
        ),
        examples=examples,
        curves=drawn(
            "training",
            "Training and validation losses against the step, a panel a model",
            figures.training_curves(trained),
            caption=training_text(trained, int(counts.get(VALIDATION, 0))),
        )
        if trained
        else None,
        stages=stage_totals(jobs, STAGES),
        overhead=overhead(jobs, start_up(logs)),
        settings=yaml.safe_dump(settings.configuration, sort_keys=False),
        versions=versions(),
    )
    write_text(build_page(context), out)


def _check_splits(study: Path, metrics: Sequence[Path]) -> None:
    """What was scored was trained under the split that lies in the study's folder now."""
    split = split_identity(study / "labels.parquet")
    for path in metrics:
        if Path(path).parent.parent == Path(study):
            check_split(path, read_json(path).get("split"), split, "that of the study")


def start_up(logs: Path) -> float:
    """Seconds that a job's interpreter and imports take before any work begins, mean over logs."""
    lines = (
        line
        for path in logs.rglob("*.log")
        for line in path.read_text(errors="replace").splitlines()
    )
    taken = [float(line.split()[1]) for line in lines if line.startswith(START_UP)]
    return float(np.mean(taken)) if taken else 0.0


def versions() -> dict[str, str]:
    """Versions of what the results were made with."""
    found = {"Python": platform.python_version()}
    for name in ("gcdr", "snakemake", "torch", "torchvision", "numpy", "pandas", "h5py"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
