"""The two-stage baseline: what is left of a picture, and names by an image tower with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_study import CPU, make_study

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.data.label_space import LabelSpace, write_label_space
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.split import split_labels
from gcdr.data.stores import write_labels
from gcdr.evaluation.two_stage import evaluate_two_stage, tuned_map, what_is_left
from gcdr.priors.image_towers import image_tower

pytestmark = pytest.mark.slow
FROZEN = Path(__file__).parents[2] / "assets/world/frozen"


def test_what_is_left_of_a_picture() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(1, 255, (48, 64, 3), dtype=np.uint8))
    heatmap = np.zeros((8, 8), np.float32)
    heatmap[2:4, 4:6] = 1
    cropped = what_is_left(image, heatmap, "crop")
    assert cropped.size == (16, 12)
    assert np.array_equal(np.asarray(cropped), np.asarray(image)[12:24, 32:48])
    pixels = np.asarray(image).astype(int)
    masked, blurred = (
        np.asarray(what_is_left(image, heatmap, how)).astype(int) for how in ("mask", "blur")
    )
    assert not masked[40:, :16].any() and abs(masked[18, 40] - pixels[18, 40]).max() <= 1
    assert abs(blurred[18, 40] - pixels[18, 40]).max() <= 1
    assert blurred[40:, :16].std() < 0.5 * pixels[40:, :16].std()
    point = np.zeros((64, 64), np.float32)
    point[0, 63] = 1
    assert what_is_left(image, point, "crop").size == (4, 3), "no smaller, but cut at the border"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "projection_dim": 24}
    config = transformers.CLIPConfig(
        text_config={**sizes, **heads, "vocab_size": 60},
        vision_config={**sizes, **heads, "image_size": 32, "patch_size": 16},
        projection_dim=24,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_names_by_what_is_left(clip: Path, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", train=6, test=4)
    people = read_people(study.manifest)
    ids = people.loc[people["split"] == "test", "sample_id"].to_numpy()
    maps = np.zeros((len(ids), 8, 8), np.float32)
    maps[:, 3, 4] = 1
    write_labels(
        tmp_path / "maps.h5", ids, maps, np.ones(len(ids), bool), {},
        people=people_digest(people), made_by={},
    )  # fmt: skip
    names = ("ball", "cat", "cup", "floor", "person", "wall")
    embeddings = np.random.default_rng(0).normal(size=(6, 24)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    write_label_space(tmp_path / "text", LabelSpace(names, embeddings, "random"))
    place = (study.folder / "images", study.samples, study.manifest, study.manifest)
    labels = tmp_path / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 100, 0, 0), labels)
    hows = ("mask", "blur", "crop", "tuned-crop")
    for how, tower in [*((how, clip) for how in hows), ("tuned-crop", FROZEN)]:
        out = tmp_path / f"{how}.json"
        evaluate_two_stage(
            tmp_path / "maps.h5", *place, study.annotations, labels, tmp_path / "text", tower, how,
            3.0, {"study": "tiny"}, CPU, out,
        )  # fmt: skip
        found = read_json(out)["metrics"]
        assert (
            set(found) <= {"acc_1", "acc_3"} and found["acc_3"]["value"] >= found["acc_1"]["value"]
        )


def test_a_map_is_tuned_on_labelled_people() -> None:
    """Two kinds of pictures that lie nearer to each other's names are told apart after it."""
    rng = np.random.default_rng(0)
    names = np.eye(4, 8, dtype=np.float32)
    true = np.repeat([0, 1], 20)
    pictures = names[1 - true] + 0.1 * rng.normal(size=(40, 8)).astype(np.float32)
    assert ((pictures @ names.T).argmax(1) != true).all()
    learned = tuned_map(pictures[::2], true[::2], names)
    assert ((pictures[1::2] @ learned @ names.T).argmax(1) == true[1::2]).all()
    wider = np.concatenate([pictures, rng.normal(size=(40, 3)).astype(np.float32)], 1)
    learned = tuned_map(wider[::2], true[::2], names)
    assert learned.shape == (11, 8)
    assert ((wider[1::2] @ learned @ names.T).argmax(1) == true[1::2]).all()
    with pytest.raises(InputError, match="found none with a name of the vocabulary"):
        tuned_map(pictures[:0], true[:0], names)


def test_the_demo_worlds_backbone_is_an_image_tower() -> None:
    tower = image_tower(FROZEN, CPU)
    found = tower([Image.new("RGB", (20, 50), "red"), Image.new("RGB", (50, 20), "blue")])
    assert found.shape == (2, 128) and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert found[0] @ found[1] < 0.99


def test_an_image_tower_is_checked(clip: Path, tmp_path: Path) -> None:
    tower = image_tower(clip, CPU)
    found = tower([Image.new("RGB", (20, 50)), Image.new("RGB", (50, 20))])
    assert found.shape == (2, 24) and found[0] == pytest.approx(found[1], abs=1e-5)
    with pytest.raises(InputError, match="no CLIP with an image tower"):
        image_tower(tmp_path, CPU)
