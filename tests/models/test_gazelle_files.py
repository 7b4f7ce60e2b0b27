"""Files of Gaze-LLE and of its backbone: which are read, and which are refused."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small_gazelle import small
from torch import Tensor

import gcdr
from gcdr.base.errors import InputError
from gcdr.models.backbone import ViT
from gcdr.models.build import read_card
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.gazelle_released import (
    load_backbone,
    load_decoder,
    read_gazelle_weights,
    recognise_gazelle,
    save_decoder,
)
from gcdr.models.pretrained import take_pretrained
from gcdr.models.pretrained_card import PretrainedSettings
from gcdr.predictor.predictor import Prediction, Predictor, load_gaze_model


@pytest.mark.parametrize("name", ["decoder.pt", "decoder.safetensors"])
def test_a_decoder_is_kept_without_its_backbone(tmp_path: Path, name: str) -> None:
    first, second = small(), small(seed=1)
    file = tmp_path / name
    torch.save(first.decoder_state(), file) if name.endswith("pt") else save_decoder(first, file)
    backbone = {name: value.clone() for name, value in second.backbone.state_dict().items()}
    load_decoder(second, file)
    for key, value in first.decoder_state().items():
        assert torch.equal(second.decoder_state()[key], value)
    for key, value in second.backbone.state_dict().items():
        assert torch.equal(value, backbone[key])


def without(state: dict[str, Tensor], *starts: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(starts)}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: without(s, "linear.bias"), "missing linear.bias"),
        (lambda s: without(s, "inout_token"), "missing inout_token.weight"),
        (lambda s: s | {"extra": torch.zeros(1)}, "unknown extra"),
        (lambda s: s | {"linear.bias": torch.zeros(3)}, r"linear.bias \(found \[3\]"),
        (lambda s: s | {"linear.bias": torch.full((32,), torch.nan)}, "linear.bias.*not finite"),
    ],
)
def test_decoders_that_do_not_fit(tmp_path: Path, change: Callable, named: str) -> None:
    model, file = small(), tmp_path / "decoder.pt"
    torch.save(change(model.decoder_state()), file)
    with pytest.raises(InputError, match=f"decoder.pt.*{named}"):
        load_decoder(model, file)


def test_an_in_frame_head_may_start_from_scratch(tmp_path: Path) -> None:
    plain, model, file = small(inout=False, seed=1), small(), tmp_path / "decoder.pt"
    before = {k: v.clone() for k, v in model.decoder_state().items()}
    torch.save(plain.decoder_state(), file)
    with pytest.raises(InputError, match="missing inout_token"):
        load_decoder(model, file)
    load_decoder(model, file, inout_from_scratch=True)
    after = model.decoder_state()
    assert torch.equal(after["linear.weight"], plain.linear.weight)
    assert torch.equal(after["inout_head.0.weight"], before["inout_head.0.weight"])
    torch.save(model.decoder_state(), file)
    with pytest.raises(InputError, match="from scratch"):
        load_decoder(model, file, inout_from_scratch=True)
    with pytest.raises(InputError, match="unknown inout_token"):
        load_decoder(plain, file)


def hub_file(channels: int = 24, side: int = 5) -> dict[str, Tensor]:
    """A backbone's tensors as in a hub's file: with a mask token and another table."""
    state = small(seed=3).backbone.model.state_dict()
    return {name: value.clone() for name, value in state.items()} | {
        "mask_token": torch.zeros(1, channels),
        "pos_embed": torch.randn(1, 1 + side * side, channels),
    }


@pytest.mark.parametrize("layout", ["hub.pth", "whole.pt", "own.safetensors"])
def test_backbones_from_files(tmp_path: Path, layout: str) -> None:
    state, file = hub_file(), tmp_path / layout
    backbone = small().backbone
    if layout == "whole.pt":
        whole = {f"backbone.model.{k}": v for k, v in state.items()}
        torch.save({**small().decoder_state(), **whole}, file)
    elif layout == "hub.pth":
        torch.save(state, file)
    else:
        save_file(state, file)
    load_backbone(backbone, file)
    found = backbone.model.state_dict()
    assert torch.equal(found["blocks.1.attn.qkv.weight"], state["blocks.1.attn.qkv.weight"])
    assert torch.equal(found["pos_embed"][:, 0], state["pos_embed"][:, 0])
    assert not torch.equal(found["pos_embed"][:, 1:], state["pos_embed"][:, 1:17])


def test_a_table_of_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    state, backbone = hub_file(side=4), small().backbone
    torch.save(state, tmp_path / "hub.pth")
    load_backbone(backbone, tmp_path / "hub.pth")
    assert torch.equal(backbone.model.pos_embed, state["pos_embed"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: without(s, "cls_token"), "missing cls_token"),
        (lambda s: s | {"register_tokens": torch.zeros(1, 4, 24)}, "unknown register_tokens"),
        (lambda s: s | {"pos_embed": torch.zeros(1, 7, 24)}, "pos_embed has shape"),
        (lambda s: s | {"norm.bias": torch.full((24,), torch.inf)}, "norm.bias.*not finite"),
    ],
)
def test_backbones_that_do_not_fit(tmp_path: Path, change: Callable, named: str) -> None:
    file = tmp_path / "dino.pth"
    torch.save(change(hub_file()), file)
    with pytest.raises(InputError, match=f"dino.pth.*{named}"):
        load_backbone(small().backbone, file)


def test_another_vit_by_its_own_names(tmp_path: Path) -> None:
    sizes = {"embed_dim": 24, "depth": 1, "num_heads": 2}
    stored = ViT("vit_small_patch16_224", (224, 224), **sizes).model.state_dict()
    save_file(stored, tmp_path / "vit.safetensors")
    backbone = ViT("vit_small_patch16_224", (64, 96), **sizes)
    load_backbone(backbone, tmp_path / "vit.safetensors")
    assert backbone(torch.randn(2, 3, 64, 96)).shape == (2, 24, 4, 6)


@pytest.mark.parametrize("inout", [False, True])
@pytest.mark.parametrize(("size", "channels"), [("vitb14", 768), ("vitl14", 1024)])
def test_released_decoders_are_recognised(size: str, channels: int, inout: bool) -> None:
    state = {"linear.weight": torch.zeros(256, channels, 1, 1)}
    if inout:
        state["inout_token.weight"] = torch.zeros(1, 256)
    config = recognise_gazelle(state, "gazelle.pt")
    assert config.channels == channels and config.inout == inout
    assert config == (GazelleConfig.paper if size == "vitb14" else GazelleConfig.large)(inout)


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gazelle:
    """A small model in two files as it would be released: ``decoder.pt`` and ``backbone.pth``."""
    made = small(seed=2)
    monkeypatch.setattr(
        "gcdr.models.gazelle_released.RELEASED", {24: partial(replace, made.config)}
    )
    monkeypatch.setattr("gcdr.models.gazelle.build_backbone", lambda config: small().backbone)
    torch.save(made.decoder_state(), tmp_path / "decoder.pt")
    torch.save(made.backbone.model.state_dict(), tmp_path / "backbone.pth")
    return made


def predicted(by: Predictor) -> Prediction:
    picture = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    (found,) = by.predict([picture], [[[10, 10, 30, 30], [40, 20, 60, 40]]])
    return found


def test_a_released_decoder_and_its_backbone_make_a_predictor(
    tmp_path: Path, released: Gazelle
) -> None:
    found = predicted(gcdr.load(tmp_path / "decoder.pt", "cpu", tmp_path / "backbone.pth"))
    expected = predicted(Predictor(released, torch.device("cpu")))
    assert np.array_equal(found.heatmap, expected.heatmap)
    assert found.in_frame.shape == (2,)
    with pytest.raises(InputError, match=r"decoder.pt: holds a decoder of Gaze-LLE only"):
        gcdr.load(tmp_path / "decoder.pt", "cpu")
    with pytest.raises(InputError, match=r"nowhere.pth"):
        gcdr.load(tmp_path / "decoder.pt", "cpu", tmp_path / "nowhere.pth")


GIVEN = PretrainedSettings(
    pixels=56, cells=8, kind="gazelle", timesteps=500, schedule="linear", backbone="backbone.pth"
)


@pytest.mark.parametrize("name", ["vat", "gcdr"])  # a teacher and a student
def test_a_released_decoder_is_given_on_the_backbone_of_the_configuration(
    tmp_path: Path, released: Gazelle, name: str
) -> None:
    settings = replace(GIVEN, backbone=str(tmp_path / "backbone.pth"))
    take_pretrained(name, tmp_path / "decoder.pt", settings, tmp_path / "taken")
    taken = load_gaze_model(tmp_path / "taken")  # as labelling, scoring and galleries do
    found, expected = (predicted(Predictor(m, torch.device("cpu"))) for m in (taken, released))
    assert np.array_equal(found.heatmap, expected.heatmap)
    assert np.array_equal(found.in_frame, expected.in_frame)
    again = tmp_path / "again"  # and the folder may be given in turn
    take_pretrained(name, tmp_path / "taken", settings, again)
    assert read_card(again)["backbone"] == read_card(tmp_path / "taken")["backbone"]
    torch.save(small(seed=5).backbone.model.state_dict(), tmp_path / "backbone.pth")
    with pytest.raises(InputError, match="another backbone than"):
        take_pretrained(name, tmp_path / "taken", settings, again)


def test_a_decoder_is_not_given_to_another_model_or_on_another_backbone(
    tmp_path: Path, released: Gazelle
) -> None:
    other = replace(GIVEN, kind="vat", backbone=None)
    with pytest.raises(InputError, match="holds a decoder of Gaze-LLE only"):
        take_pretrained("gcdr", tmp_path / "decoder.pt", other, tmp_path / "taken")
    torch.save(small(seed=5).backbone.model.state_dict(), tmp_path / "other.pth")
    torch.save(released.state_dict(), tmp_path / "whole.pt")
    settings = replace(GIVEN, backbone=str(tmp_path / "other.pth"))
    with pytest.raises(InputError, match=r"whole.pt: holds another backbone than .*other.pth"):
        take_pretrained("gcdr", tmp_path / "whole.pt", settings, tmp_path / "taken")
    settings = replace(GIVEN, backbone=str(tmp_path / "backbone.pth"))
    take_pretrained("gcdr", tmp_path / "whole.pt", settings, tmp_path / "taken")
    torch.save({"conv1_scene.weight": torch.zeros(1)}, tmp_path / "vat.pt")
    with pytest.raises(InputError, match="found a VAT, which stands on no frozen backbone"):
        take_pretrained("gcdr", tmp_path / "vat.pt", settings, tmp_path / "taken")


def test_files_that_are_no_released_decoder(tmp_path: Path) -> None:
    file = tmp_path / "gazelle.pt"
    torch.save({"conv1_scene.weight": torch.zeros(1)}, file)
    with pytest.raises(InputError, match=r"gazelle.pt: found conv1_scene"):
        read_gazelle_weights(file)
    torch.save({"linear.weight": torch.zeros(256, 384, 1, 1)}, file)
    with pytest.raises(InputError, match="768 or 1024"):
        read_gazelle_weights(file)
    torch.save({"linear.weight": torch.zeros(256, 768, 1, 1)}, file)
    with pytest.raises(InputError, match="decoder of Gaze-LLE only"):
        read_gazelle_weights(file)
    torch.save({"linear.weight": print}, file)
    with pytest.raises(InputError, match=r"found builtins.print|only tensors"):
        read_gazelle_weights(file)
