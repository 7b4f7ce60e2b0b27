"""Released checkpoints: every layout loads strictly, and every defect has its own message."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from golden_rule import Goldens
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.cli.commands import main
from gcdr.models.build import load_model, save_model
from gcdr.models.checkpoints import read_state
from gcdr.models.denoiser import Denoiser
from gcdr.models.released import read_released, write_released
from gcdr.models.sizes import (
    DenoiserConfig,
    TowersConfig,
    VATConfig,
    VideoDenoiserConfig,
    beginning,
)
from gcdr.models.starting import start_from
from gcdr.models.towers import GazeFeatures
from gcdr.models.vat import VAT
from gcdr.models.video_denoiser import VideoDenoiser

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def keys(goldens: Callable[[str], Path]) -> Callable[[str], dict[str, Tensor]]:
    """``keys("vat_gc")``: zeros of a checkpoint's names and shapes, each stored as a single number."""

    def tensors(name: str) -> dict[str, Tensor]:
        return {
            key: torch.tensor(0) if key.endswith("tracked") else torch.zeros(1).expand(shape)
            for key, shape in Goldens(goldens).keys(name).items()
        }

    return tensors


def without(state: dict[str, Tensor], *ends: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.endswith(ends)}


def parallel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{name}": value for name, value in state.items()}


@pytest.mark.slow
@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "layout", "parameters", "facts"),
    [
        (
            "vat_spatial",
            lambda state: {"model": without(state, "num_batches_tracked")},
            61_451_706,
            {"released": "VAT"},
        ),
        (
            "vat_gc",
            lambda state: {"state_dict": parallel(state), "lr": 2.5e-4, "train_step": 7},
            61_464_250,
            {"released": "VAT-GC", "lr": 2.5e-4, "train_step": 7},
        ),
        (
            "vat_video",
            lambda state: {"model": without(state, "num_batches_tracked")},
            99_277_242,
            {"released": "Video VAT"},
        ),
        (
            "gcdr_diffusion_temporal",
            lambda state: {"state_dict": state, "lr": 5e-5, "train_step": 9},
            88_672_194,
            {"released": "video diffusion", "lr": 5e-5, "train_step": 9, "timesteps": 500},
        ),
        (
            "gcdr_diffusion",
            lambda state: {"state_dict": state, "lr": 5e-5, "train_step": 9},
            79_230_914,
            {"released": "diffusion", "lr": 5e-5, "train_step": 9, "timesteps": 500},
        ),
        (
            "gcdr_diffusion",
            lambda state: {k: v for k, v in state.items() if not k.startswith("diffusion.")},
            79_230_914,
            {"released": "diffusion", "timesteps": None},
        ),
    ],
    ids=["VAT", "VAT-GC", "video VAT", "video diffusion", "diffusion", "bare, no schedule"],
)
@pytest.mark.parametrize("archive", [True, False], ids=["zip", "legacy"])
def test_layouts_load_strictly(
    tmp_path: Path,
    keys: Callable,
    name: str,
    layout: Callable,
    parameters: int,
    facts: dict,
    archive,
) -> None:
    torch.save(layout(keys(name)), tmp_path / "w.pt", _use_new_zipfile_serialization=archive)
    model, found = read_released(tmp_path / "w.pt")
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert found == facts
    assert model.head_padding == (0.0 if "ideo" in facts["released"] else 0.1)  # facts, 1.3
    assert not model.training and not any(p.any() for p in model.parameters())


class Code:
    def __reduce__(self) -> tuple:
        return (print, ("code of the file ran",))


def set_to(name: str, value: Any) -> Callable[[dict], dict]:
    return lambda state: {"model": {**state, name: value}}


@pytest.mark.slow
@pytest.mark.golden
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"model": without(s, "conv4.bias")}, "read as VAT: .* missing conv4.bias$"),
        (set_to("conv5.bias", torch.zeros(1)), "read as VAT: .* unknown conv5.bias$"),
        (
            set_to("conv4.bias", torch.zeros(2)),
            r"conv4.bias \(found \[2\], expected \[1\]\)",
        ),
        (set_to("conv4.bias", torch.tensor([float("nan")])), "conv4.bias holds .* not finite"),
        (
            set_to("conv4.bias", torch.zeros(1, dtype=torch.int32)),
            "holds torch.int32, expected float",
        ),
        (
            set_to("conv4.bias", torch.zeros(1).to_sparse()),
            "conv4.bias is a torch.sparse_coo tensor",
        ),
        (set_to("module.conv4.bias", torch.zeros(1)), "conv4.bias is there with and without"),
        (
            set_to("conv4.bias", torch.zeros(1).expand(2**20, 2**25)),
            r"conv4.bias \(found \[1048576, 33554432\]",
        ),
        (set_to("conv4.bias", [0.0]), "entry 'conv4.bias' is a list, expected tensors by name"),
        (
            lambda s: {"weights": s, "lr": 0.1},
            r"found the entries \['weights', 'lr'\], expected tensors",
        ),
        (lambda s: {"model": s, "config": {}}, r"unknown entries \['config'\]"),
        (lambda s: list(s.values())[:2], "found a list, expected tensors by name"),
        (lambda s: {"model": s, "epoch": Code()}, "found .*print in its pickle"),
        (lambda s: {"fc.weight": torch.zeros(2, 2)}, "weights of another model .*fc.weight"),
        (
            set_to("convlstm_scene.bias_ih_l0", torch.zeros(2048)),
            "read as Video VAT: does not fit the model; tensors missing layer1_scene.0.bn_ds",
        ),
        (lambda s: parallel({"diffusion.betas": torch.zeros(5), **s}), "unknown diffusion.betas"),
    ],
)
def test_defects_are_named(
    tmp_path: Path, keys: Callable, capfd: Any, change: Callable, message: str
) -> None:
    torch.save(change(keys("vat_spatial")), tmp_path / "bad.pt")
    with pytest.raises(InputError, match=message) as caught:
        read_released(tmp_path / "bad.pt")
    assert str(caught.value).startswith(str(tmp_path / "bad.pt"))
    assert "ran" not in capfd.readouterr().out


@pytest.mark.golden
def test_broken_schedule_is_named(tmp_path: Path, keys: Callable) -> None:
    state = keys("gcdr_diffusion")
    torch.save({"state_dict": without(state, "diffusion.betas")}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"13 buffers .* diffusion.betas$"):
        read_released(tmp_path / "w.pt")


def test_foreign_and_truncated_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    with pytest.raises(InputError, match="no such file"):
        read_released(path)
    torch.save({"conv1_scene.weight": torch.zeros(999)}, path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="truncated"):
        read_released(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match="not a file of PyTorch weights"):
        read_released(path)
    path.write_bytes(pickle.dumps({"model": Code()}))
    with pytest.raises(InputError, match=r"w\.pt"):
        read_released(path)


@pytest.mark.parametrize(
    ("model", "differences"),
    [
        (lambda: VAT(VATConfig.world()), "towers.input_size 56 and not 224"),
        (lambda: Denoiser(DenoiserConfig.world()), "towers.input_size 56 and not 224"),
        # Its signal is another too, which would not be what keeps it from the layout.
        (
            lambda: VideoDenoiser(beginning(VideoDenoiserConfig.world())),
            "towers.input_size 56 and not 224",
        ),
        (
            lambda: Denoiser(replace(DenoiserConfig.paper(), head="mass")),
            "build and no others: head mass and not plain; expected",
        ),
    ],
)
def test_only_the_paper_sizes_are_written_as_released(
    model: Callable[[], nn.Module], differences: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        write_released(model(), tmp_path / "w.pt")
    line = str(caught.value)
    assert "has not the paper's sizes" in line and differences in line
    assert "\n" not in line and "{" not in line and len(line.replace(str(tmp_path), "")) < 320
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.golden
def test_initial_weights_of_vat_start_every_model(
    tmp_path: Path, keys: Callable, capsys: Any
) -> None:
    file = tmp_path / "initial_weights_for_spatial_training.pt"
    torch.save({"model": without(keys("vat_spatial"), "num_batches_tracked")}, file)
    with torch.device("meta"):
        models = [VAT(VATConfig.paper(gradcam=True)), Denoiser(DenoiserConfig.paper())]
    for model in models:
        for parameter in model.to_empty(device="cpu").parameters():
            parameter.data.fill_(1)
        start_from(model, file)
    vat_gc, denoiser = models
    left = {name for name, parameter in vat_gc.named_parameters() if parameter.any()}
    assert left == {"attn.weight"}
    assert "keep their random start: attn.weight\n" in capsys.readouterr().out
    assert not any(parameter.any() for parameter in denoiser.feat_extractor.parameters())
    assert all(parameter.all() for parameter in denoiser.diffusion_model.parameters())


@pytest.mark.slow
def test_own_models_start_each_other(tmp_path: Path) -> None:
    vat, denoiser = VAT(VATConfig.world()), Denoiser(DenoiserConfig.world())
    save_model(tmp_path / "vat", vat)
    save_model(tmp_path / "denoiser", denoiser)
    other = Denoiser(DenoiserConfig.world())
    start_from(other, tmp_path / "vat")
    assert torch.equal(other.feat_extractor.attn.weight, vat.attn.weight)
    start_from(other, tmp_path / "denoiser")
    assert torch.equal(other.compress_conv1.weight, denoiser.compress_conv1.weight)
    again = VAT(VATConfig.world())
    start_from(again, tmp_path / "denoiser")
    assert torch.equal(again.attn.weight, denoiser.feat_extractor.attn.weight)
    with pytest.raises(InputError, match=r"a model of another size; tensors conv1_scene.weight"):
        start_from(VAT(VATConfig.paper()), tmp_path / "vat")


def resnet50() -> dict[str, Tensor]:
    import torchvision

    return torchvision.models.resnet50().state_dict()


@pytest.mark.slow
def test_resnet50_starts_both_towers(tmp_path: Path) -> None:
    state = without(resnet50(), "num_batches_tracked")
    torch.save(state, tmp_path / "resnet50.pth")
    towers = GazeFeatures(TowersConfig.paper())
    mask = towers.conv1_scene.weight[:, 3:].clone()
    fifth = towers.layer5_face[0].conv1.weight.clone()
    start_from(towers, tmp_path / "resnet50.pth")
    for tower in (towers.layer4_scene, towers.layer4_face):
        assert torch.equal(tower[2].conv3.weight, state["layer4.2.conv3.weight"])
    assert torch.equal(towers.conv1_face.weight, state["conv1.weight"])
    assert torch.equal(towers.conv1_scene.weight[:, :3], state["conv1.weight"])
    assert torch.equal(towers.conv1_scene.weight[:, 3:], mask)
    assert torch.equal(towers.layer5_face[0].conv1.weight, fifth)

    torch.save(without(state, "layer3.4.bn2.bias"), tmp_path / "short.pth")
    with pytest.raises(InputError, match=r"no weights for layer3_scene.4.bn2.bias, 2 missing"):
        start_from(towers, tmp_path / "short.pth")
    torch.save(state | {"layer3.6.conv1.weight": torch.zeros(1)}, tmp_path / "resnet101.pth")
    with pytest.raises(InputError, match=r"no place for: layer3_scene.6.conv1.weight"):
        start_from(towers, tmp_path / "resnet101.pth")
    with pytest.raises(InputError, match="another size"):
        start_from(VAT(VATConfig.world()), tmp_path / "resnet50.pth")


@pytest.mark.slow
@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "bias", "said"),
    [
        ("vat_spatial", "attn.bias", "VAT, 61,451,706"),
        ("vat_video", "attn.bias", "Video VAT, 99,277,242"),
        ("gcdr_diffusion_temporal", "feat_extractor.attn.bias", "video diffusion, 88,672,194"),
    ],
)
def test_conversion_there_and_back(
    tmp_path: Path, keys: Callable, capsys: Any, name: str, bias: str, said: str
) -> None:
    state = keys(name) | {bias: torch.arange(49.0)}
    source, folder, again = (tmp_path / name for name in ("epoch_25.pt", "student", "again.pt"))
    torch.save({"state_dict": state, "lr": 1e-4, "train_step": 3}, source)
    assert main(["convert", str(source), str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: {said} parameters\n"
    assert torch.equal(load_model(folder).state_dict()[bias], state[bias])
    assert read_json(folder / "model.json")["converted"]["train_step"] == 3
    assert main(["convert", str(folder), str(again)]) == 0
    content = torch.load(again, weights_only=True)
    assert sorted(content) == ["lr", "state_dict", "train_step"]
    assert content["state_dict"].keys() == {k for k in state if not k.startswith("diffusion.")}
    assert torch.equal(content["state_dict"][bias], state[bias])
    assert main(["convert", str(tmp_path / "absent.pt"), str(folder)]) == 2
    assert "absent.pt: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "before", ["", "module.", "_orig_mod.", "module.module.", "module._orig_mod."]
)
@pytest.mark.parametrize("entry", ["", "model", "state_dict", "model_state_dict"])
def test_what_training_wraps_around_names_is_taken_off(
    tmp_path: Path, before: str, entry: str
) -> None:
    tensors = {f"{before}module_a.weight": torch.ones(2), f"{before}b": torch.zeros(1)}
    more = {"epoch": 3, "loss": 0.5, "optimizer_state_dict": {}}
    torch.save({entry: tensors, **more} if entry else tensors, tmp_path / "w.pt")
    found, numbers = read_state(tmp_path / "w.pt")
    assert list(found) == ["module_a.weight", "b"]
    assert numbers == ({"epoch": 3, "loss": 0.5} if entry else {})
