"""Tables of points that are wrong: every row is named with its line, what was found and what is expected."""

import pytest
from priors_data import prior, write_manifest

from gcdr.base.errors import InputError
from gcdr.priors.points import points_prior
from gcdr.priors.points_settings import ShapeSettings

GOOD = "a.jpg,0,50,60"
ID = "image,sample_id,x,y"
HEAD = "image,head_x0,head_y0,head_x1,head_y1,x,y"
REGION = "image,sample_id,box_x0,box_y0,box_x1,box_y1"


def row(text: str, header: str = ID, first: str | None = GOOD) -> str:
    """A table with a good row in line 2 and another one in line 3."""
    return "\n".join([header, *([first] if first else []), text, ""])


def scored(score: str) -> str:
    return row(f"a.jpg,0,5,6,{score}", f"{ID},score", f"{GOOD},1")


def head(box: str, image: str = "b.jpg") -> str:
    return row(f"{image},{box},5,6", HEAD, "a.jpg,10,10,30,30,50,60")


def region(box: str) -> str:
    return row(f"a.jpg,0,{box}", REGION, "a.jpg,0,5,6,50,60")


NUMBER = "expected a number of pixels"
BAD = [
    ("empty file", "", ["an empty file", "at least one row"]),
    ("header alone", f"{ID}\n", ["no row below the header"]),
    ("no header", f"{GOOD}\n", ["'a.jpg,0,50,60' in line 1", "the header image,"]),
    ("semicolons", row(GOOD).replace(",", ";"), ["a semicolon between columns", "a comma"]),
    ("not UTF-8", row("\xfc.jpg,0,1,2").encode("latin-1"), ["byte 0xfc in line 3", "UTF-8"]),
    ("column twice", row(f"{GOOD},9", f"{ID},y", f"{GOOD},9"), ["column 'y' twice in line 1"]),
    ("misspelt column", row(f"{GOOD},9", f"{ID},scores", f"{GOOD},9"), ["'scores'", "'score'"]),
    ("half a point", "image,x\na.jpg,9\n", ["columns x in line 1", "all of x, y"]),
    ("no place", "image,sample_id\na.jpg,0\n", ["neither x, y nor box_x0", "either x, y or"]),
    ("half a box", "image,box_x0,box_y0,box_x1\na.jpg,1,2,3\n", ["box_x1 in line 1", "all of box_x0"]),
    ("half a head box", "image,head_x0,x,y\na.jpg,1,2,3\n", ["columns head_x0 in line 1"]),
    (
        "a point and a box",
        f"{ID},box_x0,box_y0,box_x1,box_y1\n{GOOD},1,2,3,4\n",
        ["both x, y and box_x0, box_y0, box_x1, box_y1 in line 1"],
    ),
    ("short row", row("a.jpg,0,50"), ["line 3, number of columns: found 3", "expected 4"]),
    ("not a number", row("a.jpg,0,left,6"), ["line 3, x: found 'left'", NUMBER]),
    ("no number", row("a.jpg,0,,6"), ["line 3, x: found ''", NUMBER]),
    ("NaN", row("a.jpg,0,5,nan"), ["line 3, y: found 'nan'", NUMBER]),
    ("infinity", row("a.jpg,0,inf,6"), ["line 3, x: found 'inf'", NUMBER]),
    ("text for a score", scored("high"), ["line 3, score: found 'high'", "at least 0"]),
    ("no score", scored(""), ["line 3, score: found ''"]),
    ("infinite score", scored("inf"), ["line 3, score: found 'inf'"]),
    ("negative score", scored("-0.5"), ["line 3, score: found -0.5", "a number of at least 0"]),
    ("unknown image", row("zebra,0,5,6"), ["line 3, image: found 'zebra'; expected an image of"]),
    ("near image", row("a.jpeg,0,5,6"), ["line 3, image: found 'a.jpeg' (is 'a.jpg' meant?)"]),
    ("image without its folder", row("c.jpg,3,5,6"), ["found 'c.jpg' (is 'sub/c.jpg' meant?)"]),
    ("unknown person", row("a.jpg,9,5,6"), ["line 3, sample_id: found 9", "of the manifest, 0 to 4"]),
    ("half a person", row("a.jpg,0.5,5,6"), ["line 3, sample_id: found 0.5"]),
    ("nobody", row("a.jpg,,5,6"), ["line 3, sample_id: found ''; expected a whole number"]),
    ("another's image", row("b.jpg,0,5,6"), ["line 3, image: found 'b.jpg'", "that the sample_id has"]),
    (
        "another's head box",
        f"{HEAD},sample_id\na.jpg,10,10,30,30,5,6,0\nb.jpg,100,10,120,30,5,6,1\n",
        ["line 3, head box: found (100, 10, 120, 30)", "the head box of that person"],
    ),
    ("nobody's head box", head("60,10,80,30"), ["line 3, head box: found (60, 10, 80, 30)", "IoU"]),
    ("ambiguous head box", head("10.5,10,30.5,30", "sub/c.jpg"), ["line 3", "one person better"]),
    ("empty head box", head("30,10,10,30"), ["line 3, head box: found (30, 10, 10, 30)", "x0 < x1"]),
    ("text in a head box", head("10,top,30,30"), ["line 3, head_y0: found 'top'", NUMBER]),
    (
        "no person named",
        "image,x,y\na.jpg,5,6\nb.jpg,5,6\n",
        ["line 3, image: found 'b.jpg'", "a column sample_id or a head box"],
    ),
    ("far outside", row("a.jpg,0,201.5,6"), ["line 3, x, y and image size: found (201.5, 6, 200, 100)"]),
    ("far above", row("a.jpg,0,5,-1.5"), ["line 3", "found (5, -1.5, 200, 100)", "at most 1 pixel"]),
    ("shares for pixels", row("a.jpg,0,0.5,0.6", first=None), ["every x, y in 0..1", "units: normalised"]),
    ("empty box", region("50,60,50,70"), ["line 3", "found (50, 60, 50, 70)", "x0 < x1 and y0 < y1"]),
    ("exchanged corners", region("90,60,50,70"), ["line 3", "found (90, 60, 50, 70)"]),
    ("box outside", region("-9,60,50,70"), ["line 3", "found (-9, 60, 50, 70, 200, 100)"]),
    ("box of no width inside", region("-0.9,60,0,70"), ["line 3", "inside the image"]),
    ("a box of shares", row("a.jpg,0,0.1,0.2,0.3,0.4", REGION, None), ["every box_x0", "in 0..1"]),
    ("scores of 0 alone", f"{ID},score\n{GOOD},0\n", ["a map for none of the 5 people"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_bad_tables_are_named(tmp_path, text, said):
    with pytest.raises(InputError) as caught:
        prior(tmp_path, text)
    message = str(caught.value)
    assert all(part in message for part in ["points.csv", *said]), message
    assert not (tmp_path / "prior.h5").exists()


def test_pixels_for_shares(tmp_path):
    with pytest.raises(
        InputError, match=r"line 2, x, y and image size.*setting units may say pixels"
    ):
        prior(tmp_path, f"{ID}\n{GOOD}\n", units="normalised")


def test_all_problems_come_at_once(tmp_path):
    rows = ["a.jpg,0,left,6,1", "b.jpeg,1,5,6,-1", "a.jpg,0,900,6,1", "b.jpg,7,5,6,1"]
    with pytest.raises(InputError, match=r"points\.csv: 5 errors") as caught:
        prior(tmp_path, "\n".join([f"{ID},score", *rows]))
    for part in (
        "line 2, x",
        "line 3, image",
        "line 3, score",
        "line 4, x, y",
        "line 5, sample_id",
    ):
        assert part in str(caught.value)


def test_many_bad_rows_are_counted(tmp_path):
    with pytest.raises(
        InputError, match=r"7 errors\n.*\n.*\n.*line 4.*\n  \.\.\. and 4 more like it"
    ):
        prior(tmp_path, "\n".join([ID, *["z.jpg,0,5,6"] * 7]))


def test_absent_files_are_named(tmp_path):
    manifest = write_manifest(tmp_path)
    with pytest.raises(InputError, match=r"none\.csv: found no such file"):
        points_prior(manifest, tmp_path / "none.csv", tmp_path / "prior.h5", ShapeSettings())
    with pytest.raises(InputError, match=r"none\.parquet: no such file"):
        points_prior(
            tmp_path / "none.parquet", tmp_path / "none.csv", tmp_path / "prior.h5", ShapeSettings()
        )
