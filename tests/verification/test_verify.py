"""Published numbers measured again, and two labs' results compared."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_gazefollow import write_gazefollow
from PIL import Image
from small_data import track_row

from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.data.heatmaps import gaussians
from gcdr.evaluation.picture_origins import letters, may_be_seen
from gcdr.models.build import save_model
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.predictor.predictor import Predictor
from gcdr.verification import verify
from gcdr.verification.claims import CLAIMS, Claim, claim_of
from gcdr.verification.collected import NONE, collected
from gcdr.verification.submission import SCHEMA, claim_of_submission, read_submission
from gcdr.verification.verify import beside_claim, predicted, read_test_set

PICTURES = 9
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gazefollow")
    write_gazefollow(root, PICTURES)
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "vat"
    torch.manual_seed(1)
    save_model(folder, VAT(VATConfig.world()))
    return folder


def gazefollow(root: Path) -> dict[str, object]:
    return {"kind": "gazefollow", "root": root}


def test_known_numbers_are_those_of_the_publications() -> None:
    assert [*CLAIMS["gazefollow", "vat"].values.items()] == [
        ("AvgDist", 0.137), ("MinDist", 0.077), ("AUC", 0.921),
    ]  # fmt: skip
    assert CLAIMS["gazefollow", "gazelle-vitl14"].values["AUC"] == 0.958
    assert CLAIMS["gazefollow", "gcdr-10"].values["AvgDist"] == 0.179
    assert CLAIMS["gazefollow", "gradcam"].values["MinDist"] == 0.180
    with pytest.raises(
        InputError, match="no published numbers of 'vat-11' on gazefollow; expected"
    ):
        claim_of("gazefollow", "vat-11")
    with pytest.raises(InputError, match="found a data set of the kind folder, expected one of"):
        claim_of("folder", "vat")


@pytest.mark.slow
def test_perfect_maps_reach_what_nobody_published(data: Path) -> None:
    """The mean of the annotators in a peak's cell: half a cell off at most, by either reading."""
    test = read_test_set(gazefollow(data))
    mean = torch.from_numpy(np.nanmean(test.points, axis=1))
    maps = gaussians(mean, 64, 3.0).numpy()
    result = beside_claim(CLAIMS["gazefollow", "vat"], test, maps, None)
    assert result["people"] == result["of"] == len(test.people)
    avg = result["metrics"]["AvgDist"]
    assert avg["measured"] < 1.5 / 64 and avg["own"] < 1 / 64 and not avg["agrees"]
    assert avg["low"] <= avg["measured"] <= avg["high"]
    assert result["protocols"]["mean_dist"] > result["protocols"]["dist_to_mean"]
    own = Claim("x", "x", "gazefollow", {"AvgDist": round(avg["measured"], 3)}, "here")
    assert beside_claim(own, test, maps, None)["metrics"]["AvgDist"]["agrees"]


@pytest.mark.slow
def test_predictions_are_those_of_gcdr_predict(data: Path, model: Path, tmp_path: Path) -> None:
    import gcdr

    test = read_test_set(gazefollow(data))
    maps, inside = predicted(gcdr.load(model, "cpu"), test)
    assert inside is None and len(maps) == len(test.people)
    for row in (0, len(test.people) - 1):
        person = test.people.iloc[row]
        picture = Image.open(data / person["image"]).convert("RGB")
        heads = [person[["head_x0", "head_y0", "head_x1", "head_y1"]].to_numpy(float)]
        (alone,) = gcdr.load(model, "cpu").predict([picture], [heads])
        assert np.abs(alone.heatmap[0] - maps[row]).max() < 1e-5


@pytest.mark.slow
def test_the_command_writes_what_another_lab_compares(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "a.json", tmp_path / "b.json"
    command = ["verify", str(data), "--model", str(model), "--device", "cpu"]
    assert main([*command, "--out", str(one)]) == 2
    assert "no published numbers are known of such a vat" in capsys.readouterr().err
    assert main([*command, "--claim", "vat", "--out", str(one)]) == 1
    said = capsys.readouterr().out
    assert "VAT on gazefollow: all" in said and "0.137" in said and " NO" in said
    assert "mean_dist_reference" in said and "COCO and Pascal" in said
    assert main([*command, "--claim", "gcdr-10", "--pictures", "5", "--out", str(two)]) == 1
    assert "GCDR, 10 % of the labels" in capsys.readouterr().out
    first, second = read_submission(one), read_submission(two)
    assert 0 < second["result"]["people"] < second["result"]["of"] == first["result"]["people"]
    assert first["inputs"] == second["inputs"] and len(first["inputs"]["model"]) == 64

    assert main(["compare", str(one), str(one)]) == 0
    assert capsys.readouterr().out.count("  yes") == 3
    assert main(["compare", str(one), str(two)]) == 2
    assert "held to vat and to gcdr-10, which are different models" in capsys.readouterr().err
    other = json.loads(one.read_text())
    for metric in other["result"]["metrics"].values():
        metric.update(measured=9.0, low=8.9, high=9.1)
    other["inputs"]["model"] = "0" * 64
    two.write_text(json.dumps(other))
    assert main(["compare", str(one), str(two)]) == 1
    said = capsys.readouterr().out
    assert "NO" in said and "model: " in said

    refused = {
        ("--out", str(one)): "is there already",
        ("--out", str(one / "x.json")): "cannot be written",
        ("--pictures", "1"): "--pictures: found 1, expected 2 or more",
        ("--claim", "gradcam"): "found gradcam, of raw maps; expected one of a model",
    }
    for arguments, said in refused.items():
        assert main([*command, *arguments]) == 2
        assert said in capsys.readouterr().err
    whole = json.loads(one.read_text())
    wrong: dict[str, Any] = {
        "result.title": whole | {"result": {**whole["result"], "title": 3}},
        "hardware": whole | {"hardware": {}},
        "made.packages": whole | {"made": {"packages": []}},
    }
    for place, content in wrong.items():
        two.write_text(json.dumps(content))
        assert main(["compare", str(one), str(two)]) == 2
        assert f"b.json: {place}: " in capsys.readouterr().err
    with pytest.raises(InputError, match="of gazefollow, expected a result on videoattention"):
        claim_of_submission(one, "videoattentiontarget")
    whole["result"]["metrics"]["AUC"].update(low=0.9, high=0.1)
    two.write_text(json.dumps(whole))
    with pytest.raises(InputError, match=r"b\.json: result\.metrics\.AUC: found low 0\.9 above"):
        read_submission(two)
    two.write_text('{"format": "gcdr-submission"}')
    assert main(["compare", str(one), str(two)]) == 2
    assert "b.json: the file: 'version' is a required property" in capsys.readouterr().err


def test_half_unpacked_data_is_named(tmp_path: Path) -> None:
    write_gazefollow(tmp_path, 4)
    for picture in sorted(tmp_path.rglob("*.jpg"))[2:]:
        picture.unlink()
    with pytest.raises(InputError, match="test people have no readable picture; expected all test"):
        read_test_set(gazefollow(tmp_path))
    (tmp_path / "test_annotations_release.txt").rename(tmp_path / "train_annotations_release.txt")
    with pytest.raises(InputError, match="no test annotations"):
        read_test_set(gazefollow(tmp_path))


@pytest.mark.slow
def test_whole_clips_of_films_are_followed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clip in ("1_2", "3_4"):
        for frame in (1, 2, 3):
            path = tmp_path / f"images/Show/{clip}/{frame}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48), (40 * frame, 90, 10)).save(path)
        track = tmp_path / f"annotations/test/Show/{clip}/s00.txt"
        track.parent.mkdir(parents=True, exist_ok=True)
        gaze = ["32,24", "-1,-1", "30,20"]
        rows = [track_row(f"{n}.jpg", gaze=point) for n, point in enumerate(gaze, 1)]
        track.write_text("\n".join(rows) + "\n")
    source = {"kind": "videoattentiontarget", "root": tmp_path}
    monkeypatch.setattr(verify, "CLIPS", 1)
    part = read_test_set(source, pictures=1)
    assert part.people["sequence"].nunique() == 1 and len(part.people) == 3 and part.of == 6
    monkeypatch.setattr(verify, "CLIPS", 8)
    assert read_test_set(source, pictures=1).people["sequence"].nunique() == 2, "all that there are"
    test = read_test_set(source)
    torch.manual_seed(0)
    model = VAT(replace(VATConfig.world(), inout=True))
    maps, inside = predicted(Predictor(model, torch.device("cpu")), test)
    assert inside is not None and (inside > 0).all() and maps.max((1, 2)).min() > 0
    result = beside_claim(claim_of("videoattentiontarget", "vat"), test, maps, inside)
    assert [*result["metrics"]] == ["Dist", "AUC", "AP"] and not result["overlap"]
    silent = beside_claim(claim_of("videoattentiontarget", "vat"), test, maps, None)
    assert "AP" not in silent["metrics"] and "does not tell" in silent["absent"]["AP"]


def test_where_test_pictures_come_from() -> None:
    """As counted in the public annotations: 3,474 of COCO 2014, 580 of Pascal."""
    assert len(letters()) == 4782
    assert letters().count("c") + letters().count("v") == 3474 and letters().count("p") == 580
    assert may_be_seen(["test2/00000000/00000001.jpg", "test2/00000000/00000005.jpg", "a.jpg"]) == [
        True, False, None,
    ]  # fmt: skip


@pytest.mark.slow
def test_results_that_labs_sent_are_on_the_page(data: Path, model: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs/verify.md").read_text().split("## Collected results\n\n")[1]
    sent = [*(ROOT / "docs/submissions").glob("*.json")]
    assert page.startswith(collected(sent) + "\n")
    assert collected([]) == NONE
    out = tmp_path / "lab.json"
    main(["verify", str(data), "--model", str(model), "--claim", "vat", "--out", str(out)])
    header, rule, *lines = collected([out]).splitlines()
    assert header.count("|") == rule.count("|") == lines[0].count("|")
    assert [line.split("|")[2].rsplit(", ", 1)[1].strip() for line in lines] == [
        "AvgDist",
        "MinDist",
        "AUC",
    ]


def test_the_schema_of_submissions_is_published() -> None:
    """Whoever checks a file without this package has the same rules."""
    published = json.loads((ROOT / "docs/submission.schema.json").read_text())
    assert published.pop("$schema") == "http://json-schema.org/draft-07/schema#"
    assert published == SCHEMA
