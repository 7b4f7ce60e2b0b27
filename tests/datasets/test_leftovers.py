"""Files as spreadsheets, Windows and macOS leave them."""

import os
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from small_data import HEADER, gazefollow_row, track_row, write

from gcdr.base.csvtext import write_csv
from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.data.manifest import BODY, BOX
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.check import summary
from gcdr.datasets.layout import (
    annotation_files,
    describe_left_out,
    left_out,
    picture_names,
    recognise,
)
from gcdr.datasets.read import read_dataset
from gcdr.datasets.text import read_headed

GOOD = "a.jpg,4,5,24,25"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
DOUBLE = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + bytes(40)
BODIED = f"{HEADER},{','.join(BODY)}"
MORE = f"{HEADER},note,score"


def read(root: Path) -> Dataset:
    """A data set without errors."""
    dataset = read_dataset(recognise(root))
    dataset.problems.stop("data")
    return dataset


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, {"a.jpg": "picture"})
    return tmp_path


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER},,,\n{GOOD},,,\n",
        f"{HEADER},,,\n{GOOD},,,\n,,,,,,,\n , ,,,,,,\n",
        f"{HEADER}\n{GOOD},,,\n",
        f'{HEADER}\n"a.jpg",4,5,24,25,,\n',
        f"{HEADER}\n{GOOD}\n,,,,\n,,,,,,,,\n",
        f"{MORE},note\n{GOOD},x,1,y\n",
        f"{HEADER},note,note,,\n{GOOD},x,y,,\n",
        f"sep=,\n{HEADER}\n{GOOD}\n",
        f"sep=,\r\n{HEADER}\r\n{GOOD}\r\n",
        f'"sep=,"\n{HEADER}\n{GOOD}\n',
        f"SEP=,,,,,\n{HEADER}\n{GOOD}\n",
        f"\ufeff{HEADER}\r\n{GOOD}\r\n",
        f"\ufeffsep=,\r\n{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\r{GOOD}\r",
        f'{HEADER}\n"a.jpg","4","5","24","25"\n',
        f'"image","head_x0","head_y0","head_x1","head_y1"\n{GOOD}\n',
        f'{HEADER}\n "a.jpg" , "4",5 ,24,25\n',
        f'{MORE}\n{GOOD},"a ""word"", and more",1\n',
        f"{HEADER}\n\n{GOOD}\n\n\n",
        f"{HEADER},,\n{GOOD}\n",
        f"{HEADER},,\n{GOOD},\n",
        f"{HEADER},,\n{GOOD},,,,\n",
        f'{HEADER},,\n"a.jpg",4,5,24,25\n',
        f'{HEADER},,\n"a.jpg",4,5,24,25,"","",""\n',
        f"{HEADER},note,,\n{GOOD},x\n",
        f"{HEADER}\r\n{GOOD}\r\n\x1a",
        f"{HEADER}\n{GOOD}\n\x1a\n",
        f"{HEADER}\r{GOOD}\r\x1a",
    ],
)
def test_what_a_spreadsheet_adds_is_no_error(root: Path, content: str) -> None:
    write(root, {"heads.csv": content})
    people = read(root).manifest
    assert people["image"].tolist() == ["a.jpg"] and people[BOX].to_numpy().tolist() == [
        [4, 5, 24, 25]
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{HEADER},image,\n{GOOD},a.jpg,\n", "column 'image' twice"),
        (f"{HEADER}\n{GOOD},x\n", "found 6; expected 5"),
        (f"{HEADER}\n{GOOD},,x\n", "found 7; expected 5"),
        (f"{HEADER},note,,\n{GOOD}\n", "found 5; expected 8"),
        (f"{HEADER},,\n{GOOD},,,x\n", "found 8; expected 7"),
        (f"{HEADER},,\na.jpg,4,5,24\n", "found 4; expected 7"),
        (f"{HEADER}\n{GOOD}\n\x1a\n{GOOD}\n", "found 1; expected 5"),
        (b"PK\x03\x04" + bytes(30), "a spreadsheet file .XLSX.*save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(30), "a spreadsheet file .old XLS.*save the sheet as CSV"),
        (f"{HEADER}\na.jpg,0.1,0.1,0.4,0.5\n", "like fractions of the image.*expected pixels"),
        (f"{BODIED}\n{GOOD},0.1,0,1,0.5\n", "body box .*like fractions of the image.*pixels"),
        ("sep=;\n", "delete it"),
        (f"sep=,\n{GOOD}\n", "in line 2; expected the header"),
        ("sep=,\n", "expected the header"),
    ],
)
def test_what_is_more_than_that_is_one(root: Path, content: str | bytes, said: str) -> None:
    write(root, {"heads.csv": content})
    with pytest.raises(InputError, match=said):
        read(root)


def test_one_box_below_a_pixel_is_told_and_kept(root: Path) -> None:
    write(root, {"heads.csv": f"{HEADER}\n{GOOD}\na.jpg,0.1,0.1,0.4,0.5\n"})
    dataset = read(root)
    (told,) = dataset.problems.warnings
    assert told.kind == "head box smaller than a pixel, kept" and len(dataset.manifest) == 2


def test_what_a_system_leaves_does_not_count(root: Path) -> None:
    clutter = [
        "._heads.csv",
        "~$heads.csv",
        "__MACOSX/._heads.csv",
        "Thumbs.db",
        ".DS_Store",
        "desktop.ini",
    ]
    pictures = ["._a.jpg", "__MACOSX/._a.jpg", "__MACOSX/a.jpg", ".hidden/a.jpg"]
    write(root, dict.fromkeys([*clutter, *pictures], DOUBLE) | {"heads.csv": f"{HEADER}\n{GOOD}\n"})
    assert picture_names(root) == ["a.jpg"] and not left_out(root)
    assert recognise(root)["table"] == root / "heads.csv"
    assert len(read(root).manifest) == 1


def test_hidden_tracks_are_no_tracks(tmp_path: Path) -> None:
    track = "annotations/test/A Show/1_2"
    write(tmp_path, {f"{track}/s00.txt": track_row(), f"{track}/._s00.txt": DOUBLE})
    write(tmp_path, {"annotations/test/.Trash/1_2/s00.txt": "x"})
    (found,) = annotation_files({"kind": "videoattentiontarget", "root": tmp_path})
    assert found == tmp_path / track / "s00.txt"


def test_pictures_that_are_not_read_are_told(root: Path) -> None:
    write(root, {"IMG_1.HEIC": HEIC, "sub/IMG_2.heif": HEIC, "raw.CR2": b"x", "b\n.jpg": "picture"})
    said = describe_left_out(left_out(root))
    assert "2 pictures left out (HEIC, which is not read): 'IMG_1.HEIC', …" in said
    assert "1 picture left out (camera raw" in said and "control character" in said
    assert "convert to JPEG" in said and "\n" not in said
    write(root, {"heads.csv": f"{HEADER}\n{GOOD}\n"})
    dataset = read(root)
    assert said in summary(dataset, 0) and not dataset.problems.errors
    (root / "heads.csv").unlink()
    with pytest.raises(InputError, match=r"gcdr heads .*2 pictures left out \(HEIC"):
        read(root)
    (root / "a.jpg").unlink()
    with pytest.raises(
        InputError, match=r"no image that can be read; .*2 pictures left out \(HEIC"
    ):
        read(root)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEIC, "a HEIC picture, which is not read; convert it to JPEG"),
        (HEIC.replace(b"ftypheic", b"ftypisom"), "a film"),
        (DOUBLE, "AppleDouble"),
        (b"\n <!DOCTYPE HTML><html>", "an HTML page"),
        (b"%PDF-1.7", "a PDF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"PK\x03\x04" + bytes(30), "a ZIP archive"),
    ],
)
def test_what_is_named_like_a_picture_is_told(root: Path, content: bytes, said: str) -> None:
    write(root, {"b.jpg": content, "heads.csv": f"{HEADER}\nb.jpg,4,5,24,25\n"})
    with pytest.raises(InputError, match=said):
        read(root)


@pytest.mark.parametrize(
    ("there", "named", "said"),
    [
        ("IMG_1.JPG", "IMG_1.jpg", "there is 'IMG_1.JPG'"),
        ("Sub/x.jpg", "sub/X.jpg", "there is 'Sub/x.jpg'"),
        ("sub/x.jpg", r"sub\x.jpg", r"there is 'sub/x.jpg'; backslashes, expected /"),
        ("sub/x.jpg", r"SUB\x.JPG", r"there is 'sub/x.jpg'; backslashes, expected /"),
        (
            unicodedata.normalize("NFC", "Köln.jpg"),
            unicodedata.normalize("NFD", "Köln.jpg"),
            "NFC, NFD",
        ),
        (
            unicodedata.normalize("NFD", "Köln.jpg"),
            unicodedata.normalize("NFC", "Köln.jpg"),
            "NFC, NFD",
        ),
        ("x.jpeg", "x.jpg", "there is 'x.jpeg'"),
        ("x.jpg", "x", "there is 'x.jpg'"),
        (" x.jpg", "x.jpg", "there is ' x.jpg'"),
    ],
)
def test_a_near_name_is_told(root: Path, there: str, named: str, said: str) -> None:
    write(root, {there: "picture", "heads.csv": f"{HEADER}\n{named},4,5,24,25\n"})
    with pytest.raises(InputError, match="1 error") as caught:
        read(root)
    assert said in str(caught.value).replace("\\\\", "\\")
    (root / "heads.csv").unlink()
    write(root, {"train_annotations_release.txt": gazefollow_row(named)})
    with pytest.raises(InputError, match="there is"):
        read(root)


TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Co"]), min_size=1, max_size=12
)


@pytest.mark.slow
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@example(
    [("=cmd|' /C calc'!A0", "-1+2"), ("+1", "@SUM(A1)"), ("'=x", "''-y"), (" a.jpg", 'say "x" ')]
)
@example([("a,b.jpg", ' "'), ("'", "-"), ("-5", "'-5"), ("\u3000x", "x\xa0")])
def test_every_text_is_read_as_it_was_written(tmp_path: Path, texts: list[tuple[str, str]]) -> None:
    table = pd.DataFrame(texts, columns=["image", "label"])
    table[BOX] = 1.5
    write_csv(table[["image", *BOX, "label"]], tmp_path / "t.csv")
    problems = Problems()
    found = read_headed(tmp_path / "t.csv", ["image", *BOX], ["label"], problems)
    problems.stop("table")
    assert list(zip(found.text("image"), found.text("label"), strict=True)) == texts
    for line in (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1:]:
        assert line.lstrip('"')[:1] not in ("=", "@"), line


def test_a_text_of_two_lines_is_not_written(tmp_path: Path) -> None:
    table = pd.DataFrame({"image": ["a\nb.jpg"]})
    with pytest.raises(InputError, match=r"image: found .*a text with a control character"):
        write_csv(table, tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_numbers_are_written_as_ever(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [-1.5, None], "n": [1, -2], "t": ["-3.5", "a"], "b": [True, False]})
    write_csv(table, tmp_path / "t.csv")
    table.to_csv(tmp_path / "p.csv", index=False)
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()


def test_gazefollow_of_2015_is_told(root: Path) -> None:
    write(root, {"train_annotations.txt": "a.jpg,1,0.4,0.1,0.3,0.8,0.5,0.2,0.3,0.6,sun,a.jpg\n"})
    for source in (lambda: recognise(root), lambda: {"kind": "gazefollow", "root": root}):
        with pytest.raises(
            InputError, match="GazeFollow of 2015, without head boxes; expected the extended"
        ):
            read_dataset(source())


def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "heads.csv")
    problems = Problems()
    assert len(read_headed(tmp_path / "heads.csv", ["image"], [], problems)) == 0
    with pytest.raises(InputError, match=r"heads\.csv: .*a pipe or a device"):
        problems.stop("data")


@pytest.mark.slow
def test_a_header_as_wide_as_a_sheet_can_be_is_read(root: Path) -> None:
    names = ",".join(f"note{number}" for number in range(16_000))
    write(root, {"heads.csv": f"{HEADER},{names}\n{GOOD}{',' * 16_000}\n"})
    assert len(read(root).manifest) == 1


@pytest.mark.parametrize("name", ["@eaDir/a.jpg", "#recycle/a.jpg", "b.mpg", "b.h5", "b.ps"])
def test_what_disks_leave_and_what_is_no_picture_is_not_listed(root: Path, name: str) -> None:
    write(root, {name: "picture" if name.endswith("jpg") else b"1234"})
    assert picture_names(root) == ["a.jpg"]
