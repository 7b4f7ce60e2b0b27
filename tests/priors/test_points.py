"""Points and boxes from elsewhere become a prior store."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from priors_data import HEIGHT, WIDTH, prior, write_manifest
from warm import warm_python

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import gaussians
from gcdr.priors import points
from gcdr.priors.kinds.registry import parse_prior
from gcdr.priors.points import coverage, points_prior
from gcdr.priors.points_settings import ShapeSettings

ROOT = Path(__file__).parents[2]
ID = "image,sample_id,x,y"


def cell(heatmap: np.ndarray) -> tuple[int, int]:
    """Row and column of a map's maximum."""
    return tuple(int(place) for place in np.unravel_index(heatmap.argmax(), heatmap.shape))


def test_a_point_becomes_a_map_that_peaks_there(tmp_path, capsys):
    found = prior(tmp_path, f"{ID}\na.jpg,0,151,31\nb.jpg,2,1,99\n", size=32, sigma=2)
    assert found.layers == [1] and found.heatmap.shape == (5, 1, 32, 32)
    assert found.valid.tolist() == [True, False, True, False, False]
    assert cell(found.heatmap[0, 0]) == (9, 24) and cell(found.heatmap[2, 0]) == (31, 0)
    expected = gaussians(torch.tensor([[151 / WIDTH, 31 / HEIGHT]]), 32, 2.0)[0]
    np.testing.assert_allclose(found.heatmap[0, 0], expected, atol=1e-6)
    assert not found.heatmap[~found.valid].any()
    printed = capsys.readouterr().out
    assert "maps of 2 of 5 people" in printed
    assert "3 people without a map: sample_id 1 (b.jpg), sample_id 3 (sub/c.jpg)" in printed


def test_people_without_a_row_say_why(tmp_path):
    found = prior(tmp_path, f"{ID},score\na.jpg,0,150,30,1\nb.jpg,1,20,20,0\n")
    assert found.valid.tolist() == [True, False, False, False, False]
    assert found.columns["problem"][0] == ""
    assert set(found.columns["problem"][1:]) == {"no row of a score above 0 in points.csv"}
    assert found.columns["source"].tolist() == ["points.csv", "", "", "", ""]


def test_several_points_are_weighted_by_score(tmp_path):
    rows = "a.jpg,0,25,50,1\na.jpg,0,175,50,3\na.jpg,0,25,50,1\n"
    found = prior(tmp_path, f"{ID},score\n{rows}", size=16, sigma=1).heatmap[0, 0]
    left, right = found[:, :8].max(), found[:, 8:].max()
    assert right / left == pytest.approx(1.5, rel=1e-3)  # the same point twice counts twice
    other = prior(
        tmp_path, f"{ID},score\n{rows}".replace(",1\n", ",1e9\n").replace(",3\n", ",3e9\n")
    )
    assert np.isfinite(other.heatmap).all() and other.heatmap.max() <= 3


def test_order_of_rows_does_not_count(tmp_path):
    rows = ["a.jpg,0,25,50,1", "b.jpg,2,9,9,2", "a.jpg,0,175,50,3", "b.jpg,1,80,9,0.5"]
    first = prior(tmp_path, "\n".join([f"{ID},score", *rows])).heatmap
    second = prior(tmp_path, "\n".join([f"{ID},score", *reversed(rows)])).heatmap
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_the_label_is_that_of_the_greatest_score(tmp_path):
    rows = 'a.jpg,0,9,9,1,cup\na.jpg,0,99,9,2,\na.jpg,0,50,9,1.5,"ball, red"\nb.jpg,1,9,9,1,\n'
    found = prior(tmp_path, f"{ID},score,label\n{rows}").columns
    assert found["answer"].tolist() == found["noun"].tolist() == ["ball, red", "", "", "", ""]
    assert found["question"].tolist() == [""] * 5 and found["token_index"].tolist() == [-1] * 5


def test_points_may_be_shares_of_the_image(tmp_path):
    pixels = prior(tmp_path, f"{ID}\na.jpg,0,150,30\n")
    shares = prior(tmp_path, f"{ID}\na.jpg,0,0.75,0.3\n", units="normalised")
    np.testing.assert_array_equal(pixels.heatmap, shares.heatmap)
    assert pixels.attributes["made_by"] == shares.attributes["made_by"]


def test_a_point_on_the_border_is_moved_into_the_image(tmp_path, capsys):
    found = prior(tmp_path, f"{ID}\na.jpg,0,200.9,-0.9\nb.jpg,1,20,20\n", size=32)
    assert cell(found.heatmap[0, 0]) == (0, 31)
    assert "1 row moved onto the border" in capsys.readouterr().out


def test_a_box_covers_cells_by_area(tmp_path):
    header = "image,box_x0,box_y0,box_x1,box_y1"
    one = prior(tmp_path, f"{header}\na.jpg,50,25,112.5,50\n", size=4)
    found = one.heatmap[0, 0]
    expected = np.zeros((4, 4))
    expected[1, 1:3] = 1, 0.25
    np.testing.assert_allclose(found, expected, atol=1e-6)
    several = prior(
        tmp_path, f"{header},score\na.jpg,50,25,100,50,4\na.jpg,50,25,150,50,2\n", size=4
    )
    expected[1, 1:3] = 1.5, 0.5
    np.testing.assert_allclose(several.heatmap[0, 0], expected, atol=1e-6)
    assert several.attributes["made_by"]["imported"] == "boxes"
    for store, entry in (
        (several, {"kind": "boxes", "size": 4}),
        (one, {"kind": "boxes", "size": 5}),
    ):
        known = parse_prior("p", entry | {"tables": {"a": "a.csv"}}).made_by(None, "all")
        assert (known.items() <= store.attributes["made_by"].items()) == (entry["size"] == 4)


def test_a_blurred_box_keeps_its_place(tmp_path):
    rows = "image,box_x0,box_y0,box_x1,box_y1\na.jpg,90,40,100,45\n"
    found = prior(tmp_path, rows, size=20, blur=2.0).heatmap[0, 0]
    assert cell(found) == (8, 9) and 0 < found[8, 13] < found[8, 11] < found[8, 9] < 1


def test_a_box_around_everything_is_no_map(tmp_path):
    rows = "image,box_x0,box_y0,box_x1,box_y1\na.jpg,0,0,200,100\n"
    for blur in (0, 1.5):
        with pytest.raises(InputError, match="a map for none of the 5 people"):
            prior(tmp_path, rows, blur=blur)
    more = rows.replace("image,", "image,sample_id,").replace("a.jpg,", "a.jpg,0,")
    found = prior(tmp_path, more + "b.jpg,1,20,20,40,40\n")
    assert found.valid.tolist() == [False, True, False, False, False]
    assert found.columns["problem"][0] == points.FLAT
    assert not (tmp_path / "none.h5").exists()


def test_people_are_found_by_their_head_boxes(tmp_path):
    rows = [
        "b.jpg,100.004,10,120,30,100,50",  # rounded
        "b.jpg,12,10,31,31,20,50",  # another detector's
        "sub/c.jpg,11,10,31,30,100,50",  # the same as one of two that nearly coincide
    ]
    found = prior(tmp_path, "\n".join(["image,head_x0,head_y0,head_x1,head_y1,x,y", *rows]))
    assert found.valid.tolist() == [False, True, True, False, True]
    assert cell(found.heatmap[1, 0])[1] < 10 < cell(found.heatmap[2, 0])[1]


def test_an_only_person_need_not_be_named(tmp_path):
    assert prior(tmp_path, "image,x,y\na.jpg,20,20\n").valid.tolist() == [1, 0, 0, 0, 0]


def test_people_of_videos_are_found_by_their_tracks(tmp_path):
    write_manifest(tmp_path, ["s00", "s01", "s02", "s00", "s01"])
    found = prior(tmp_path, "image,track,x,y\nb.jpg,s02,20,20\nsub/c.jpg,s00,20,20\n")
    assert found.valid.tolist() == [0, 0, 1, 1, 0]
    with pytest.raises(InputError, match="line 2, track: found 's09'; expected the track of one"):
        prior(tmp_path, "image,track,x,y\nb.jpg,s09,20,20\n")


def test_a_manifest_written_as_csv_will_do(tmp_path):
    header = "sample_id,image,width,height,head_x0,head_y0,head_x1,head_y1,split,track,x,y"
    found = prior(tmp_path, f"{header}\n4,sub/c.jpg,200,100,11,10,31,30,train,s00,20,20\n")
    assert found.valid.tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("change", [("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-8", "\r")])
def test_files_of_other_systems_are_read(tmp_path, change):
    encoding, end = change
    text = f"{ID}, label \n a.jpg , 0 ,20,20,Übung\n".replace("\n", end)
    found = prior(tmp_path, text.encode(encoding))
    assert found.valid[0] and found.columns["noun"][0] == "Übung"


def test_mixed_line_ends_are_said_and_read(tmp_path, capsys):
    assert prior(tmp_path, f"{ID}\r\na.jpg,0,20,20\nb.jpg,1,20,20\r\n").valid.sum() == 2
    assert "found 2 CR LF and 1 LF; expected one kind of line end" in capsys.readouterr().out


def test_maps_come_in_blocks(tmp_path, monkeypatch):
    rows = f"{ID}\na.jpg,0,150,30\nb.jpg,1,7,9\nb.jpg,1,90,9\nsub/c.jpg,4,70,90\n"
    whole = prior(tmp_path, rows, size=16)
    drawn = []
    monkeypatch.setattr(points, "CELLS", 2 * 16**2)
    draw = points.draw
    monkeypatch.setattr(points, "draw", lambda *given: drawn.append(given[3]) or draw(*given))
    parts = prior(tmp_path, rows, size=16)
    assert drawn == [2, 2, 1]
    np.testing.assert_array_equal(whole.heatmap, parts.heatmap)
    assert all((whole.columns[name] == parts.columns[name]).all() for name in whole.columns)


def test_a_table_may_have_to_be_complete(tmp_path):
    rows = ["image,sample_id,x,y", "a.jpg,0,9,9", "b.jpg,1,9,9", "b.jpg,2,9,9", "sub/c.jpg,3,9,9"]
    said = r"no map for 1 of 5 people: sample_id 4 \(sub/c.jpg\); expected one of everybody"
    with pytest.raises(InputError, match=said):
        prior(tmp_path, "\n".join(rows), complete=True)
    assert not (tmp_path / "prior.h5").exists()
    assert prior(tmp_path, "\n".join([*rows, "sub/c.jpg,4,9,9"]), complete=True).valid.all()


@given(
    st.floats(0, 1), st.floats(0, 1), st.integers(4, 80), st.floats(0.25, 40), st.floats(1e-6, 1e6)
)
def test_the_peak_is_at_the_point(x, y, size, sigma, score):
    how = ShapeSettings(size=size, sigma=min(sigma, size))
    found = points.draw(np.array([[x, y]]), np.array([score]), np.array([0]), 1, how)[0]
    row, column = cell(found)
    near = 0.5 + 1e-3 * sigma  # float32 does not tell values close to a wide peak apart
    assert abs(column + 0.5 - x * size) <= near and abs(row + 0.5 - y * size) <= near
    assert np.isfinite(found).all() and found.max() > found.min() >= 0


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(4, 40), st.floats(0, 10))
def test_coverage_keeps_the_area_of_a_box(corners, size, blur):
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    box = torch.tensor([[x0, y0, x1, y1]], dtype=torch.float64)
    sharp = coverage(box, size, 0)[0]
    assert sharp.sum().item() / size**2 == pytest.approx((x1 - x0) * (y1 - y0), abs=1e-6)
    blurred = coverage(box, size, min(blur, size))[0]
    assert blurred.min() >= 0 and blurred.max() <= sharp.max() + 1e-6


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"unit": "pixels"}, "unit"),
        ({"units": "percent"}, "units: found .percent"),
        ({"size": 3}, "size: found 3, expected at least 4"),
        ({"size": 32.5}, "size: found 32.5"),
        ({"sigma": 0.1}, "sigma: found 0.1, expected at least 0.25"),
        ({"sigma": 65}, "sigma: found 65 cells, expected at most 64"),
        ({"sigma": "wide"}, "sigma: found .wide"),
        ({"blur": float("nan")}, "blur: found"),
        ({"complete": 1}, "complete: found 1"),
    ],
)
def test_odd_settings_are_named(tmp_path, settings, said):
    with pytest.raises(InputError, match=said):
        prior(tmp_path, f"{ID}\na.jpg,0,9,9\n", **settings)


@pytest.mark.slow
def test_the_script_prints_one_clear_line(tmp_path):
    manifest = write_manifest(tmp_path)
    (tmp_path / "points.csv").write_text("image,x,y\na.jpg,20,20\n")

    def run(settings: str) -> subprocess.CompletedProcess:
        script = ROOT / "workflow/scripts/import_prior.py"
        table = {"tables": {"own": str(tmp_path / "points.csv")}}
        entry = {"kind": "points", "complete": False, **table, **json.loads(settings)}
        command = [warm_python(), script, "--manifest", manifest, "--prior", json.dumps(entry)]
        return subprocess.run(
            [*command, "--dataset", "own", "--out", tmp_path / "script.h5"],
            env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
            text=True,
            capture_output=True,
        )

    done = run('{"size": 32}')
    assert done.returncode == 0 and "maps of 1 of 5 people" in done.stdout, done.stderr
    how = ShapeSettings(size=32, complete=False)
    points_prior(manifest, tmp_path / "points.csv", tmp_path / "prior.h5", how)
    assert (tmp_path / "script.h5").read_bytes() == (tmp_path / "prior.h5").read_bytes()
    for settings, said in (
        ('{"size": 2}', "size: found 2, expected at least 4"),
        ('{"complete": true}', "no map for 4 of 5 people"),
    ):
        failed = run(settings)
        assert failed.returncode == 2 and said in failed.stderr
