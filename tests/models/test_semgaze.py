"""The semantic gaze model: its files, what it can start from, and what is refused."""

import os
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from moving_world import write_film
from PIL import Image
from semgaze_rule import SemgazeGoldens

import gcdr
from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.outlines import tensor_shapes
from gcdr.cli.commands import main
from gcdr.data.semgaze_items import grown_boxes, semantic_item
from gcdr.models.build import load_model, save_model
from gcdr.models.contents import check_first_weights, known_model
from gcdr.models.description import GazeModelSettings
from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeInputs
from gcdr.models.named import initial_gaze_model
from gcdr.models.released import read_released
from gcdr.models.semgaze import Semgaze, pretrained_table
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.semgaze_released import start_semgaze
from gcdr.predictor.predictor import Predictor, pictures_of, predictions_of

torch.set_num_threads(1)
SMALL = SemgazeConfig(width=192, blocks=2, encoder_heads=3)
ROOT = Path(__file__).parents[2]


class Settings:
    """A configuration as Lightning pickles one: an object of a class that this package has not."""

    def __init__(self) -> None:
        self.values = {"model": {"width": 192}, "kinds": [Settings, float], "names": {"a", "b"}}
        self.more = [frozenset({1}), defaultdict(dict), np.float64(3), Path("x"), torch.Size([2])]


class Shell:
    """What runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> SemgazeGoldens:
    return SemgazeGoldens(goldens)


def lightning(state: dict[str, torch.Tensor], more: Any) -> dict[str, Any]:
    """A checkpoint as Lightning writes it."""
    tensor = torch.ones(3)
    return {
        "epoch": 19,
        "global_step": 7280,
        "pytorch-lightning_version": "2.2.0",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint": {"best_model_score": tensor, "best": Settings()}},
        "optimizer_states": [{"state": {0: {"exp_avg": tensor}}}],
        "hyper_parameters": more,
    }


@pytest.mark.slow
def test_a_checkpoint_with_objects_is_read_and_nothing_of_it_runs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Semgaze(SMALL)
    ran = tmp_path / "ran"
    file = tmp_path / "gazefollow.ckpt"
    state = {k: v.clone() for k, v in model.released_state().items()}
    torch.save(lightning(state, [Settings(), Shell(f"touch {ran}")]), file)
    found, facts = read_released(file)
    assert not ran.exists() and facts["global_step"] == 7280
    assert found.config == SMALL
    for name, value in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    shapes = tensor_shapes(file)
    assert shapes is not None and known_model(shapes) == "Semgaze"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"gazefollow\.ckpt: .*truncated"):
        read_released(file)


@pytest.mark.slow
def test_files_of_pretraining_start_their_parts(reference: SemgazeGoldens, tmp_path: Path) -> None:
    shapes = reference.keys("semgaze_pretraining_multimae")
    first = {k: v for k, v in shapes.items() if k.startswith(("input", "encoder.0."))}
    multimae = {name: reference.weight(name, shape) for name, shape in first.items()}
    gaze360 = reference.weights("semgaze_pretraining_gaze360")
    others = {"global_tokens": torch.ones(1, 1, 768), "output_adapters.rgb.x": torch.ones(2)}
    folder = tmp_path / "start"
    folder.mkdir()
    torch.save(
        {"model": multimae | others, "args": Namespace(lr=1), "epoch": 1600}, folder / "a.pth"
    )
    more = {"model": "ResNet-18", "scores": np.ones(2), "history": Settings()}
    head = {"model_state_dict": gaze360 | {"last_layer.bias": torch.ones(3)}}
    torch.save(head | more, folder / "b.pt")
    for file in sorted(folder.iterdir()):
        check_first_weights(file, "semgaze", "paper")
    model = Semgaze(SemgazeConfig(blocks=1))
    start_semgaze(model, folder)
    own = model.state_dict()
    table = multimae.pop("input_adapters.rgb.pos_emb")
    assert torch.equal(own["image_tokenizer.pos_emb"], pretrained_table(table, 16))
    for name, value in multimae.items():
        there = name.replace("input_adapters.rgb", "image_tokenizer")
        there = f"encoder.{there}" if name.startswith("encoder") else there
        assert torch.equal(own[there], value), name
    for name, value in gaze360.items():
        there = name.replace("base_head", "gaze_encoder.backbone")
        assert torch.equal(own[there], value), name
    token = own["encoder.global_tokens"]
    assert 0.01 < token.std() < 0.03 and not torch.equal(token, others["global_tokens"])
    del multimae["encoder.0.attn.proj.bias"]
    torch.save({"model": multimae | {"input_adapters.rgb.pos_emb": table}}, folder / "a.pth")
    with pytest.raises(InputError, match=r"a\.pth: .*missing 0\.attn\.proj\.bias"):
        start_semgaze(model, folder)


@pytest.mark.slow
def test_the_world_size_starts_from_the_towers(tmp_path: Path) -> None:
    source = ROOT / "assets/world/backbone"
    check_first_weights(source / "model.safetensors", "semgaze", "world")
    model = initial_gaze_model(GazeModelSettings("semgaze", "world"), False, source, 0)
    vat = initial_gaze_model(GazeModelSettings("vat", "world"), False, source, 0)
    scene = model.image_tokenizer.tower.tower.conv1_scene.weight
    assert torch.equal(scene, vat.conv1_scene.weight)
    assert torch.equal(
        model.gaze_encoder.backbone[0].tower.layer5_face[0].bn3.running_var,
        vat.layer5_face[0].bn3.running_var,
    )
    save_model(tmp_path / "model", model.eval())
    again = load_model(tmp_path / "model")
    (told,) = gcdr.load(tmp_path / "model").predict(
        [np.zeros((48, 64, 3), np.uint8)], [[[4, 5, 24, 25], [30, 5, 40, 25]]]
    )
    assert again.config == model.config and told.heatmap.shape == (2, 32, 32)
    with pytest.raises(InputError, match="sees no prior map"):
        initial_gaze_model(GazeModelSettings("semgaze", "world"), True, None, 0)
    inside = initial_gaze_model(GazeModelSettings("semgaze", "world"), False, source, 0, 1.0)
    (told,) = Predictor(inside, torch.device("cpu")).predict(
        [np.zeros((48, 64, 3), np.uint8)], [[[4, 5, 24, 25], [30, 5, 40, 25]]]
    )
    assert told.in_frame is not None and told.in_frame.shape == (2,)


def test_colours_are_normalised_as_the_model_says() -> None:
    model = Semgaze(SMALL)
    white = np.full((64, 64, 3), 255, np.uint8)
    pictures = pictures_of([Image.fromarray(white)], [np.array([[10, 10, 30, 30]])], model)
    inputs = gaze_inputs(pictures(slice(0, 1), torch.device("cpu")), model)
    expected = (1 - torch.tensor(SMALL.mean)) / torch.tensor(SMALL.std)
    assert inputs.images.shape[-1] == 256 and inputs.head_crop.shape[-1] == 224
    for seen in (inputs.images, inputs.head_crop):
        torch.testing.assert_close(seen[0, :, 100, 100], expected)


@pytest.mark.slow
def test_pictures_are_cut_as_the_release_does(tmp_path: Path) -> None:
    """Squares of grown boxes; everybody alone, whatever the others."""
    torch.manual_seed(1)
    model = Semgaze(SMALL).eval()
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (60, 90, 3), dtype=np.uint8))
    boxes = np.array([[10.0, 10, 30, 50], [60, 5, 80, 20]])
    told = Predictor(model, torch.device("cpu")).predict([picture, picture], [boxes, boxes[1:]])
    item = semantic_item(picture, grown_boxes(boxes, picture.size))
    image, heads = (torch.from_numpy(part) for part in item.normalised(SMALL.mean, SMALL.std))
    inputs = GazeInputs(
        images=image[None],
        image_of=torch.zeros(2).long(),
        head_box=torch.from_numpy(item.boxes),
        head_crop=heads,
    )
    with torch.inference_mode():
        expected = predictions_of(model(inputs), [2])[0]
    assert told[0].heatmap == pytest.approx(expected.heatmap, abs=1e-4)
    assert told[1].heatmap == pytest.approx(expected.heatmap[1:], abs=1e-4)


@pytest.mark.slow
def test_what_is_looked_at_is_named_in_any_vocabulary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, tower = ROOT / "assets/world/backbone", ROOT / "assets/world/vqa"
    model = initial_gaze_model(GazeModelSettings("semgaze", "world"), False, source, 0)
    save_model(tmp_path / "model", model.eval())
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    (tmp_path / "heads.csv").write_text(
        "image,head_x0,head_y0,head_x1,head_y1\na.png,4,5,24,25\na.png,30,5,40,25\n"
    )
    words, heads = tmp_path / "words.txt", tmp_path / "heads.csv"
    words.write_text("dog\nred cup\n")
    named = {"heads": heads, "vocabulary": words, "tower": tower}
    told = gcdr.predict(tmp_path / "a.png", tmp_path / "model", **named)
    assert set(told["label"]) <= {"dog", "red cup"}
    assert told["label_confidence"].between(0.5, 1).all()
    assert "label" not in gcdr.predict(tmp_path / "a.png", tmp_path / "model", heads=heads)
    write_film(tmp_path / "a.mp4", [Image.new("RGB", (64, 48))] * 3)
    tracks = pd.read_csv(heads).assign(frame=1, track=["p", "q"]).drop(columns="image")
    tracks.to_csv(tmp_path / "tracks.csv", index=False)
    of_film = named | {"heads": tmp_path / "tracks.csv"}
    film = gcdr.predict_video(tmp_path / "a.mp4", tmp_path / "model", tmp_path / "out", **of_film)
    assert film["frame"].tolist() == [1, 1] and film["label"].tolist() == told["label"].tolist()
    assert film["label_confidence"].to_numpy() == pytest.approx(told["label_confidence"], abs=1e-3)
    assert pd.read_csv(tmp_path / "out/predictions.csv")["label"].tolist() == told["label"].tolist()
    about = read_json(tmp_path / "out/predictions.json")
    assert about["frames"][0]["people"][0]["label"] == told["label"].tolist()[0]
    assert about["vocabulary"] == str(words) and "in place of CLIP's text tower" in about["tower"]
    words.write_text("dog\nmug\n")
    command = [
        "predict",
        str(tmp_path / "a.png"),
        f"--model={tmp_path / 'model'}",
        f"--heads={heads}",
    ]
    main([*command, f"--vocabulary={words}", f"--tower={tower}", f"--out={tmp_path / 'named'}"])
    lines = capsys.readouterr().out
    assert f"names: of {words}, by {about['tower']}" in lines
    assert "warning: 1 of 2 names ('mug') were never learned" in lines
    card = read_json(tmp_path / "named/predictions.json")
    assert card["tower"] == about["tower"] and "'mug'" in card["name_notes"][0]
    main([*command, f"--out={tmp_path / 'plain'}"])
    assert "names: " not in capsys.readouterr().out
    assert not {"vocabulary", "tower"} & read_json(tmp_path / "plain/predictions.json").keys()
    for where, change, said in (
        (tmp_path / "model", {"vocabulary": tmp_path / "none.txt"}, "no such file"),
        (
            tmp_path / "model",
            {"tower": tmp_path / "clip"},
            r"--tower: .*clip: no config.json, .*; --tower",
        ),
        (tmp_path / "vat", {}, "a vat says where people look and not what is there"),
    ):
        vat = initial_gaze_model(GazeModelSettings("vat", "world"), False, source, 0)
        save_model(tmp_path / "vat", vat.eval())
        with pytest.raises(InputError, match=said):
            gcdr.predict(tmp_path / "a.png", where, **named | change)


def test_what_lacks_is_named(tmp_path: Path) -> None:
    model = Semgaze(SMALL).eval()
    with pytest.raises(InputError, match="head crops: found none"):
        model(
            GazeInputs(
                images=torch.zeros(1, 3, 256, 256),
                image_of=torch.zeros(1).long(),
                head_box=torch.zeros(1, 4),
            )
        )
    state = dict(model.released_state())
    bare = {name.removeprefix("model."): value for name, value in state.items()}
    torch.save({"state_dict": bare}, tmp_path / "bare.ckpt")
    read = read_released(tmp_path / "bare.ckpt")[0].state_dict()
    assert all(torch.equal(read[name], value) for name, value in bare.items()), (
        "or without a prefix"
    )
    torch.save(bare | {"logit_scale": torch.ones(2)}, tmp_path / "bare.ckpt")
    with pytest.raises(
        InputError, match=r"bare\.ckpt, read as a semantic gaze model: .*logit_scale"
    ):
        read_released(tmp_path / "bare.ckpt")
    state.pop("model.gaze_decoder.label_mlp.layers.5.bias")
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"missing gaze_decoder\.label_mlp\.layers\.5\.bias"):
        read_released(tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="grid: found 15, expected a divisor of input_size 256"):
        SemgazeConfig(grid=15)
