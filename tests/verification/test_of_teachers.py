"""Teachers that see prior maps, and diffusion models, held to the paper's Table 4."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_gazefollow import write_gazefollow
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.data.cache import Samples
from gcdr.data.depth_maps import depth_file, open_depth, save_depth
from gcdr.data.manifest import BOX
from gcdr.models.build import save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.predictor.predictor import load
from gcdr.verification.claims import claim_of
from gcdr.verification.of_teachers import (
    AskedModel,
    Sampled,
    asked_teacher,
    cached,
    load_teacher,
    refined,
    seen_with_prior,
)
from gcdr.verification.verify import predicted, read_test_set

CPU = torch.device("cpu")
NOISE = (500, "linear")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gazefollow")
    write_gazefollow(root, 6)
    return root


@pytest.fixture(scope="module")
def pickles(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps as the authors' code writes them: by picture and eye; layers counted from 0."""
    rows = [
        line.split(",") for line in (data / "test_annotations_release.txt").read_text().splitlines()
    ]
    rng = np.random.default_rng(0)
    maps: dict[str, dict[float, object]] = {}
    for row in rows:
        drawn = rng.random((30, 30)).astype(np.float32)
        drawn = {"answer": "ball", "tokens": torch.tensor([8, 2]), "10th_layer": drawn}
        maps.setdefault(Path(row[0]).name, {}).setdefault(float(row[6]), drawn)
    path = tmp_path_factory.mktemp("maps") / "maps.pkl"
    path.write_bytes(pickle.dumps(maps))
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(1)
    save_model(folder / "vat", VAT(VATConfig.world()))
    save_model(folder / "vat-gc", VAT(VATConfig.world(gradcam=True)))
    save_model(folder / "pdp", PDP(PDPConfig.world()))
    save_model(folder / "diffusion", Denoiser(DenoiserConfig.world()))
    return folder


def test_the_numbers_of_table_4_are_known() -> None:
    assert [*claim_of("gazefollow", "diffusion-gc-10").values.values()] == [0.177, 0.112, 0.846]
    assert [*claim_of("gazefollow", "diffusion-5").values.values()] == [0.230, 0.160, 0.768]
    assert claim_of("gazefollow", "vat-gc-20").values["AUC"] == 0.898


@pytest.mark.slow
def test_a_model_that_sees_maps_is_shown_those_of_its_people(data: Path, models: Path) -> None:
    """As ``gcdr.load(...).predict`` with the same maps, and not as with other ones."""
    test = read_test_set({"kind": "gazefollow", "root": data})
    model = load(models / "vat-gc", "cpu").model
    prior = np.random.default_rng(0).random((len(test.people), 32, 32)).astype(np.float32)
    prior = (prior - prior.min((1, 2), keepdims=True)) / np.ptp(prior, (1, 2))[:, None, None]
    maps, _ = seen_with_prior(model, test, prior, CPU)
    person = test.people.iloc[3]
    alone = load(models / "vat-gc", "cpu").predict(
        [Image.open(data / person["image"]).convert("RGB")],
        [[person[BOX].to_numpy(float)]],
        [prior[3:4]],
    )
    heatmap = maps[3] - maps[3].min()
    assert np.abs(alone[0].heatmap[0] - heatmap / heatmap.max()).max() < 1e-4
    others, _ = seen_with_prior(model, test, prior[::-1].copy(), CPU)
    assert np.abs(others - maps).max() > 1e-4


@pytest.mark.slow
def test_a_diffusion_model_refines_maps_or_draws_from_noise(data: Path, models: Path) -> None:
    test = read_test_set({"kind": "gazefollow", "root": data}, pictures=3)
    torch.manual_seed(1)
    model = Denoiser(DenoiserConfig.world()).eval()
    for weight in model.parameters():  # some begin at zero, and all maps alike
        torch.nn.init.normal_(weight, std=0.1)
    prior = np.zeros((len(test.people), 32, 32), np.float32)
    prior[:, 8, 8] = 1
    less, more = (refined(model, NOISE, test, prior, Sampled(t, draws=1), CPU) for t in (20, 400))
    noise = refined(model, NOISE, test, None, Sampled(draws=1), CPU)
    assert less.shape == more.shape == noise.shape == prior.shape
    assert np.abs(less - more).max() > 1e-6 and np.abs(noise - more).max() > 1e-6
    again = refined(model, NOISE, test, prior, Sampled(20, draws=1), CPU)
    assert np.array_equal(less, again)
    with pytest.raises(InputError, match="--timestep: found 501, expected 1 to 500"):
        refined(model, NOISE, test, prior, Sampled(501), CPU)
    with pytest.raises(InputError, match="--steps: found 30, expected no more than timesteps"):
        refined(model, NOISE, test, prior, Sampled(20, steps=30), CPU)
    with (
        pytest.raises(InputError, match="nothing is published elsewhere"),
        cached(replace(test, kind="videoattentiontarget"), 32),
    ):
        pass


@pytest.mark.slow
def test_a_model_that_sees_depth_is_shown_that_of_its_pictures(
    data: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ``gcdr.load(...).predict`` with the same depth, not as with another, and none may lack."""
    test = read_test_set({"kind": "gazefollow", "root": data})
    rng = np.random.default_rng(0)
    for folder in ("own", "other"):
        for name in test.people["image"].unique():
            width, height = Image.open(data / name).size
            save_depth(
                depth_file(tmp_path / folder, name), rng.random((height, width)), data / name
            )
    model = load(models / "pdp", "cpu")
    maps, inside = predicted(model, test, tmp_path / "own")
    other, _ = predicted(model, test, tmp_path / "other")
    person, size = test.people.iloc[3], tuple(test.people[["width", "height"]].iloc[3])
    picture = Image.open(data / person["image"]).convert("RGB")
    depth = np.asarray(open_depth(depth_file(tmp_path / "own", person["image"]), size))
    boxes = [[person[BOX].to_numpy(float)]]
    (alone,) = model.predict([picture], boxes, depths=[depth])
    np.testing.assert_allclose(maps[3], alone.heatmap[0], atol=1e-5)
    assert inside is None and np.abs(maps - other).max() > 1e-3
    command = [
        "verify",
        str(data),
        "--model",
        str(models / "pdp"),
        "--claim",
        "pdp",
        "--device",
        "cpu",
    ]
    assert main(
        [*command, "--depth", str(tmp_path / "own"), "--out", str(tmp_path / "s.json")]
    ) in (0, 1)
    assert "Miao et al. 2023" in capsys.readouterr().out
    assert "depth" in json.loads((tmp_path / "s.json").read_text())["inputs"]
    depth_file(tmp_path / "own", person["image"]).unlink()
    assert main([*command, "--depth", str(tmp_path / "own")]) == 2
    assert "1 of 6 pictures have no depth map, such as" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_are_cached_for_as_long_as_they_are_looked_at(data: Path) -> None:
    test = read_test_set({"kind": "gazefollow", "root": data}, pictures=2)
    with cached(test, 32) as (samples, ids):
        assert isinstance(samples, Samples) and len(ids) == len(test.people)
        assert samples.scene[0].shape == (3, 32, 32)


@pytest.mark.slow
def test_the_command_takes_teachers(
    data: Path, models: Path, pickles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["verify", str(data), "--device", "cpu", "--pictures", "3"]
    maps = ["--maps", str(pickles)]
    out = tmp_path / "out.json"
    model = {
        name: ["--model", str(models / name)] for name in ("vat", "vat-gc", "pdp", "diffusion")
    }
    run = [*command, *model["diffusion"], *maps, "--claim", "diffusion-gc-10", "--draws", "2"]
    assert main([*run, "--out", str(out)]) == 1
    assert "Diffusion-GC" in capsys.readouterr().out and "maps maps.pkl" in out.read_text()
    assert main([*command, *model["vat-gc"], *maps, "--claim", "vat-gc-10"]) == 1
    assert "0.188" in capsys.readouterr().out
    refused = {
        (): "nothing to measure",
        (*model["vat"], *maps, "--claim", "vat"): "--maps: found a vat, which sees no prior maps",
        (*model["vat-gc"], "--claim", "vat-gc-10"): "sees prior maps; name them with --maps",
        (*model["vat-gc"], *maps): "name that with --claim, such as vat-gc-10",
        tuple(model["diffusion"]): "such as diffusion-10",
        (*model["vat"], "--claim", "vat", "--steps", "2"): "expected a diffusion model",
        (*model["vat"], "--claim", "diffusion-10"): "is of a diffusion; found a vat",
        (
            *model["diffusion"],
            "--claim",
            "vat-10",
        ): "is of a model that sees the picture alone; found",
        (
            *model["diffusion"],
            "--claim",
            "diffusion-gc-10",
        ): "is of a diffusion-gc; found a diffusion",
        (
            *model["diffusion"],
            "--claim",
            "diffusion-10",
            "--draws",
            "0",
        ): "--draws: found 0, expected 1",
        (
            *model["diffusion"],
            "--claim",
            "diffusion-10",
            "--timestep",
            "9",
        ): "--timestep: is how far maps",
        (*maps, "--steps", "2"): "--steps: is of a diffusion model",
        (
            "--model",
            f"{models}/vat/model.safetensors",
            "--claim",
            "vat",
        ): "expected the folder that it",
        (
            *model["vat"],
            "--claim",
            "vat",
            "--backbone",
            "no.pth",
        ): "--backbone: no file or folder no.pth",
        (*model["vat"], "--claim", "vat", "--depth", "none"): "--depth: no file or folder none",
        (
            *model["vat"],
            "--claim",
            "vat",
            "--depth",
            str(data),
        ): "--depth: found a vat, which sees no depth",
        (
            *model["pdp"],
            "--claim",
            "pdp",
        ): "found a pdp that sees depth; name the folder of the maps with",
    }
    for arguments, found in refused.items():
        assert main([*command, *arguments]) == 2
        assert found in capsys.readouterr().err


@pytest.mark.slow
def test_maps_that_lack_people_or_are_none_are_refused(
    data: Path, pickles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = pickle.loads(pickles.read_bytes())
    names = sorted(whole)
    (eye,) = list(whole[names[0]])[:1]
    wrong = {
        "no map, or an empty one, for": {names[0]: whole[names[0]]},
        "expected a map of numbers": whole | {names[0]: {eye: {"10th_layer": "text"}}},
        "expected rows and columns": whole | {names[0]: {eye: {"10th_layer": np.zeros((0, 0))}}},
    }
    for number, (found, content) in enumerate(wrong.items()):
        path = tmp_path / f"{number}.pkl"
        path.write_bytes(pickle.dumps(content))
        assert main(["verify", str(data), "--maps", str(path), "--device", "cpu"]) == 2
        assert found in capsys.readouterr().err


def test_what_a_model_is_held_to() -> None:
    torch.manual_seed(0)
    denoiser = AskedModel(Denoiser(DenoiserConfig.world()), NOISE)
    assert asked_teacher(denoiser, True, None, "diffusion-gc-5", True) == "diffusion-gc-5"
    with pytest.raises(InputError, match="such as diffusion-gc-10"):
        asked_teacher(denoiser, True, None, None, False)


def test_a_folder_says_which_noise_its_model_has_learned(tmp_path: Path) -> None:
    about = {"settings": {"timesteps": 100, "schedule": "cosine"}}
    save_model(tmp_path / "model", Denoiser(DenoiserConfig.world()), about)
    teacher = load_teacher(tmp_path / "model")
    assert teacher.noise == (100, "cosine")
    assert Sampled(9).record(True, teacher.noise)["schedule"] == "cosine"
