"""Corrections from a gallery's page, laid into a table of own images."""

from pathlib import Path

import pytest

from gcdr.base.csvtext import fields, raw_fields
from gcdr.base.problems import Problems
from gcdr.cli.commands import main
from gcdr.data.manifest import LABEL_SOURCE, heads_digest, order_people
from gcdr.datasets.corrections import CORRECTION_COLUMNS
from gcdr.datasets.folder import folder_rows

HEADS = "image,head_x0,head_y0,head_x1,head_y1"
TABLE = (
    f"{HEADS},score,split\r\n"
    'b.jpg,1,2,9,10,0.90, train\r\n'
    '"a, ""b"".jpg",1.0,2,9,10,.8,train\r\n'
    ",,,,,,\r\n"
    "b.jpg,0,2,9,10,0.70,\r\n"
)  # fmt: skip


def digest_of(table: Path) -> str:
    rows, _ = folder_rows(table, "test", Problems())
    rows = rows[~rows["person"].duplicated()]
    return heads_digest(order_people(rows.assign(width=0, height=0))[0])


def corrections(table: Path, *rows: str, name: str = "said.csv") -> Path:
    """A file as the page writes it; a row begins with the sample_id."""
    digest, path = digest_of(table), table.with_name(name)
    lines = [
        ",".join(CORRECTION_COLUMNS),
        *(f"{digest},{row},2026-01-02T03:04:05Z" for row in rows),
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


A = '0,"a, ""b"".jpg",1.0,2.0,9.0,10.0'
B0, B1 = "1,b.jpg,0.0,2.0,9.0,10.0", "2,b.jpg,1.0,2.0,9.0,10.0"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "heads.csv"
    path.write_bytes(TABLE.encode())
    return path


def merged(table: Path, *said: Path, name: str = "new.csv", more: tuple[str, ...] = ()) -> str:
    out = table.with_name(name)
    assert main(["correct", str(table), *map(str, said), "--out", str(out), *more]) == 0
    return out.read_bytes().decode()


def refused(capsys: pytest.CaptureFixture[str], table: Path, *said: Path) -> str:
    """The one line that is said; nothing is written."""
    out = table.with_name("none.csv")
    assert main(["correct", str(table), *map(str, said), "--out", str(out)]) == 2
    assert not out.exists()
    told = capsys.readouterr().err
    assert told.count("\n") == 1, told
    return told


def test_corrected_rows_change_and_all_else_stays(table, capsys):
    said = corrections(table, f"{B1},point,0.25,1.0,true", f"{A},out of frame,,,false")
    text = merged(table, said)
    assert text == (
        f"{HEADS},score,split,gaze_x,gaze_y,in_frame,label_source\r\n"
        "b.jpg,1,2,9,10,0.90, train,0.25,1.0,true,corrected\r\n"
        '"a, ""b"".jpg",1.0,2,9,10,.8,train,,,false,corrected\r\n'
        ",,,,,,\r\n"
        "b.jpg,0,2,9,10,0.70,,,,,\r\n"
    )
    told = capsys.readouterr().out
    assert "3 rows, of 2 people it was said: 1 point, 1 out of frame" in told
    assert "corrected people by split: 2 train" in told and "none of them" not in told


def test_twice_is_once(table):
    said = corrections(table, f"{B1},point,0.25,0.5,true", f"{B0},cannot tell,,,")
    first = merged(table, said)
    assert merged(table.with_name("new.csv"), said, said, name="again.csv") == first
    later = corrections(table, f"{B1},point,0.75,0.5,true", name="later.csv")
    assert "0.75,0.5,true,corrected" in merged(table.with_name("new.csv"), later, name="third.csv")


def test_cannot_tell_keeps_given_labels_and_drops_predicted_ones(tmp_path):
    table = tmp_path / "labels.csv"
    rows = [
        "b.jpg,0,2,9,10,.5,.5,true,ball,given,",
        "b.jpg,1,2,9,10,.5,.5,true,ball,predicted,",
        "c.jpg,1,2,9,10,.5,.5,,ball,,map",
    ]
    head = f"{HEADS},gaze_x,gaze_y,in_frame,label,{LABEL_SOURCE},source"
    table.write_text("\n".join([head, *rows]))
    people = ["0,b.jpg,0.0", "1,b.jpg,1.0", "2,c.jpg,1.0"]
    said = corrections(table, *(f"{one},2.0,9.0,10.0,cannot tell,,," for one in people))
    empty = ["b.jpg,1,2,9,10,,,,,,,ignore", "c.jpg,1,2,9,10,,,,,,map,ignore"]
    assert merged(table, said) == "\n".join([f"{head},split", f"{rows[0]},", *empty])
    said = corrections(table, "1,b.jpg,1.0,2.0,9.0,10.0,out of frame,,,false")
    assert "\nb.jpg,1,2,9,10,,,false,,corrected,\n" in merged(table, said, name="out.csv")


def test_of_whom_nobody_can_tell_is_ignored_until_somebody_can(table, capsys):
    first = merged(table, corrections(table, f"{A},cannot tell,,,", f"{B0},cannot tell,,,"))
    assert "1.0,2,9,10,.8,ignore\r\n" in first and "b.jpg,0,2,9,10,0.70,ignore\r\n" in first
    told = capsys.readouterr().out
    assert "2 of whom nobody can tell got the split ignore" in told and "by split" not in told
    new = table.with_name("new.csv")
    later = corrections(new, f"{B0},point,0.5,0.5,true", name="later.csv")
    assert "0.70,train,0.5,0.5,true,corrected\r\n" in merged(new, later, name="third.csv")
    assert "corrected people by split: 1 train" in capsys.readouterr().out


def test_rows_without_a_split_can_be_given_one(table, capsys):
    said = corrections(table, f"{B0},point,0,0,true")
    assert "--split train" in (merged(table, said) and capsys.readouterr().out)
    text = merged(table, said, name="train.csv", more=("--split", "train"))
    assert "b.jpg,0,2,9,10,0.70,train,0.0,0.0,true,corrected\r\n" in text
    assert "corrected people by split: 1 train" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([f"{B1},point,1.2,0.5,true"], ["said.csv, line 2, gaze_x, gaze_y", "(1.2, 0.5)", "0..1"]),
        ([f"{B1},point,,,true"], ["said.csv, line 2, said", "cannot tell"]),
        ([f"{B1},cannot tell,0.1,0.2,"], ["'cannot tell, (0.1, 0.2), nothing'"]),
        ([f"{B1},perhaps,,,"], ["found 'perhaps'", "one of point, out of frame"]),
        ([f"{B1},point,left,0.5,true"], ["found 'left'", "0..1"]),
        ([f"{B1},point,0.1,0.5,true", f"{B1},point,0.2,0.5,true"],
         ["said.csv, line 3: found the point 0.2, 0.5", "said.csv, line 2 says the point 0.1, 0.5"]),
        (["9,z.jpg,1.0,2.0,9.0,10.0,cannot tell,,,"], ["line 2: found 'z.jpg'", "has no person"]),
        (["1,b.jpg,1.0,2.0,9.0,10.0,cannot tell,,,"], ["sample_id 1", "has another person"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(table, capsys, rows, told):
    line = refused(capsys, table, corrections(table, *rows))
    assert all(part in line for part in told), line


def test_files_of_others_and_spoilt_ones(table, capsys):
    said = corrections(table, f"{B1},cannot tell,,,")
    text = said.read_text()
    said.write_text(text.replace(digest_of(table), "0" * 64))
    assert "line 2, people: found '000000000000'" in refused(capsys, table, said)
    said.write_text(text.replace(",said,", ",meant,"))
    assert "no column 'said' in line 1" in refused(capsys, table, said)
    said.write_text(text.replace(",", ";"))
    assert "a semicolon between columns" in refused(capsys, table, said)
    said.write_text("")
    assert "an empty file" in refused(capsys, table, said)
    assert "no such file" in refused(capsys, table, table.with_name("nowhere.csv"))
    said.write_text(text)
    broken = table.with_name("broken.csv")
    broken.write_text(TABLE.replace("9,10,.8", "9,ten,.8"))
    assert "broken.csv, line 3, head_y1: found 'ten'" in refused(capsys, broken, said)


def test_people_who_came_or_went(table, capsys):
    said = corrections(table, f"{B1},point,0.25,0.5,true")
    table.write_bytes(TABLE.replace("b.jpg,0,2,9,10,0.70,\r\n", "").encode())
    assert "--changed" in refused(capsys, table, said)
    assert "0.25,0.5,true" in merged(table, said, more=("--changed",))


def test_a_person_of_several_annotators_is_left_to_people(tmp_path, capsys):
    table = tmp_path / "two.csv"
    table.write_text(f"{HEADS},annotator\nb.jpg,1,2,9,10,x\nb.jpg,1,2,9,10,y\n")
    said = corrections(table, "0,b.jpg,1.0,2.0,9.0,10.0,cannot tell,,,")
    assert "a person of 2 annotators" in refused(capsys, table, said)


def test_people_with_the_same_box_are_told_apart(tmp_path):
    table = tmp_path / "same.csv"
    table.write_text(f"\ufeff{HEADS},person\nb.jpg,1,2,9,10,x\nb.jpg,1,2,9,10,y\n")
    said = corrections(table, "1,b.jpg,1.0,2.0,9.0,10.0,point,0.5,0.5,true")
    assert merged(table, said).splitlines()[1:] == [
        "b.jpg,1,2,9,10,x,,,,",
        "b.jpg,1,2,9,10,y,0.5,0.5,true,corrected",
    ]


def test_nothing_is_overwritten(table, capsys):
    said = corrections(table, f"{B1},cannot tell,,,")
    assert main(["correct", str(table), str(said), "--out", str(table)]) == 2
    assert "is there already" in capsys.readouterr().err and table.read_bytes() == TABLE.encode()


@pytest.mark.parametrize("line", ["", "a,b", ' "a,""b" , c,', "'=1,\"x", "a,,"])
def test_cells_as_they_stand_make_the_line(line):
    cells = raw_fields(line)
    assert ",".join(cells) == line and len(cells) == len(fields(line))
