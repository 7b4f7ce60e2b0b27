"""Malformed data sets: every one is refused, with file, place, what was found and what is expected."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_data import HEADER, LABELLED, SIZE, entry, gazefollow_row, track_row, write

from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.datasets.check import allow_unreadable, summary
from gcdr.datasets.layout import recognise
from gcdr.datasets.read import read_dataset

GOOD = "a.jpg,4,5,24,25"
NUMBER = "expected a number of pixels"
INSIDE = "relative to it and without '..'"


def own(row: str, header: str = HEADER) -> str:
    """A CSV with a good row in line 2 and another one in line 3."""
    filled = GOOD + "," * (header.count(",") - 4)
    return f"{header}\n{filled}\n{row}\n"


def more(gaze: str = ",", in_frame: str = "", split: str = "", annotator: str = "") -> str:
    return own(f"b.jpg,4,5,24,25,{gaze},{in_frame},,{split},{annotator}", LABELLED)


OWN: list[tuple[str, str | bytes, list[str]]] = [
    ("empty file", "", ["an empty file", "at least one row"]),
    ("blank file", " \n\n ", ["an empty file"]),
    ("header only", HEADER + "\n", ["no row below the header"]),
    ("no header", GOOD + "\n", ["'a.jpg,4,5,24,25' in line 1", f"the header {HEADER}"]),
    ("column missing", "image,head_x0,head_y0,head_x1\na.jpg,1,2,3\n", ["no column 'head_y1'"]),
    ("two columns missing", "image,head_x0,head_y0\na,1,2\n", ["'head_x1'", "'head_y1'"]),
    ("misspelt column", "image,headx0,head_y0,head_x1,head_y1\n" + GOOD, ["is 'headx0' meant?"]),
    ("misspelt label column", own("b.jpg,4,5,24,25,1", HEADER + ",gazex"), ["'gazex'", "'gaze_x'"]),
    ("column twice", f"{HEADER},image\n{GOOD},a.jpg\n", ["column 'image' twice in line 1"]),
    ("semicolons", own(GOOD).replace(",", ";"), ["a semicolon between columns", "a comma"]),
    ("tabs", own(GOOD).replace(",", "\t"), ["a tab between columns", "a comma"]),
    ("bars", own(GOOD).replace(",", "|"), ["a bar between columns", "a comma"]),
    ("decimal commas", own('b.jpg,"4,5",5,24,25'), ["line 3, head_x0: found '4,5 (a decimal comma", NUMBER]),
    ("a date for a number", own("b.jpg,4.5.2026,5,24,25"), ["found '4.5.2026 (a date", NUMBER]),
    ("a month for a number", own("b.jpg,04. Mai,5,24,25"), ["found '04. Mai (a date", NUMBER]),
    ("thousands apart", own('b.jpg,"1,234.5",5,24,25'), ["thousands are set apart", NUMBER]),
    ("a spreadsheet's error", own("b.jpg,#REF!,5,24,25"), ["an error of a spreadsheet", NUMBER]),
    ("line of semicolons", "sep=;\n" + own(GOOD).replace(",", ";"), ["'sep=;' in line 1", "delete it"]),
    ("line of tabs", "SEP=\t\n" + own(GOOD).replace(",", "\t"), ["in line 1", "delete it"]),
    ("other case", own("B.JPG,4,5,24,25"), ["found \"B.JPG (there is 'b.jpg')\"", "expected a file in"]),
    ("other ending", own("b.png,4,5,24,25"), ["there is 'b.jpg'"]),
    ("backslashes", own(r"sub\c.jpg,4,5,24,25"), ["backslashes, expected /"]),
    ("a control character", own("b\x1b.jpg,4,5,24,25"), ["line 3, image", "without control characters"]),
    ("short row", own("b.jpg,4,5,24"), ["line 3, number of columns: found 4", "expected 5"]),
    ("long row", own("b.jpg,4,5,24,25,9"), ["line 3, number of columns: found 6", "expected 5"]),
    ("name with a bare comma", own("b,c.jpg,4,5,24,25"), ["line 3", "found 6", "expected 5"]),
    ("unclosed quote", own('"b.jpg,4,5,24,25'), ["line 3", "even number of double quotes"]),
    ("text in a number", own("b.jpg,4,five,24,25"), ["line 3, head_y0: found 'five'", NUMBER]),
    ("no number", own("b.jpg,4,,24,25"), ["line 3, head_y0: found ''", NUMBER]),
    ("unit in a number", own("b.jpg,4px,5,24,25"), ["line 3, head_x0: found '4px'", NUMBER]),
    ("NaN", own("b.jpg,nan,5,24,25"), ["line 3, head_x0: found 'nan'", NUMBER]),
    ("infinity", own("b.jpg,4,5,inf,25"), ["line 3, head_x1: found 'inf'", NUMBER]),
    ("overflow", own("b.jpg,4,5,1e999,25"), ["line 3, head_x1: found '1e999'", NUMBER]),
    ("hexadecimal", own("b.jpg,4,5,0x20,25"), ["line 3, head_x1: found '0x20'", NUMBER]),
    ("exchanged sides", own("b.jpg,24,5,4,25"), ["line 3, head box: found (24, 5, 4, 25)", "x0 < x1"]),
    ("upside down", own("b.jpg,4,25,24,5"), ["line 3, head box: found (4, 25, 24, 5)", "y0 < y1"]),
    ("box without width", own("b.jpg,4,5,4,25"), ["line 3, head box: found (4, 5, 4, 25)"]),
    ("width for a corner", own("b.jpg,30,5,20,25"), ["line 3, head box: found (30, 5, 20, 25)"]),
    ("box left of the image", own("b.jpg,-30,5,-4,25"), ["line 3", "(-30, 5, -4, 25, 64, 48)", "overlaps"]),
    ("box below the image", own("b.jpg,4,50,24,60"), ["line 3", "(4, 50, 24, 60, 64, 48)", "overlaps"]),
    ("box far beyond", own("b.jpg,1,1,10000,25"), ["line 3", "(1, 1, 10000, 25, 64, 48)", "by its size"]),
    ("box far before", own("b.jpg,4,-1e30,24,25"), ["line 3", "head box and image size", "by its size"]),
    ("PostScript for an image", own("page.jpg,1,1,5,5"), ["line 3", "page.jpg (not an image"]),
    ("a pipe for an image", own("pipe.jpg,4,5,24,25"), ["line 3", "pipe.jpg", "a pipe"]),
    ("same person twice", own(GOOD), ["line 3, image, head box: found 'a.jpg'", "a column annotator"]),
    ("missing image", own("c.jpg,4,5,24,25"), ["line 3, image: found 'c.jpg'", "expected a file in"]),
    ("no name", own(",4,5,24,25"), ["line 3, image: found ''", INSIDE]),
    ("upward path", own("../x.jpg,4,5,24,25"), ["line 3, image: found '../x.jpg'", INSIDE]),
    ("upward inside", own("sub/../../x.jpg,4,5,24,25"), ["line 3, image: found 'sub/../../x.jpg'", INSIDE]),
    ("upward, backslashes", own(r"..\x.jpg,4,5,24,25"), ["line 3, image", INSIDE]),
    ("absolute path", own("/etc/passwd,4,5,24,25"), ["line 3, image: found '/etc/passwd'", INSIDE]),
    ("drive letter", own(r"C:\x.jpg,4,5,24,25"), ["line 3, image", INSIDE]),
    ("0-byte image", own("zero.jpg,4,5,24,25"), ["line 3, image: found 'zero.jpg (an empty file)'"]),
    ("text for an image", own("text.jpg,4,5,24,25"), ["line 3", "text.jpg (not an image"]),
    ("folder for an image", own("sub,4,5,24,25"), ["line 3, image: found 'sub (is a directory)'"]),
    ("link to itself", own("loop.jpg,4,5,24,25"), ["line 3", "loop.jpg", "symbolic links"]),
    ("link to nothing", own("dangling.jpg,4,5,24,25"), ["line 3, image: found 'dangling.jpg'"]),
    ("cut header of an image", own("stub.jpg,4,5,24,25"), ["line 3", "stub.jpg"]),
    ("gaze above 1", more("1.5,0.5"), ["line 3, gaze_x, gaze_y: found (1.5, 0.5)", "both in 0..1"]),
    ("gaze below 0", more("0.5,-0.01"), ["line 3, gaze_x, gaze_y: found (0.5, -0.01)", "in 0..1"]),
    ("gaze in pixels", more("32,24"), ["line 3, gaze_x, gaze_y: found (32, 24)", "in 0..1"]),
    ("half a gaze point", more("0.5,"), ["line 3, gaze_x, gaze_y: found (0.5, nan)", "in 0..1"]),
    ("inside without gaze", more(",", "true"), ["line 3", "found (nan, nan)", "in 0..1"]),
    ("text in gaze", more("left,0.5"), ["line 3, gaze_x: found 'left'", "0..1, or nothing"]),
    ("unknown in_frame", more("0.5,0.5", "maybe"), ["line 3, in_frame: found 'maybe'", "true, false"]),
    ("unknown split", more("0.5,0.5", "", "dev"), ["line 3, split: found 'dev'", "train, val, test"]),
    ("same annotator twice", more(annotator="1") + "b.jpg,4,5,24,25,,,,,,1\n", ["line 4", "annotator"]),
    ("UTF-16", own(GOOD).encode("utf-16"), ["UTF-16 text", "expected UTF-8"]),
    ("UTF-16 without a mark", own(GOOD).encode("utf-16-le"), ["UTF-16 text", "expected UTF-8"]),
    ("Latin-1", own("Küche.jpg,4,5,24,25").encode("latin-1"), ["byte 0xfc in line 3", "UTF-8"]),
    ("zero byte", own("b\0.jpg,4,5,24,25"), ["a zero byte in line 3", "UTF-8 text"]),
]  # fmt: skip

TRAIN, TEST = "train_annotations_release.txt", "test_annotations_release.txt"
TWO = gazefollow_row("b.jpg", eye_x=0.4)


def gazefollow(second: str, name: str = TRAIN) -> dict[str, str | bytes]:
    first = gazefollow_row(inout=1 if name == TRAIN else None)
    return {name: f"{first}\n{second}\n"}


def row_of_test(**changed: Any) -> str:
    return gazefollow_row("b.jpg", inout=None, **changed)


TRACK = "annotations/test/A Show/1_2/s00.txt"


def video(second: str) -> dict[str, str | bytes]:
    frames = {f"images/A Show/1_2/{number}.jpg": "picture" for number in (0, 1)}
    return {TRACK: f"{track_row('0.jpg')}\n{second}\n", **frames}


def gazelle(*entries: Any) -> dict[str, str | bytes]:
    return {"test_preprocessed.json": json.dumps([entry(), *entries])}


BENCHMARKS: list[tuple[str, dict[str, str | bytes], list[str]]] = [
    ("15 columns", gazefollow(TWO.rsplit(",", 2)[0]), [TRAIN, "line 2, number of columns: found 15", "17"]),
    ("18 columns", gazefollow(TWO + ",1"), ["line 2, number of columns: found 18", "expected 17"]),
    ("rows of two layouts", gazefollow(TWO + ",1,2,3,4"), ["line 2", "found 21", "expected 17"]),
    ("training file without inout", {TRAIN: row_of_test()}, ["16 columns, and so no inout", "17 columns"]),
    ("semicolons, no header", {TRAIN: TWO.replace(",", ";")}, ["a semicolon between columns"]),
    ("text in a head box", gazefollow(gazefollow_row(x_min="left")), ["line 2, bbox_x_min: found 'left'"]),
    ("text in gaze, test", gazefollow(row_of_test(gaze_y="?"), TEST), [TEST, "line 2, gaze_y: found '?'"]),
    ("inout 2", gazefollow(gazefollow_row("b.jpg", inout=2)), ["line 2, inout: found 2", "-1 (invalid), 0"]),
    ("inout text", gazefollow(gazefollow_row("b.jpg", inout="in")), ["line 2, inout: found 'in'"]),
    ("gaze far outside", gazefollow(gazefollow_row("b.jpg", gaze_x=1.3)), ["line 2", "(1.3, 0.6)", "0..1"]),
    ("test box outside", gazefollow(row_of_test(x_min=90, x_max=99), TEST), ["line 2", "90", "overlaps"]),
    ("test box without area", gazefollow(row_of_test(x_max=4), TEST), ["line 2, head box", "x0 < x1"]),
    ("text in a body box", gazefollow(gazefollow_row(bodies=(1, 2, "x", 4))), ["line 2"]),
    ("path outside", gazefollow(gazefollow_row("../../b.jpg")), ["line 2, image", INSIDE]),
    ("image missing", gazefollow(gazefollow_row("z.jpg")), ["line 2, image: found 'z.jpg'"]),
    ("file in UTF-16", {TRAIN: TWO.encode("utf-16")}, [TRAIN, "UTF-16 text"]),
    ("a directory for the file", {f"{TRAIN}/x": ""}, [TRAIN, "is a directory", "a text file"]),
    ("6 columns in a track", video("1.jpg,4,5,24,25,3"), [TRACK, "line 2", "found 6", "expected 7"]),
    ("text in a track", video(track_row(box="4,5,24,top")), [TRACK, "line 2, ymax: found 'top'"]),
    ("gaze beyond the frame", video(track_row(gaze="90,24")), [TRACK, "line 2", "(90, 24)", "in pixels"]),
    ("frame missing", video(track_row("2.jpg")), [TRACK, "line 2", "'images/A Show/1_2/2.jpg'"]),
    ("frame outside", video(track_row("../../../../x.jpg")), [TRACK, "line 2", INSIDE]),
    ("empty track", {TRACK: ""}, [TRACK, "an empty file"]),
    ("cut JSON", {"test_preprocessed.json": '[{"path": '}, ["not valid JSON", "a list of images"]),
    ("object for a list", {"test_preprocessed.json": "{}"}, ["a dict at the top", "a list of images"]),
    ("JSON in UTF-16", {"test_preprocessed.json": "[]".encode("utf-16")}, ["not valid JSON"]),
    ("JSON in a directory", {"test_preprocessed.json/x": ""}, ["Is a directory"]),
    ("entry without heads", gazelle({"path": "b.jpg"}), ["entry 2, entry: found ['path']", '"heads"']),
    ("path that is a number", gazelle(entry() | {"path": 5}), ["entry 2, entry", '"path" (text)']),
    ("box of three", gazelle(entry(bbox=[1, 2, 3])), ["entry 2, heads[].bbox: found [1, 2, 3]", "four"]),
    ("box of text", gazelle(entry(bbox="1 2 3 4")), ["entry 2, heads[].bbox: found '1 2 3 4'", "four"]),
    ("NaN in JSON", gazelle(entry(gazex_norm=[float("nan")])), ["heads[].gazex_norm: found [nan]"]),
    ("half a character in a path", gazelle({**entry(), "path": "\ud800.jpg"}),
     ["not valid JSON", "surrogates"]),
    ("unequal annotators", gazelle(entry(gazey_norm=[])), ["entry 2, heads[].gazey_norm", "as many as"]),
    ("inout of text", gazelle(entry(inout="yes")), ["entry 2, heads[].inout: found 'yes'", "0, 1 or null"]),
    ("head id twice", gazelle({"path": "b.jpg", "heads": [entry(head_id=0)["heads"][0]] * 2}),
     ["entry 2, heads[].head_id: found 0", "another for each head"]),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good images, and several that are none."""
    write(tmp_path, {"data/a.jpg": "picture", "data/b.jpg": "picture", "x.jpg": "picture"})
    root = tmp_path / "data"
    write(root, {"zero.jpg": b"", "text.jpg": "no picture", "sub/c.jpg": "picture"})
    (root / "stub.jpg").write_bytes((root / "a.jpg").read_bytes()[:20])
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "dangling.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "pipe.jpg")
    Image.new("RGB", (9, 9)).save(root / "page.eps")
    (root / "page.eps").rename(root / "page.jpg")
    return root


def statements_of(root: Path) -> str:
    """All that is said of a data set."""
    try:
        read_dataset(recognise(root)).problems.stop("data")
    except InputError as error:
        return str(error)
    return ""


def test_there_are_many_cases() -> None:
    assert len(OWN) + len(BENCHMARKS) >= 60


def named(cases: list[Any]) -> Callable[[Any], Any]:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case[0])


@named(OWN)
def test_own_table(folder: Path, case: tuple[str, str | bytes, list[str]]) -> None:
    _, content, expected = case
    write(folder, {"heads.csv": content})
    said = statements_of(folder)
    assert "heads.csv" in said and "; expected" in said
    assert [part for part in expected if part not in said] == [], said


@named(BENCHMARKS)
def test_benchmark_files(folder: Path, case: tuple[str, dict[str, str | bytes], list[str]]) -> None:
    _, files, expected = case
    write(folder, files)
    said = statements_of(folder)
    assert next(iter(files)).split("/x")[0] in said and "; expected" in said
    assert [part for part in expected if part not in said] == [], said


def test_nothing_is_wrong_with_what_the_cases_start_from(folder: Path) -> None:
    for files in (
        {"heads.csv": own("b.jpg,4,5,24,25")},
        {"heads.csv": more("0.5,0.5", "true", "train", "3")},
        gazefollow(TWO) | gazefollow(row_of_test(), TEST),
        video(track_row(gaze="-1,-1")),
        gazelle(entry("b.jpg")),
    ):
        write(folder, files)
        assert statements_of(folder) == ""
        for name in files:
            (folder / name).unlink()


def test_all_problems_of_a_file_are_told_together(folder: Path) -> None:
    rows = [
        "b.jpg,4,five,24,25",
        "b.jpg,4,5",
        "../x.jpg,4,5,24,25",
        "c.jpg,24,5,4,25",
        "zero.jpg,1,1,9,9",
    ]
    write(folder, {"heads.csv": own("\n".join(rows))})
    said = statements_of(folder)
    assert all(f"line {line}" in said for line in range(3, 8)), said
    assert said.startswith("data: 6 errors")


def test_many_bad_rows_are_counted(folder: Path) -> None:
    rows = [f"b.jpg,{number},x,24,25" for number in range(40)]
    write(folder, {"heads.csv": own("\n".join(rows))})
    said = statements_of(folder)
    assert "line 3, head_y0" in said and "line 5, head_y0" in said and "line 6, head_y0" not in said
    assert "and 37 more like it" in said


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda root: None, "no such folder"),
        (lambda root: root.mkdir(), "the folder holds no image"),
        (lambda root: write(root, {"a.jpg": "picture"}), "images without a table of head boxes"),
        (lambda root: write(root, {"a.csv": "", "b.csv": ""}), "several CSV files (a.csv, b.csv)"),
        (lambda root: root.write_text("x"), "a file; expected the folder of a data set"),
        (lambda root: os.symlink(root, root), "no such folder"),
    ],
)
def test_folder_that_is_no_data_set(
    tmp_path: Path, prepare: Callable[[Path], object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    prepare(root)
    assert main(["check", str(root)]) == 2
    printed = capsys.readouterr()
    assert said in printed.err and str(root) in printed.err and printed.out == ""


def test_named_kind_without_its_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, expected in (
        ("gazefollow", TRAIN),
        ("gazelle", "train_preprocessed.json"),
        ("videoattentiontarget", "annotations/{train,test}/SHOW/CLIP/PERSON.txt"),
    ):
        assert main(["check", str(folder), "--kind", kind]) == 2
        assert expected in capsys.readouterr().err


def test_check_gives_shares_that_are_not_below_zero(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [f"a.jpg,{x},5,40,25,0.5,0.5,true,,train," for x in range(9)]
    write(folder, {"heads.csv": "\n".join([LABELLED, *people, "a.jpg,9,5,40,25,,,no,,train,"])})
    assert main(["check", str(folder)]) == 0
    assert (
        "90.0% with a gaze point, 10.0% out of the frame, 0.0% unknown" in capsys.readouterr().out
    )


def test_check_says_what_there_is_and_fails_on_errors(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"heads.csv": own("b.jpg,4,5,24,25")})
    assert main(["check", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "2 in 2 images" in said and "errors      none" in said and "64x48" in said
    write(folder, {"heads.csv": own("c.jpg,4,5,24,25")})
    assert main(["check", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "1 × missing image" in said and "heads.csv, line 3, image: found 'c.jpg'" in said


@pytest.mark.slow
def test_nobody_needs_to_read_on(folder: Path) -> None:
    """As with ``gcdr check FOLDER | head -1``, which ends once it has its line."""
    write(folder, {"heads.csv": own("b.jpg,4,5,24,25")})
    run = subprocess.Popen(
        [sys.executable, "-m", "gcdr", "check", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.stdout is not None and run.stderr is not None
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait() == 128 + signal.SIGPIPE
    run.stderr.close()


def test_few_images_that_cannot_be_read_leave_their_people_out(folder: Path) -> None:
    people = [f"{name},{x},5,40,25" for name in ("a.jpg", "b.jpg") for x in range(9)]
    lost = ["c.jpg,4,5,24,25", "d.jpg,4,5,24,25"]
    write(folder, {"heads.csv": "\n".join([HEADER, *people, *lost]) + "\n", "d.jpg": "no picture"})
    source = {"kind": "folder", "images": folder, "table": folder / "heads.csv"}
    dataset = read_dataset(source)
    assert (dataset.people, dataset.lost) == (20, 2)
    assert allow_unreadable(dataset, 0.09) == []
    with pytest.raises(InputError, match=r"2 errors(.|\n)*found 'c\.jpg'(.|\n)*found 'd\.jpg"):
        dataset.problems.stop("data")
    said = allow_unreadable(dataset, 0.1)
    assert said == [
        "left out: c.jpg: no such file",
        "left out: d.jpg: not an image that can be read",
    ]
    dataset.problems.stop("data")
    assert len(dataset.manifest) == 18 and set(dataset.manifest["image"]) == {"a.jpg", "b.jpg"}
    assert "1 × missing image, its people left out" in summary(dataset, 0)
    write(folder, {"heads.csv": "\n".join([HEADER, *lost]) + "\n"})
    nobody = read_dataset(source)
    assert allow_unreadable(nobody, 1.0) == [] and nobody.problems.errors


def test_image_cut_short_is_found_by_decoding(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"heads.csv": own("b.jpg,4,5,24,25")})
    Image.effect_noise((64, 48), 90).save(folder / "b.jpg")
    whole = (folder / "b.jpg").read_bytes()
    (folder / "b.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    assert main(["check", "--full", str(folder)]) == 1
    said = capsys.readouterr().out
    assert "image that cannot be decoded" in said and "b.jpg" in said


# Whatever a file holds, it is read or refused with a message; nothing else may happen.

FUZZ = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCRAPS = [
    b",",
    b"\n",
    b"\r",
    b'"',
    b"''",
    b"-",
    b"nan",
    b"\xff",
    b"\0",
    b"\xe2\x80\xa8",
    b" ",
    b"1e400",
]


@pytest.mark.slow
@FUZZ
@given(st.data())
def test_scrambled_tables_are_read_or_refused(folder: Path, data: st.DataObject) -> None:
    name, text = data.draw(
        st.sampled_from(
            [("heads.csv", more("0.5,0.5", "true", "train", "3")), (TRAIN, f"{TWO}\n{TWO}"),
             (TRACK, f"{track_row()}\n{track_row()}")]
        )
    )  # fmt: skip
    content = text.encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(start + 20, len(content))))
        content = content[:start] + data.draw(st.sampled_from(SCRAPS)) + content[end:]
    write(folder, {name: content})
    statements_of(folder)
    (folder / name).unlink()


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.slow
@FUZZ
@given(
    st.sampled_from(
        ["path", "heads", "bbox", "inout", "gazex_norm", "gazey_norm", "head_id", "image"]
    ),
    VALUES,
)
def test_any_value_in_json_is_read_or_refused(folder: Path, key: str, value: Any) -> None:
    changed = entry() | {key: value} if key in ("path", "heads") else entry(**{key: value})
    name = "test_preprocessed.json"
    write(folder, {name: json.dumps([entry("b.jpg"), changed])})
    statements_of(folder)
    (folder / name).unlink()


def test_deep_json_is_refused(folder: Path) -> None:
    write(folder, {"test_preprocessed.json": "[" * 100_000})
    assert "not valid JSON" in statements_of(folder)


@pytest.mark.slow
def test_afternoon_pictures_are_told_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A GIF of several pictures is read with a word, a panorama of 800 million pixels is none."""
    frames = [Image.new("RGB", SIZE, (shade, 0, 0)) for shade in (0, 90, 180)]
    frames[0].save(folder / "moves.gif", save_all=True, append_images=frames[1:])
    Image.new("1", (40_000, 20_000)).save(folder / "wide.png")
    Image.new("RGB", SIZE).save(folder / "one.png")
    rows = [f"{name},4,5,24,25" for name in ("moves.gif", "wide.png", "one.png")]
    (folder / "mine.csv").write_text("\n".join([HEADER, *rows]))
    assert main(["check", str(folder), "--table", str(folder / "mine.csv")]) == 1
    said = capsys.readouterr().out
    assert "1 × image of several pictures, of which the first is read" in said
    assert "moves.gif" in said and "one.png" not in said
    assert "wide.png (more than the 178,956,970 pixels that are read" in said
