"""From result files to tables, figures and the page: what the report rules call."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import yaml

from gcdr.base.command import START_UP
from gcdr.base.files import read_json
from gcdr.data.lookup import places
from gcdr.data.manifest import BODY, BOX, people_digest, read_annotations, read_people
from gcdr.data.parquet import read_rows, read_table
from gcdr.data.pictures import open_image
from gcdr.data.shown import check_split, read_shown, split_identity
from gcdr.data.stores import Store, read_labels, read_prior
from gcdr.methods import averaged, parse_variant, teacher_name
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
from gcdr.report.overlays import Example
from gcdr.report.page import Context, Picture, build_page, summary_text
from gcdr.report.rows import method_name
from gcdr.report.summary import rulers
from gcdr.report.tables import (
    paired_differences,
    read_definitions,
    read_metrics,
    read_sweeps,
    sweep_table,
    table1,
)
from gcdr.report.timing import overhead, read_benchmarks, stage_totals
from gcdr.report.typeset import write_text
from gcdr.settings.reporting import ReportSettings, ShownStudy

STAGES = (
    "world", "read", "samples", "detect", "gradcam", "merge", "split", "originals", "teachers", "folds",
    "timestep", "refine", "students", "evaluate", "sweep",
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
    results = read_metrics(metrics)
    main = table1(results, [*methods, *rulers(results)])
    swept = sweep_table(read_sweeps(sweeps), results)
    dataset = results["dataset"].iloc[0]
    examples = choose_examples(shown, settings.examples)
    folder = out.parent / "figures"
    labels = read_shown(study / "labels.parquet")
    _check_splits(study, metrics)
    counts = labels["role"].value_counts()
    level = main.loc[main["method"] == "vat", "dist_to_mean"] if "method" in main else ()
    lines = {method_name("vat"): float(level.iloc[0])} if len(level) else {}
    asked = parse_variant(variant)
    supervised = teacher_name("vat", None, asked.gaze)
    logs_of = {method_name("vat"): study / f"teachers/{supervised}/log.csv"}
    logs_of["Diffusion model"] = study / f"teachers/{asked.model}/log.csv"
    logs_of[method_name("gcdr")] = study / f"students/{variant}/log.csv"
    logs_of = {name: path for name, path in logs_of.items() if path.exists()}  # of what was trained
    chosen = asked.timestep
    if shown.choice is not None:
        chosen = read_choice(Path(shown.choice)).whole.timestep

    def drawn(
        name: str,
        alt: str,
        make: Callable[[str, bool], bytes],
        form: str = "svg",
        caption: str = "",
    ) -> Picture:
        light, dark = make(form, False), make(form, True)
        figures.save(light, folder / f"{name}.{form}")
        return Picture(light, alt, caption, dark)

    figures.save(figures.overview(examples, "png"), folder / "overview.png")
    many = results["study"].nunique() > 1
    reference = next(m for m in methods if m == variant)
    jobs = read_benchmarks(benchmarks)
    curve = read_curve([Path(path) for path in settings.curves]) if settings.curves else None
    learned = None if curve is None else curve_table(curve)
    advice = [*([] if curve is None else curve_advice(curve)), *choice_advice(sweeps)]
    context = Context(
        title=f"GCDR on {'the demo world' if dataset == 'demo world' else dataset}",
        summary=summary_text(results, int(counts.get("labelled", 0)), len(labels)),
        notice=settings.notice,
        table=main,
        definitions=read_definitions(metrics),
        overview=drawn(
            "overview",
            "Test people: scene, Grad-CAM map, refined map and the student's prediction",
            lambda form, dark: figures.overview(examples, form, dark),
            "jpg",
        ),
        comparison=drawn(
            "comparison",
            "AvgDist of each method with its interval",
            lambda form, dark: figures.comparison(main, results, form=form, dark=dark),
        ),
        differences=paired_differences(results, reference, [m for m in methods if m != reference])
        if many
        else None,
        reference=method_name("gcdr"),
        sweep=swept,
        sweep_figure=drawn(
            "sweep",
            "AvgDist of refined maps against the noise timestep",
            lambda form, dark: figures.sweep(swept, lines, chosen, form, dark),
        ),
        label_errors=drawn(
            "label-errors",
            "Mean error of the surest labels, and true against expected error",
            lambda form, dark: label_errors_figure(errors, form, dark),
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
            lambda form, dark: figures.learning_curves(learned, form, dark),
        ),
        examples=examples,
        curves=drawn(
            "training",
            "Training losses against the step",
            lambda form, dark: figures.training_curves(logs_of, form, dark),
        )
        if logs_of
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


def choose_examples(shown: ShownStudy, count: int) -> list[Example]:
    """Test people whose raw Grad-CAM map is good, dispersed or wrong, ``count`` in all.

    "Good" peaks within 0.1 of the annotators' mean; "wrong" is a concentrated map that peaks beyond
    0.3; "dispersed" maps are the widest. Among those, people are taken by the order of their ids.
    """
    study, variant = Path(shown.study), shown.variant
    people = read_people(Path(shown.manifest))
    digest = people_digest(people)
    asked = parse_variant(variant)
    raw = study / f"metrics/gradcam+{asked.prior}.parquet"
    scores = read_table(raw).set_index("sample_id")
    out_of = study / f"test/{averaged(asked)}.h5"
    split = split_identity(study / "labels.parquet")["digest"]
    refined = read_labels(out_of, digest, split=split)
    ids = scores.index.to_numpy()  # who looks into the frame
    predicted = read_labels(study / f"metrics/{variant}.h5", digest, ids, split)
    store = read_prior(shown.prior, digest, ids, shown.layer, shown.prior_made_by)
    mass = store.heatmap.reshape(len(store.heatmap), -1)
    share = np.sort(mass, 1)[:, -6:].sum(1) / np.maximum(
        mass.sum(1), 1e-12
    )  # in the six highest cells
    distance = scores.loc[store.sample_id, "dist_to_mean"].to_numpy()
    middle = np.median(share)
    groups = {
        "good": (distance < 0.1) & (share > middle),
        "dispersed": share <= np.quantile(share, 0.15),
        "wrong": (distance > 0.3) & (share > middle),
    }
    groups = {group: members & store.valid for group, members in groups.items()}
    where = people.set_index("sample_id")
    body = read_rows(Path(shown.bodies), digest, ids, [*BODY, "detected"])
    examples = []
    for number, (group, members) in enumerate(groups.items()):
        quota = (count + 2 - number) // 3
        for row in np.flatnonzero(members)[:: max(1, members.sum() // max(1, quota))][:quota]:
            sample_id = store.sample_id[row]
            person, found = where.loc[sample_id], body.loc[sample_id]
            box = found[BODY].to_numpy(float)
            pixels = np.asarray(open_image(Path(shown.images, person["image"])))
            examples.append(
                Example(
                    pixels,
                    tuple(person[BOX].to_numpy(float)),
                    tuple(box) if found["detected"] else None,
                    store.heatmap[row],
                    refined.heatmap[places(refined.sample_id, np.array([sample_id]), out_of)[0]],
                    predicted.heatmap[row],
                    read_annotations(Path(shown.annotations), np.array([sample_id]), digest)[0],
                    _asked(store, row),
                    store.columns["answer"][row],
                    group,
                )
            )
    return examples


def _asked(store: Store, row: int) -> str:
    """What was asked about a person; nothing where a store from elsewhere does not say."""
    return store.columns["question"][row] if "question" in store.columns else ""


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
