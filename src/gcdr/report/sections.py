"""The sections of the report: each function makes HTML from numbers, or nothing where there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from gcdr.refine.choice import HELD_OUT
from gcdr.report import typeset
from gcdr.report.markup import Cell, Picture, definitions, element, figure, grid, listing
from gcdr.report.markup import image as shown_image
from gcdr.report.overlays import Example, encode, example_panels, question_of
from gcdr.report.paper_figures import PAPER_FIGURES
from gcdr.report.picked_people import PersonShown
from gcdr.report.rows import METRICS, PAPER_LABEL, PAPER_METRICS, TRAINED_KINDS, definition_of
from gcdr.report.slices import FEWEST, Sliced
from gcdr.report.timing import Overhead

TWO_DECODINGS = (
    "Two ways to read a point off a heatmap",
    "“Cell centre” takes the middle of the highest cell, “argmax/size” its upper left corner, as the "
    "reference implementation does. On a coarse grid the half cell between them is larger than many effects: "
    "compare within a column only.",
)


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: its id.
        link: what the navigation calls it.
        title: its heading.
        body: what stands below.
    """

    name: str
    link: str
    title: str
    body: Markup


def results_section(
    table: pd.DataFrame,
    comparison: Picture | None,
    differences: pd.DataFrame | None,
    reference: str,
) -> Section:
    """The main table, what its rows are, and differences within runs."""
    body = _main_table(table) + listing(typeset.notes(table), css="notes")
    defined = [(row["name"], definition_of(row["method"])) for _, row in table.iterrows()]
    body += element("h3", "What the rows are") + definitions(defined, "row-", "rows")
    body += figure(comparison) + _swapped_heads(table)
    if differences is not None and not differences.empty:
        body += element("h3", "Differences within runs") + element(
            "p",
            "Each run compares methods on the same people with the same labels, so what a run’s draw adds to "
            "all of them cancels here. Negative is better.",
        )
        caption = f"AvgDist (cell centre) against {reference}"
        body += grid(caption, *typeset.differences_cells(differences))
    return Section("results", "Results", "Results", body)


def _swapped_heads(table: pd.DataFrame) -> Markup:
    """Whether a point follows the head that is asked about, where test pictures have several people."""
    rows = [row for _, row in table.iterrows() if pd.notna(row.get("moved"))]
    if not rows:
        return Markup("")
    shown = ("asked", "moved")
    text = (
        "In pictures with several people the same is asked of another head. A point that stays where it was "
        "does not depend on who is asked: it is about the scene."
    )
    cells = [
        [
            Cell(row["name"]),
            *(Cell(typeset.number(row[one]), typeset.spread_text(row, one)) for one in shown),
        ]
        for row in rows
    ]
    labels = [Cell("Method"), *(Cell(f"{METRICS[m].name} ↑", METRICS[m].decoding) for m in shown)]
    caption = "Points for the head that is asked about, and for the other one"
    head = element("h3", "Whether the asked person is looked at") + element("p", text)
    return head + grid(caption, labels, cells)


def _main_table(table: pd.DataFrame) -> Markup:
    shown = typeset.shown_metrics(table)
    best = {metric: typeset.best_rows(table, metric) for metric in shown}
    paper = [METRICS[name] for name in PAPER_METRICS] if typeset.has_paper(table) else []
    typical = typeset.has_typical(table)
    rows = []
    for position, (_, row) in enumerate(table.iterrows()):
        cells = [Cell(row["name"], link=f"row-{position}"), Cell(str(row["runs"]))]
        cells += [
            Cell(
                typeset.number(row[metric]),
                typeset.spread_text(row, metric),
                "best" if position in best[metric] else "",
            )
            for metric in shown
        ]
        if typical:
            cells.append(Cell(typeset.typical_text(row, typeset.number)))
        if paper:
            cells += [Cell(typeset.number(row[f"paper_{m}"]), css="paper") for m in PAPER_METRICS]
        rows.append(cells)
    labels = [
        Cell("Method"),
        Cell("n"),
        *(Cell(f"{METRICS[m].name} {METRICS[m].arrow}", METRICS[m].decoding) for m in shown),
        *([Cell("AvgDist ↓", typeset.typical_label(table))] if typical else []),
        *(Cell(metric.name, "paper") for metric in paper),
    ]
    beside = [("other worlds", 1)] if typical else []
    beside += [(PAPER_LABEL, len(paper))] if paper else []
    spans = [("", 2), ("measured here", len(shown)), *beside] if beside else ()
    trained = [kind in TRAINED_KINDS for kind in table["kind"]]
    borders = [row for row in range(1, len(trained)) if trained[row] != trained[row - 1]]
    caption = "Distances in widths and heights of the image, on the test people."
    return grid(caption, labels, rows, spans=spans, borders=borders)


def errors_section(distribution: Picture | None, sliced: Sliced | None) -> Section | None:
    """The errors as a distribution, and by what is known of a person."""
    if distribution is None:
        return None
    body = figure(distribution)
    if sliced is not None and len(sliced.table):
        body += element("h3", "Whom it is good at") + element("p", sliced.note)
        several = sliced.runs > 1
        body += grid(
            f"AvgDist by slice of the test people, {sliced.student} against {sliced.other}",
            ["Slice", "n a run" if several else "n", sliced.student, sliced.other, "difference"],
            [_slice_cells(row) for _, row in sliced.table.iterrows()],
            borders=np.flatnonzero(sliced.table["trait"] != sliced.table["trait"].shift())[1:],
        )
        said = (
            f"Means over {sliced.runs} runs; ± is the standard deviation over runs."
            if several
            else "In brackets the 95 % bootstrap interval over test images."
        )
        notes = [
            f"{said} The difference is of the same people; negative: the first is nearer.",
            f"Slices of fewer than {FEWEST} people{' of a run' * several} are folded together with their "
            "neighbours, and answers into “other answers”.",
            "Many slices are looked at side by side: a few differ by chance alone.",
        ]
        body += listing(notes, css="notes")
    return Section("errors", "Errors", "How far off, and for whom", body)


def _slice_cells(row: pd.Series) -> list[str | Cell]:
    def numbers(name: str, sign: bool = False) -> Cell:
        if f"{name}_spread" in row:
            spread = typeset.number(row[f"{name}_spread"])
            small = [] if spread == typeset.ABSENT else [f"±{spread}"]
            small += [f"nearer in {row['nearer']} of {row['runs']}"] if sign else []
            return Cell(typeset.number(row[name], sign=sign), ", ".join(small))
        value, low, high = (
            typeset.number(row[f"{name}{end}"], sign=sign) for end in ("", "_low", "_high")
        )
        return Cell(value, "" if low == typeset.ABSENT else f"[{low}, {high}]")

    return [
        Cell(row["slice"], row["trait"]),
        f"{row['n']:,}",
        numbers("student"),
        numbers("other"),
        numbers("difference", sign=True),
    ]


def figures_section(made: Mapping[str, Sequence[str]]) -> Section:
    """The paper's figures, drawn from the people shown here: where they lie, or how to make them.

    Args:
        made: by figure the names of its files in ``figures/`` beside the page; none where it is not made.
    """
    link = Markup('<a href="figures/{0}">{0}</a>')
    entries = [
        (
            PAPER_FIGURES[name].title,
            Markup(", ").join(link.format(file) for file in files)
            if files
            else Markup("not made when this page was: <code>snakemake {}</code>").format(name),
        )
        for name, files in made.items()
    ]
    text = (
        "Each is a target of its own, made with the configuration of this page (the --configfile of its run) "
        "as PNG and PDF beside it."
    )
    body = element("p", text) + definitions(entries)
    return Section("figures", "Figures", "The paper’s figures of these people", body)


def people_section(people: Sequence[PersonShown]) -> Section | None:
    """Test people by rule: best, median, worst, most disputed."""
    if not people:
        return None
    body = element(
        "p",
        "White dots are the annotators, the yellow box is the head asked about, the colours are the "
        "student’s map and the ring is its highest point. Of a picture one person is shown.",
    )
    groups = {person.group: person.rule for person in people}
    for group, rule in groups.items():
        cards = [
            element(
                "figure",
                shown_image(Picture(person.picture, person.alt)),
                element("figcaption", element("strong", person.error), f" {person.about}"),
            )
            for person in people
            if person.group == group
        ]
        body += element("h3", group) + element("p", rule, css="small")
        body += element("div", *cards, css="panels")
    return Section("people", "People", "Best, median, worst and most disputed people", body)


def reading_section(texts: Mapping[str, str]) -> Section:
    """What the metrics are."""
    entries = [
        (METRICS[name].label if name in METRICS else name, text) for name, text in texts.items()
    ]
    body = definitions([*entries, TWO_DECODINGS])
    return Section("reading", "How to read it", "How to read it", body)


def sweep_section(
    table: pd.DataFrame | None, picture: Picture | None, chosen: Sequence[str] = ()
) -> Section | None:
    """How good refined maps are from which timestep, and which one labels chose, a line a study."""
    empty = table is None or table.empty
    if empty and picture is None:
        return None
    text = (
        "Refinement noises the Grad-CAM up to timestep t and removes the noise again. Small t leaves the "
        "map’s errors in, large t forgets the map."
    )
    if table is not None and "val" in table.columns:
        text += " Validation people come out of the labelled share."
    if table is not None and HELD_OUT in table.columns:
        text += (
            " The timestep was chosen by labelled people: each was refined by a model that had not learned "
            "from their label, and of the timesteps that are within one standard error of the best the "
            "latest is taken."
        )
    body = element("p", text) + (listing(chosen) if chosen else "") + figure(picture)
    if not empty:
        caption = "AvgDist (cell centre) by timestep; ± is the standard deviation over runs"
        body += grid(caption, *typeset.sweep_cells(table))
    return Section("sweep", "Timestep", "How much noise to refine with", body)


def labels_section(picture: Picture | None) -> Section | None:
    """How far off pseudo-labels are."""
    if picture is None:
        return None
    text = Markup(
        "Every label says how far off it is expected to be (<code>expected_error</code> in the label store "
        "and in exports), from how wide its map is and how far its peak lies from the Grad-CAM’s. Labelled "
        "people who were held out say whether that is true: here, two halves of them predict each other."
    )
    body = element("p", text) + figure(picture)
    return Section("labels", "Labels", "Can the labels be trusted?", body)


def advice_section(
    lines: Sequence[str], curve: tuple[list[str], list[list[str]]] | None, picture: Picture | None
) -> Section | None:
    """What to do next."""
    if not lines:
        return None
    more = (
        Markup("<code>gcdr suggest</code> says whom to label first.")
        if curve
        else Markup(
            "<code>snakemake label_advice</code> says whether more labels would help, and "
            "<code>gcdr suggest</code> which."
        )
    )
    body = element(
        "p", "By labelled people that were held out, not by the test people. ", more
    ) + listing(lines)
    body += figure(picture)
    if curve:
        body += grid("Distance of held-out people by the number of labels", *curve)
    return Section("next", "What next", "What next", body)


def examples_section(examples: Sequence[Example]) -> Section | None:
    """People from scene to prediction, by how good the prior's map is."""
    if not examples:
        return None
    text = (
        "Test people whose prior map is good, dispersed or wrong; what the diffusion model makes of the map; "
        "and what the student says, who sees no map. White dots are the annotators, the ring is the "
        "map’s highest point. Every map is scaled to its own peak."
    )
    question = question_of(examples)
    text += f" The VQA model was asked: “{question}”" if question else ""
    body = element("p", text)
    for group in dict.fromkeys(example.group for example in examples):
        body += element("h3", group.capitalize()) if group else ""
        for example in (one for one in examples if one.group == group):
            body += _panels(example)
    return Section("examples", "The method", "From the prior’s map to the prediction", body)


def _panels(example: Example) -> Markup:
    subject = f"person asked about, answer {example.answer!r}"
    figures = [
        element(
            "figure",
            shown_image(Picture(encode(drawn, "JPEG"), f"{name}: {subject}")),
            element("figcaption", name),
        )
        for name, drawn in example_panels(example, size=300).items()
    ]
    return element("div", *figures, css="panels")


def training_section(picture: Picture | None) -> Section | None:
    """Losses of teachers and students."""
    if picture is None:
        return None
    return Section("training", "Training", "Training", figure(picture))


def time_section(stages: pd.DataFrame | None, overhead: Overhead | None) -> Section | None:
    """Where time and memory went."""
    if stages is None or stages.empty:
        return None
    caption = (
        "All jobs recorded under results, those of other studies there too. Sums over jobs; they run side by "
        "side, so the wall time of a run is shorter"
    )
    body = grid(caption, *stage_cells(stages), total=True)
    if overhead:
        body += element(
            "p",
            f"The run took {overhead.span_s:.0f} s from its first job to its last (longer pauses, between "
            f"two runs, left out). No job ran in {100 * overhead.gap_share:.1f} % of that time (the workflow "
            f"engine’s own share), and {100 * overhead.startup_share:.1f} % of the jobs’ time started "
            f"interpreters: together {100 * overhead.share:.1f} % of the wall time.",
        )
    return Section("time", "Time", "Time and memory", body)


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


def settings_section(settings: str, versions: Mapping[str, str]) -> Section:
    """The configuration, and what it was run with."""
    body = Markup("")
    if settings:
        listed = Markup('<pre tabindex="0" aria-label="Configuration"><code>{}</code></pre>')
        body += element(
            "details", element("summary", "Configuration (YAML)"), listed.format(settings)
        )
    body += element("p", " · ".join(f"{name} {one}" for name, one in versions.items()), css="small")
    return Section("settings", "Settings", "Settings and versions", body)
