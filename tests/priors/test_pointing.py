"""A model that points as a prior: small Qwen-VL models of random weights, and answers put in their mouths."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_vlm import CPU, LOADED, make_model
from tokenizers import pre_tokenizers

from gcdr.base.errors import InputError
from gcdr.data.manifest import PEOPLE, build_manifest, people_digest, read_people, write_table
from gcdr.data.prior_shards import merge_priors
from gcdr.data.stores import Store, read_prior
from gcdr.priors import pointing
from gcdr.priors.answers import NO_POINT, OUTSIDE, Answer, Box, Point
from gcdr.priors.inquiry import Question
from gcdr.priors.kinds.pointing_kind import PointingSettings
from gcdr.priors.pointing import answer_map, point_people
from gcdr.priors.vlm import PointingModel

pytestmark = pytest.mark.slow

SMALL = {"precision": "fp32", "max_new_tokens": 6, "max_pixels": 2**16, "batch": 2, "block": 4,
         "size": 16, "sigma": 1.0, "overlay": "head",
         "questions": {"head": "Point: boxed.", "body": "Point: boxed.", "none": "Point."}}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    return make_model(tmp_path_factory.mktemp("qwen3"), "qwen3_vl")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of grey pictures of two sizes with ten people, whose bodies are their heads and more."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    rng, rows = np.random.default_rng(1), []
    for number in range(6):
        width, height = [(96, 72), (64, 104)][number % 2]
        noise = rng.integers(60, 200, (height, width, 1), dtype=np.uint8).repeat(3, 2)
        Image.fromarray(noise).save(folder / f"images/{number}.png")
        heads = [(8, 10, 24, 26), (40, 12, 58, 30)][: 1 + (number < 4)]
        rows += [(f"{number}.png", width, height, *head, "train") for head in heads]
    people = build_manifest(pd.DataFrame(rows, columns=PEOPLE[1:]), "test")
    write_table(people, folder / "manifest.parquet")
    bodies = people[["sample_id"]].assign(
        body_x0=people["head_x0"], body_y0=people["head_y0"], body_x1=people["head_x1"] + 5,
        body_y1=people["head_y1"] + 30, score=1.0, detected=True,
    )  # fmt: skip
    write_table(bodies, folder / "bodies.parquet")
    return folder


class Stage:
    """Runs the stage on the data and reads what it wrote."""

    def __init__(self, data: Path, weights: Path, folder: Path) -> None:
        self.data, self.weights, self.folder = data, weights, folder
        self.images = data / "images"
        self.people = read_people(data / "manifest.parquet")

    def ask(self, shard: int = 1, shards: int = 1, failures: float = 0.0, **changes: Any) -> Path:
        out = self.folder / f"prior/{shard}-of-{shards}.h5"
        point_people(
            self.data / "manifest.parquet", self.images, self.data / "bodies.parquet", self.weights,
            PointingSettings.from_json(SMALL | changes), shard, shards, 2, failures, CPU, out,
        )  # fmt: skip
        return out

    def read(self, path: Path) -> Store:
        return read_prior(path, people_digest(self.people), self.people["sample_id"].to_numpy())


@pytest.fixture
def stage(data: Path, weights: Path, tmp_path: Path) -> Stage:
    return Stage(data, weights, tmp_path)


Speak = Callable[[Sequence[str]], list[int]]


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> Speak:
    """Makes models say what they are told to, one text a picture in turn; returns sizes of batches."""
    from transformers import Qwen3VLForConditionalGeneration as Model

    def tell(texts: Sequence[str]) -> list[int]:
        sizes: list[int] = []

        def generate(self: Any, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            letters = sorted(pre_tokenizers.ByteLevel.alphabet())
            first = sum(sizes)
            sizes.append(len(input_ids))
            said = [texts[(first + row) % len(texts)] for row in range(len(input_ids))]
            rows = [[letters.index(letter.replace(" ", "Ġ")) for letter in text] for text in said]
            longest = max(map(len, rows))
            end = self.generation_config.pad_token_id
            answers = torch.tensor([row + [end] * (longest - len(row)) for row in rows]).long()
            return torch.cat([input_ids, answers], 1)

        monkeypatch.setattr(Model, "generate", generate)
        return sizes

    return tell


def same(one: Store, other: Store) -> bool:
    columns = one.columns.keys() == other.columns.keys()
    return (
        columns
        and (one.heatmap == other.heatmap).all()
        and (one.valid == other.valid).all()
        and all((one.columns[name] == other.columns[name]).all() for name in one.columns)
    )


def test_the_outline_reaches_the_model(stage: Stage, monkeypatch) -> None:
    seen: list[torch.Tensor] = []
    prompts: list[str] = []
    point = PointingModel.point

    def watched(self, images, prompt):
        prompts.append(prompt)
        return point(self, images, prompt)

    monkeypatch.setattr(PointingModel, "point", watched)
    model = PointingModel.load(stage.weights, CPU, **LOADED)
    generate = type(model.model).generate

    def watching(self, **inputs):
        seen.append(inputs["pixel_values"].unflatten(1, (3, -1)))
        return generate(self, **inputs)

    monkeypatch.setattr(type(model.model), "generate", watching)
    colour = {"box_colour": [255, 0, 255], "box_thickness": 5}
    magenta = []
    for overlay in ("none", "head", "body"):
        seen.clear()
        stage.ask(overlay=overlay, **colour)
        red, green, blue = torch.cat(seen).unbind(1)
        magenta.append(int(((red > 0.9) & (green < -0.9) & (blue > 0.9)).sum()))
    assert 0 == magenta[0] < magenta[1] < magenta[2]
    assert set(prompts) == {"Point.", "Point: boxed."}


def test_shards_never_change_a_bit(data: Path, weights: Path, tmp_path: Path) -> None:
    merged = []
    for count in (1, 3):
        stage = Stage(data, weights, tmp_path / str(count))
        shards = [stage.ask(number, count) for number in range(1, count + 1)]
        merge_priors(shards, stage.folder / "prior.h5")
        merged.append(stage.read(stage.folder / "prior.h5"))
        assert not list(stage.folder.rglob(".*"))
    assert same(*merged)
    assert merged[0].heatmap.shape == (len(stage.people), 1, 16, 16)
    assert merged[0].attributes["made_by"]["model"] == "qwen3_vl" and merged[0].layers == [1]


def test_a_killed_shard_goes_on_where_it_stopped(
    stage: Stage, data: Path, weights: Path, tmp_path: Path, monkeypatch, speak: Speak, capsys
) -> None:
    said = [
        '[{"point_2d": [300, 700], "label": "ball"}]',
        "I do not know.",
        "[]",
        '{"point_2d": [9, 9]}',
    ]
    speak(said)
    whole = stage.read(Stage(data, weights, tmp_path / "whole").ask())
    write, left = pointing._write, [2]

    def dying(*arguments):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return write(*arguments)

    speak(said)
    with monkeypatch.context() as patch:
        patch.setattr(pointing, "_write", dying)
        with pytest.raises(KeyboardInterrupt):
            stage.ask()
    (state,) = (stage.folder / "prior").glob(".1-of-1-*")
    assert len(list(state.glob("*.h5"))) == 1
    sizes = speak(said)  # the block that is done held four people, so answers go on in step
    again = stage.read(stage.ask())
    blocks = -(-len(stage.people) // 4)
    assert f"going on: 1 of {blocks} blocks are done" in capsys.readouterr().out
    assert sum(sizes) == len(stage.people) - 4 and not state.exists()
    assert same(again, whole)


def test_an_answer_becomes_a_map_and_a_bad_one_is_counted(
    stage: Stage, speak: Speak, capsys
) -> None:
    speak(
        [
            '```json\n[{"point_2d": [656, 281], "label": "red ball"}]\n```'.replace("\n", " "),
            "The person looks at the ball.",
            '[{"bbox_2d": [500, 0, 750, 250], "label": "cup"}]',
            '{"point_2d": [1500, 20], "label": "ball"}',
        ]
    )
    path = stage.ask()
    store = stage.read(path)
    kind = np.arange(len(stage.people)) % 4
    assert (store.valid == np.isin(kind, (0, 2))).all()
    for row, heatmap in enumerate(store.heatmap[:, 0]):
        peak = np.unravel_index(heatmap.argmax(), heatmap.shape)
        if kind[row] == 0:
            assert peak == (4, 10) and heatmap.max() == pytest.approx(1, abs=1e-3)
        if kind[row] == 2:
            assert heatmap.sum() == 16 and (heatmap[:4, 8:12] == 1).all()
    assert (store.heatmap[~store.valid] == 0).all()
    nouns, problems = store.columns["noun"], store.columns["problem"]
    assert set(nouns[kind == 0]) == {"red ball"} and set(nouns[kind == 2]) == {"cup"}
    assert set(store.columns["answer"][kind == 1]) == {"The person looks at the ball."}
    assert set(store.columns["reason"][kind == 1]) == {NO_POINT}
    assert set(problems[kind == 3]) == {f"bad answer: {OUTSIDE}"} and set(problems[kind == 0]) == {
        ""
    }
    counts = [int((kind == one).sum()) for one in range(4)]
    printed = capsys.readouterr().out
    assert f"pointed for {counts[0] + counts[2]} of {len(kind)} people" in printed
    assert f"bad answers: {counts[1] + counts[3]} (" in printed
    assert f"{counts[1]} {NO_POINT}" in printed and f"{counts[3]} {OUTSIDE}" in printed
    ids = stage.people["sample_id"].to_numpy()
    one = read_prior(path, people_digest(stage.people), ids, layer=1)
    assert (one.heatmap == store.heatmap[:, 0]).all()


def test_a_bad_picture_marks_its_row_and_counts_as_a_failure(
    stage: Stage, tmp_path: Path, speak: Speak, capfd
) -> None:
    speak(['{"point_2d": [500, 500]}', "nothing"])
    shutil.copytree(stage.images, tmp_path / "images")
    stage.images = tmp_path / "images"
    bad = stage.images / stage.people["image"].iloc[0]
    bad.write_bytes(bad.read_bytes()[:200])
    hit = (stage.people["image"] == stage.people["image"].iloc[0]).to_numpy()
    store = stage.read(stage.ask(failures=0.5))
    assert not store.valid[hit].any() and (store.columns["reason"][hit] == "").all()
    assert all("not a readable image" in problem for problem in store.columns["problem"][hit])
    assert f"not asked: {hit.sum()}" in capfd.readouterr().out
    with pytest.raises(InputError, match=r"people were not asked, more than the share 0 "):
        stage.ask(failures=0.0)


def test_pictures_are_shrunk_and_ribbons_refused(tmp_path: Path) -> None:
    settings = PointingSettings(max_pixels=5000)
    for name, size in (("wide.png", (201, 1)), ("large.png", (200, 100)), ("small.png", (20, 10))):
        Image.new("RGB", size).save(tmp_path / name)
    with pytest.raises(InputError, match=r"wide\.png: found a size of 201x1, expected one side at"):
        pointing.pointing_picture(Question("wide.png", (201, 1), None, ""), tmp_path, settings)
    sizes = [(200, 100), (20, 10)]
    questions = [
        Question("large.png", sizes[0], None, ""),
        Question("small.png", sizes[1], None, ""),
    ]
    found = [pointing.pointing_picture(one, tmp_path, settings).size for one in questions]
    assert found == [(100, 50), (20, 10)]


def test_short_memory_halves_the_batch(stage: Stage, speak: Speak, monkeypatch, capfd) -> None:
    sizes = speak(['{"point_2d": [500, 500]}'])
    point = PointingModel.point

    def tight(self, images, prompt):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return point(self, images, prompt)

    monkeypatch.setattr(PointingModel, "point", tight)
    store = stage.read(stage.ask(batch=4))
    assert store.valid.all() and max(sizes) == 2 and store.columns["batch"].max() == 2
    logged = capfd.readouterr()
    assert "memory ran out with 4 pictures; going on with 2" in logged.out + logged.err


def test_several_places_add_up() -> None:
    both = answer_map(Answer((Point(0.25, 0.5), Point(0.75, 0.5))), 16, 1.0)
    assert both[8, 4] == pytest.approx(float(both[8, 12])) and both[8, 4] > 10 * both[8, 8]
    part = answer_map(Answer((Box(0.0, 0.0, 1.5 / 16, 0.5 / 16),)), 16, 1.0)
    assert part[0, :3].tolist() == [0.5, 0.25, 0.0] and part[1:].sum() == 0
    assert answer_map(Answer(reason=NO_POINT), 16, 1.0).sum() == 0


def test_half_precision_points_too(stage: Stage) -> None:
    store = stage.read(stage.ask(precision="bf16", which="all"))
    assert (store.columns["answer"] != "").any()
    model = PointingModel.load(stage.weights, CPU, **LOADED | {"precision": "bf16"})
    assert model.model.dtype == torch.bfloat16


def test_unknown_settings_are_refused(stage: Stage) -> None:
    with pytest.raises(InputError, match="unknown key 'beam', expected"):
        stage.ask(beam=3)
    with pytest.raises(InputError, match="precision: found 'fp16', expected"):
        stage.ask(precision="fp16")


def test_an_empty_shard_is_a_file(stage: Stage) -> None:
    with h5py.File(stage.ask(which="test")) as file:
        assert file["heatmap"].shape == (0, 1, 16, 16) and len(file["reason"]) == 0
