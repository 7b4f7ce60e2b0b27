"""The report: a single HTML file that needs nothing outside itself."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from gcdr.base.errors import InputError
from gcdr.config.schema import OWN
from gcdr.report import typeset
from gcdr.report.overlays import Example, encode, example_panels, question_of
from gcdr.report.rows import METRICS, PAPER_LABEL, PAPER_METRICS, TRAINED_KINDS, share_name
from gcdr.report.tables import RUN
from gcdr.report.timing import Overhead

_MEDIA = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"<?xml": "image/svg+xml"}


@dataclass(frozen=True)
class Picture:
    """A picture of a page.

    Attributes:
        data: an encoded PNG, JPEG or SVG.
        alt: what the picture shows, for those who do not see it.
        caption: text below it; may be empty.
        dark: the same picture for dark pages, None where one picture serves both.
    """

    data: bytes
    alt: str
    caption: str = ""
    dark: bytes | None = None


@dataclass(frozen=True)
class Context:
    """All that the report shows; what is None or empty has no section.

    Attributes:
        title: heading of the page.
        summary: what was run, in a paragraph (see `summary_text`).
        notice: what the numbers must not be taken for; shown with emphasis.
        table: of `tables.table1`.
        definitions: of `tables.read_definitions`.
        overview: the examples at the top.
        comparison: the methods' figure.
        differences: of `tables.paired_differences`.
        reference: display name of the row that the differences are taken against.
        sweep: of `tables.sweep_table`.
        sweep_figure: the sweep's figure.
        label_errors: how far off labels are, with a sentence as its caption.
        advice: what to do next, sentences.
        curve: of `label_curve.curve_cells`.
        curve_figure: its figure.
        examples: people shown by group, in the order of their groups' first members.
        curves: the training curves.
        stages: of `timing.stage_totals`.
        overhead: of `timing.overhead`.
        settings: the configuration as YAML text.
        versions: versions by package.
    """

    title: str
    summary: str
    notice: str
    table: pd.DataFrame
    definitions: Mapping[str, str] = field(default_factory=dict)
    overview: Picture | None = None
    comparison: Picture | None = None
    differences: pd.DataFrame | None = None
    reference: str = ""
    sweep: pd.DataFrame | None = None
    sweep_figure: Picture | None = None
    label_errors: Picture | None = None
    advice: Sequence[str] = ()
    curve: tuple[list[str], list[list[str]]] | None = None
    curve_figure: Picture | None = None
    examples: Sequence[Example] = ()
    curves: Picture | None = None
    stages: pd.DataFrame | None = None
    overhead: Overhead | None = None
    settings: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def _and(parts: Sequence[object]) -> str:
    words = [str(part) for part in parts]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def summary_text(
    results: pd.DataFrame, labelled: int | None = None, training: int | None = None
) -> str:
    """What was run, as a paragraph: data set, labels, runs and seeds, people of the test.

    Args:
        results: tidy table of `tables.read_metrics`.
        labelled: number of people who keep their label.
        training: number of people in the training split.
    """
    runs = results[RUN].drop_duplicates()
    seeds, shares = sorted(runs["seed"].unique()), sorted(results["share"].unique())
    sets = sorted(results["dataset"].unique())
    counts = f" ({labelled} of {training})" if labelled and training else ""
    models = results.loc[results["kind"].isin(TRAINED_KINDS), "variant"].nunique()
    people = results.loc[results["kind"].isin(TRAINED_KINDS), "people"].unique()
    tested = f" and judged on {_and(sorted(people))} test people" if len(people) else ""
    plural = "" if len(runs) == 1 else "s"
    sentence = (
        f"{_and([share_name(share) for share in shares])} of the training people{counts} keep"
    )
    if shares == [OWN]:
        counts = counts.replace(")", " training people, beside those for validation)")
        sentence = f"The {share_name(OWN)} are used{counts}: people who have one keep"
    return (
        f"Data set {_and(sets)}. {sentence} their gaze label; the others contribute an image, a head box and "
        f"a prior only. {models} kinds of model were trained in {len(runs)} run{plural} "
        f"(seed{'' if len(seeds) == 1 else 's'} {_and(seeds)}){tested}."
    )


def _image(picture: Picture, css: str = "") -> Markup:
    """An ``img`` with its data inside, in a ``picture`` where there is a dark version."""
    tag = f'<img src="{_uri(picture.data)}" alt="{html.escape(picture.alt)}" class="{css}">'
    if picture.dark is None:
        return Markup(tag)
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{_uri(picture.dark)}">'
    return Markup(f"<picture>{source}{tag}</picture>")


def _uri(data: bytes) -> str:
    media = next((name for magic, name in _MEDIA.items() if data.startswith(magic)), None)
    if media is None:
        raise InputError("picture: expected the bytes of a PNG, JPEG or SVG file")
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _main_rows(table: pd.DataFrame) -> list[dict[str, object]]:
    """Table 1 as the template needs it: formatted numbers with their spread and mark."""
    shown = typeset.shown_metrics(table)
    best = {metric: typeset.best_rows(table, metric) for metric in shown}
    paper = typeset.has_paper(table)
    rows = []
    for position, (_, row) in enumerate(table.iterrows()):
        values = [
            {
                "value": typeset.number(row[metric]),
                "spread": typeset.spread_text(row, metric),
                "best": position in best[metric],
            }
            for metric in shown
        ]
        numbers = [typeset.number(row[f"paper_{m}"]) for m in PAPER_METRICS] if paper else []
        rows.append(
            {
                "name": row["name"],
                "runs": row["runs"],
                "values": values,
                "paper": numbers,
                "trained": row["kind"] in TRAINED_KINDS,
            }
        )
    return rows


def seconds(value: float) -> str:
    """Seconds as ``12.3 s`` or ``3 min 05 s``; a dash for NaN."""
    if pd.isna(value):
        return typeset.ABSENT
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def stage_cells(stages: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and formatted cells of a table of `timing.stage_totals`, with a sum below."""
    rows = [
        [
            str(row["stage"]),
            str(row["jobs"]),
            seconds(row["wall_s"]),
            seconds(row["cpu_s"]),
            typeset.ABSENT if pd.isna(row["max_rss_mib"]) else f"{row['max_rss_mib']:.0f} MiB",
        ]
        for _, row in stages.iterrows()
    ]
    memory = stages["max_rss_mib"].max()
    total = [seconds(stages[name].sum(min_count=1)) for name in ("wall_s", "cpu_s")]
    largest = typeset.ABSENT if pd.isna(memory) else f"{memory:.0f} MiB"
    rows.append(["All stages", str(stages["jobs"].sum()), *total, largest])
    return ["Stage", "jobs", "wall", "CPU", "peak memory"], rows


def _example_groups(examples: Sequence[Example]) -> list[dict[str, object]]:
    groups: dict[str, list[dict[str, object]]] = {}
    for example in examples:
        subject = f"person asked about, answer {example.answer!r}"
        panels = [
            {"name": name, "image": _image(Picture(encode(drawn, "JPEG"), f"{name}: {subject}"))}
            for name, drawn in example_panels(example, size=300).items()
        ]
        row = {"panels": panels, "answer": example.answer}
        groups.setdefault(example.group, []).append(row)
    return [{"name": name, "rows": rows} for name, rows in groups.items()]


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["image"] = _image
    return environment


def page_part(name: str) -> str:
    """A file that lies beside this one: a template, a style or a script."""
    return (resources.files("gcdr.report") / name).read_text(encoding="utf-8")


def fill_template(template: str, *styles: str, **values: object) -> str:
    """A page from a template and values, which are escaped; styles are laid upon that of all pages."""
    style = Markup("\n".join(map(page_part, ("page.css", *styles))))
    return _environment().from_string(page_part(template)).render(style=style, **values)


def build_page(context: Context) -> str:
    """The report as one HTML file: inline style, pictures inside, no script, no request.

    Raises:
        InputError: a picture is not a PNG, JPEG or SVG.
    """
    sections = {
        "differences": (context.differences, typeset.differences_cells),
        "sweep": (context.sweep, typeset.sweep_cells),
        "stages": (context.stages, stage_cells),
    }
    cells = {
        name: None if table is None or table.empty else shape(table)
        for name, (table, shape) in sections.items()
    }
    definitions = [
        (METRICS[name].label if name in METRICS else name, text)
        for name, text in context.definitions.items()
    ]
    return fill_template(
        "page.html.j2",
        context=context,
        cells=cells,
        rows=_main_rows(context.table),
        metrics=[METRICS[name] for name in typeset.shown_metrics(context.table)],
        paper_metrics=[METRICS[n] for n in PAPER_METRICS]
        if typeset.has_paper(context.table)
        else [],
        paper_label=PAPER_LABEL,
        notes=typeset.notes(context.table),
        definitions=definitions,
        groups=_example_groups(context.examples),
        question=question_of(context.examples),
    )
