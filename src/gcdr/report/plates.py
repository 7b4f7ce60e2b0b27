"""The paper's figures from result files: whom they show, which maps, and what is said below."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gcdr.base.errors import InputError
from gcdr.evaluation.scores import score_maps
from gcdr.evaluation.shown_people import RIGHT, WRONG, evenly, nearer_with_less_auc
from gcdr.evaluation.stepwise import PEOPLE, timesteps_shown
from gcdr.report.cast import Cast
from gcdr.report.figures import save
from gcdr.report.panels import Plate, Row, Tile, draw_plate
from gcdr.report.paper_figures import PAPER_FIGURES, RAW, TRUTH
from gcdr.settings.reporting import FigureSettings

SCENE = "Scene and answer"
SIGNS = (
    f"White dot: mean of the annotators, in “{TRUTH}” each of them. Ring: a map’s highest cell. Number: how "
    "far they are apart, the image’s sides being 1. All maps are on one scale."
)
WHO = (
    "Test people of {}: none was trained on, and their maps are made as pseudo-labels of unlabelled people "
    "are."
)
BY_RAW_MAP = (
    f"Chosen by the raw map alone: it peaks within {RIGHT} of the truth (right) or beyond {WRONG} (wrong); "
    "of each kind, people at equal steps of the order of ids."
)


def teachers_plate(cast: Cast) -> Plate:
    """Figure 4: pseudo-labels by teacher, of people whose raw map is right and of people whose is wrong."""
    stores = {
        name: heading
        for name, heading in PAPER_FIGURES["figure4"].stores.items()
        if name in cast.stores
    }
    kinds, ids = _columns(cast.by_raw_map(PEOPLE))
    made = [cast.made(name, ids) for name in stores]
    rows = [
        Row([person.scene(), *map(person.map, [person.raw, *maps]), person.truth()], _raw_is(kind))
        for kind, person, *maps in zip(kinds, cast.people(ids), *made, strict=True)
    ]
    said = "Pseudo-labels by teacher.", BY_RAW_MAP
    return Plate([SCENE, RAW, *stores.values(), TRUTH], rows, _caption(cast, *said))


def timesteps_plate(cast: Cast) -> Plate:
    """Figure 5: one person a row, from the raw map over timesteps to pure noise."""
    kinds, ids = _columns(cast.by_raw_map(2))
    (_, steps), made = cast.stepped(ids)
    total = cast.settings.timesteps
    starts = [start for start in timesteps_shown(total) if (start, steps) in made]
    results = [made[start, steps][:, -1] for start in (*starts, None)]
    rows = [
        Row([person.scene(), *map(person.map, [person.raw, *maps]), person.truth()], _raw_is(kind))
        for kind, person, *maps in zip(kinds, cast.people(ids), *results, strict=True)
    ]
    said = (
        f"What becomes of a raw map that is noised up to timestep t of {total} and denoised in {steps} "
        "steps: the later t, the less is left of the map, and nothing where all is noise.",
        BY_RAW_MAP,
    )
    columns = [SCENE, RAW, *(f"t = {start}" for start in starts), "Pure noise", TRUTH]
    return Plate(columns, rows, _caption(cast, *said))


def steps_plate(cast: Cast) -> Plate:
    """Figure S3: the model's map at every step, in 2 and in 5 steps, from the raw map and from noise."""
    kinds, ids = _columns(cast.by_raw_map(1))
    (timestep, _), made = cast.stepped(ids)
    starts = (timestep, None)
    visits = {
        steps: max(made[start, steps].shape[1] for start in starts)
        for start, steps in made
        if start is None
    }
    rows = []
    for number, (kind, person) in enumerate(zip(kinds, cast.people(ids), strict=True)):
        for start in starts:
            cells = [person.scene() if start is None else person.map(person.raw)]
            for steps, count in visits.items():
                shown = [person.map(heatmap) for heatmap in made[start, steps][number]]
                cells += [*shown, *[Tile()] * (count - len(shown))]
            came = "pure noise" if start is None else f"t = {timestep}"
            rows.append(Row([*cells, person.truth()], f"{_raw_is(kind)},\nfrom {came}"))
    columns = [
        f"step {visit} of {count}" for count in visits.values() for visit in range(1, count + 1)
    ]
    said = (
        f"What the diffusion model says at each of {' and of '.join(map(str, visits))} steps, from the raw "
        "map noised up to t, and from pure noise.",
        BY_RAW_MAP,
    )
    gaps = np.cumsum([1, *visits.values()]).tolist()
    return Plate([f"{RAW},\nor scene", *columns, TRUTH], rows, _caption(cast, *said), gaps)


def area_plate(cast: Cast) -> Plate:
    """Figure S2: maps that peak nearer and yet have the smaller AUC, beside broader ones.

    Raises:
        InputError: there is nobody like that.
    """
    stores = PAPER_FIGURES["figure_s2"].stores
    everybody = cast.tested["sample_id"].to_numpy()
    scored = {
        name: score_maps(cast.made(name, everybody), cast.rows(everybody), cast.points(everybody))
        for name in stores
    }
    chosen = nearer_with_less_auc(scored["gcdr"], scored["semi-vat-gc"], 2)
    names = {"nearer": "nearer,\nless AUC", "same": "one wrong place,\nless AUC"}
    shown = [(kind, int(one)) for kind, found in chosen.items() for one in found]
    if not shown:
        raise InputError(
            f"{cast.scores}: of {len(everybody)} test people nobody's refined map is nearer and has the "
            "smaller AUC; expected somebody"
        )
    kinds, ids = _columns(shown)
    made = {name: cast.made(name, ids) for name in stores}
    tables = {name: table.set_index("sample_id").loc[ids] for name, table in scored.items()}
    rows = []
    for number, (kind, person) in enumerate(zip(kinds, cast.people(ids), strict=True)):
        cells = [
            person.map(made[name][number], _scores(tables[name].iloc[number])) for name in stores
        ]
        rows.append(Row([person.scene(), *cells, person.truth()], names[kind]))
    said = (
        f"What AUC pays for. {stores['gcdr']}’s maps are narrow, as labels are, and cover fewer annotators "
        f"than {stores['semi-vat-gc']}’s broad ones, also where they peak nearer.",
        f"First rows: of all test people whose narrow map peaks within {RIGHT} of the truth and nearer than "
        "the broad one, those who lose most AUC; last: of those for whom both peak at one wrong place.",
    )
    return Plate([SCENE, *stores.values(), TRUTH], rows, _caption(cast, *said))


def gallery_plate(cast: Cast) -> Plate:
    """Figure 1b: raw maps and pseudo-labels of people at equal steps of the order of ids.

    Raises:
        InputError: nobody has a raw map.
    """
    heading, across, down = PAPER_FIGURES["figure1b"].stores["gcdr"], 3, 4
    ids = evenly(cast.tested["sample_id"].to_numpy()[cast.mapped], across * down)
    if not len(ids):
        raise InputError(f"{cast.scores}: no test person has a raw map; expected somebody")
    cells = [
        cell
        for person, made in zip(cast.people(ids), cast.made("gcdr", ids), strict=True)
        for cell in (person.map(person.raw), person.map(made), person.truth())
    ]
    width = 3 * across
    cells += [Tile()] * (-len(cells) % width)
    rows = [Row(cells[first : first + width]) for first in range(0, len(cells), width)]
    said = (
        "Pseudo-labels: raw maps, and what refinement makes of them.",
        "People stand at equal steps of the order of ids; nobody was picked.",
    )
    columns = [RAW, heading, TRUTH] * across
    return Plate(columns, rows, _caption(cast, *said), range(3, width, 3))


PLATES: Mapping[str, Callable[[Cast], Plate]] = {
    "figure1b": gallery_plate,
    "figure4": teachers_plate,
    "figure5": timesteps_plate,
    "figure_s2": area_plate,
    "figure_s3": steps_plate,
}


def write_paper_figure(
    figure: str,
    settings: FigureSettings,
    scores: Path,
    stores: Mapping[str, str],
    out: Sequence[Path],
    steps: Path | None = None,
) -> None:
    """Write an entry of ``PAPER_FIGURES``.

    Args:
        figure: its name.
        settings: where the study lies whose people are shown, and how its maps become heatmaps.
        scores: each test person's scores of the raw maps (Parquet).
        stores: label stores of test people by method.
        out: the files, whose endings say the format: PNG, PDF or JPEG.
        steps: store of the diffusion model's steps, for figures that show them.

    Raises:
        InputError: nobody to show, or a file that is damaged, of other people or of another split.
    """
    named = {method: Path(path) for method, path in stores.items()}
    plate = PLATES[figure](Cast(settings, scores, named, steps))
    for path in out:
        save(draw_plate(plate, path.suffix[1:]), path)


def _columns(chosen: Sequence[tuple[str, int]]) -> tuple[list[str], np.ndarray]:
    """Kinds and ids of chosen people."""
    return [kind for kind, _ in chosen], np.array([one for _, one in chosen])


def _raw_is(kind: str) -> str:
    return f"raw map {kind}"


def _scores(row: Mapping[str, float]) -> str:
    return f"AUC {row['auc']:.3f}, distance {row['dist_to_mean']:.2f}"


def _caption(cast: Cast, shown: str, chosen: str) -> str:
    return f"{shown} {chosen} {WHO.format(cast.study)} {SIGNS}"
