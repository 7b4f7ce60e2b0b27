"""The report: a single HTML file that needs nothing outside itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from gcdr.data.split_name import CHOSEN, OWN
from gcdr.report import sections
from gcdr.report.markup import Picture
from gcdr.report.overlays import Example
from gcdr.report.picked_people import PersonShown
from gcdr.report.rows import TRAINED_KINDS, share_name
from gcdr.report.slices import Sliced
from gcdr.report.tables import RUN
from gcdr.report.timing import Overhead


@dataclass(frozen=True)
class Context:
    """All that the report shows; what is None or empty has no section.

    Attributes:
        title: heading of the page.
        summary: what was run, in a paragraph (see `summary_text`).
        notice: what the numbers must not be taken for; shown with emphasis.
        table: of `tables.table1`.
        counts: what people were there for, and how many, for the head of the page.
        distribution: errors of single people.
        sliced: errors by slice.
        people: those who are shown by their error.
        figures: of `sections.figures_section`.
        definitions: of `tables.read_definitions`.
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
    counts: Sequence[tuple[str, str]] = ()
    distribution: Picture | None = None
    sliced: Sliced | None = None
    figures: Mapping[str, Sequence[str]] = field(default_factory=dict)
    people: Sequence[PersonShown] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    comparison: Picture | None = None
    differences: pd.DataFrame | None = None
    reference: str = ""
    sweep: pd.DataFrame | None = None
    sweep_figure: Picture | None = None
    chosen: Sequence[str] = ()
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
    if shares == [CHOSEN]:
        sentence = f"People of chosen clips or shows{counts} keep"
    return (
        f"Data set {_and(sets)}. {sentence} their gaze label; the others contribute an image, a head box and "
        f"a prior only. {models} kinds of model were trained in {len(runs)} run{plural} "
        f"(seed{'' if len(seeds) == 1 else 's'} {_and(seeds)}){tested}."
    )


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


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
    made = [
        sections.examples_section(context.examples),
        sections.results_section(
            context.table, context.comparison, context.differences, context.reference
        ),
        sections.errors_section(context.distribution, context.sliced),
        sections.people_section(context.people),
        sections.figures_section(context.figures) if context.figures else None,
        sections.reading_section(context.definitions),
        sections.sweep_section(context.sweep, context.sweep_figure, context.chosen),
        sections.labels_section(context.label_errors),
        sections.advice_section(context.advice, context.curve, context.curve_figure),
        sections.training_section(context.curves),
        sections.time_section(context.stages, context.overhead),
        sections.settings_section(context.settings, context.versions),
    ]
    return fill_template(
        "page.html.j2",
        title=context.title,
        summary=context.summary,
        notice=context.notice,
        counts=context.counts,
        sections=[section for section in made if section is not None],
    )
