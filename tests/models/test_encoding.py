"""The cache of a frozen backbone's tokens: it stands for the pictures, in prediction and in training."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from small_gazelle import small
from warm import warm_python

from gcdr.base.errors import InputError
from gcdr.data import tokens
from gcdr.data.crops import scene_of
from gcdr.data.manifest import BOX, build_manifest, read_people, write_table
from gcdr.data.originals import Originals
from gcdr.data.pictures import open_image
from gcdr.data.sink import NewFile
from gcdr.data.tokens import Tokens, open_cache
from gcdr.data.views import plain_view, view_images
from gcdr.models import encoding
from gcdr.models.encoding import write_tokens
from gcdr.models.gazelle import Gazelle
from gcdr.models.vat import VAT, VATConfig
from gcdr.predictor.predictor import Predictor
from gcdr.training.batches import batches_of, draw_batch
from gcdr.training.targets import heatmap_targets

CPU = torch.device("cpu")
SIZES = ((96, 72), (60, 80), (64, 64))
BACKBONE = "assets/world/backbone"  # any file: only its digest is kept here


def picture(number: int) -> Image.Image:
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    return coarse.resize(SIZES[number], Image.Resampling.BICUBIC)


def people_in(folder: Path) -> pd.DataFrame:
    """Two people in each of three pictures, which are written."""
    rows = []
    for number, (width, height) in enumerate(SIZES):
        picture(number).save(folder / f"{number}.png")
        for person in range(2):
            box = dict(zip(BOX, (5 + 25 * person, 10, 25 + 25 * person, 35), strict=True))
            size = {"width": width, "height": height}
            rows.append({"image": f"{number}.png", **size, **box, "split": "test"})
    write_table(build_manifest(pd.DataFrame(rows), "rows"), folder / "manifest.parquet")
    return read_people(folder / "manifest.parquet")


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Gazelle, pd.DataFrame, Tokens]:
    model, people = small(), people_in(tmp_path)
    file = tmp_path / "tokens.h5"
    write_tokens(people, tmp_path, model, BACKBONE, CPU, file, failures=0)
    cache = open_cache(file)
    assert isinstance(cache, Tokens)
    return model, people, cache


def test_tokens_predict_what_pictures_do(kept: tuple[Gazelle, pd.DataFrame, Tokens]) -> None:
    model, people, cache = kept
    found = Predictor(model, CPU).of_people(cache, people["sample_id"].to_numpy(), None)
    heads = [group[BOX].to_numpy() for _, group in people.groupby("image")]
    expected = Predictor(model, CPU).predict([picture(number) for number in range(3)], heads)
    inside = np.concatenate([one.in_frame for one in expected])
    assert cache.tokens.dtype == np.float16
    np.testing.assert_allclose(found.in_frame.sigmoid(), inside, atol=2e-3)
    lowest = found.heatmap.amin((1, 2), keepdim=True)
    stretched = (found.heatmap - lowest) / (found.heatmap.amax((1, 2), keepdim=True) - lowest)
    maps = np.concatenate([one.heatmap for one in expected])
    np.testing.assert_allclose(stretched, maps, atol=2e-2)


def test_training_sees_flipped_tokens_with_flipped_boxes(
    kept: tuple[Gazelle, pd.DataFrame, Tokens],
) -> None:
    model, people, cache = kept
    ids = people["sample_id"].to_numpy()
    targets = heatmap_targets(ids, np.zeros((len(ids), 8, 8), np.float32))
    none = np.empty(0, int)  # no larger pictures: tokens are not cropped
    originals = Originals(none, none, none, none, none, none, none, cache.people, Path())
    drawn = draw_batch(cache, originals, targets, ids, priors=None, rng=(3, "", 0))
    (batch,) = batches_of(drawn, model, 1.0, CPU)
    boxes = torch.from_numpy(cache.head_box)
    turned = torch.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], 1)
    flipped = (batch.inputs.head_box - boxes).abs().amax(1) > 1e-6
    assert 0 < flipped.sum() < len(ids)  # of this seed: both kinds are seen
    expected = torch.where(flipped[:, None], turned, boxes)
    torch.testing.assert_close(batch.inputs.head_box, expected)
    for row, flip in enumerate(flipped.tolist()):
        pixels = torch.from_numpy(scene_of(picture(int(cache.scene_index[row])), model.input_size))
        image, _ = view_images(pixels[None].float() / 255, plain_view(1, CPU))
        seen = model.encode(image.flip(-1) if flip else image)[0]
        torch.testing.assert_close(batch.inputs.tokens[row], seen, atol=5e-3, rtol=2e-3)


def test_a_model_that_needs_pictures_says_so(
    kept: tuple[Gazelle, pd.DataFrame, Tokens],
) -> None:
    _, people, cache = kept
    predictor = Predictor(VAT(VATConfig.world()), CPU)
    with pytest.raises(InputError, match="cache of a backbone's tokens, expected one of pictures"):
        predictor.of_people(cache, people["sample_id"].to_numpy(), None)


def test_what_stands_on_no_backbone_has_no_tokens(tmp_path: Path) -> None:
    people, model = people_in(tmp_path), VAT(VATConfig.world())
    with pytest.raises(InputError, match=r"found a VAT, expected a model on a backbone"):
        write_tokens(people, tmp_path, model, BACKBONE, CPU, tmp_path / "t.h5", failures=0)


def test_a_picture_that_cannot_be_read_is_a_problem_of_its_people(tmp_path: Path) -> None:
    people = people_in(tmp_path)
    (tmp_path / "1.png").write_bytes(b"nothing")
    write_tokens(people, tmp_path, small(), BACKBONE, CPU, tmp_path / "t.h5", failures=0.5)
    readable = Tokens.open(tmp_path / "t.h5").readable(people["sample_id"].to_numpy(), "test")
    assert readable.tolist() == [True, True, False, False, True, True]
    with pytest.raises(InputError, match=r"1\.png"):
        write_tokens(people, tmp_path, small(), BACKBONE, CPU, tmp_path / "u.h5", failures=0)
    assert not (tmp_path / "u.h5").exists()


class Killed(BaseException):
    """In the place of a signal."""


def encoded(folder: Path, out: Path, dies_at: int | None = None) -> list[str]:
    """Make a cache in blocks of one image; the images that were read, the last of which may be the end."""
    read: list[str] = []

    def reads(path: Path, size: tuple[int, int]) -> Image.Image:
        if len(read) == dies_at:
            raise Killed
        read.append(path.name)
        return open_image(path, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "BLOCK", 1)
        patch.setattr(encoding, "open_image", reads)
        people = read_people(folder / "manifest.parquet")
        write_tokens(people, folder, small(), BACKBONE, CPU, out, failures=0.5)
    return read


def test_what_was_killed_goes_on_after_its_last_block(tmp_path: Path) -> None:
    people_in(tmp_path)
    whole, out = tmp_path / "whole.h5", tmp_path / "killed.h5"
    assert encoded(tmp_path, whole) == ["0.png", "1.png", "2.png"]
    with pytest.raises(Killed):
        encoded(tmp_path, out, dies_at=2)
    (journal,) = tmp_path.glob(".killed-*/journal.jsonl")
    journal.write_bytes(journal.read_bytes()[:-9])  # the second line was not whole yet
    with pytest.raises(Killed):
        encoded(tmp_path, out, dies_at=1)
    assert not out.exists()
    assert encoded(tmp_path, out) == ["2.png"]
    assert out.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_killed_while_it_was_sealed(tmp_path: Path) -> None:
    people_in(tmp_path)
    whole, out = tmp_path / "whole.h5", tmp_path / "killed.h5"
    encoded(tmp_path, whole)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):

        def dies(file: NewFile, *_: object) -> None:
            file["sample_id"] = np.arange(6)
            file.flush()
            (begun,) = tmp_path.glob(".killed-*/file.h5")
            content = begun.read_bytes()
            begun.write_bytes(bytes(100) + content[100:] + b"more")  # HDF5 was in the middle of it
            raise Killed

        patch.setattr(tokens, "write_people", dies)
        encoded(tmp_path, out)
    assert not out.exists()
    assert encoded(tmp_path, out) == []
    assert out.read_bytes() == whole.read_bytes()


def test_other_pictures_and_those_with_a_problem_are_read_again(tmp_path: Path) -> None:
    people_in(tmp_path)
    whole, out = tmp_path / "whole.h5", tmp_path / "killed.h5"
    encoded(tmp_path, whole)
    (tmp_path / "1.png").write_bytes(b"nothing")
    with pytest.raises(Killed):
        encoded(tmp_path, out, dies_at=2)
    picture(1).save(tmp_path / "1.png")
    os.utime(tmp_path / "0.png", (0, 0))
    with pytest.raises(Killed):
        encoded(tmp_path, out, dies_at=2)
    assert encoded(tmp_path, out) == ["2.png"]
    assert out.read_bytes() == whole.read_bytes()
    with pytest.raises(Killed):
        encoded(tmp_path, out, dies_at=2)
    with pytest.MonkeyPatch.context() as patch:  # another backbone: nothing is gone on from
        patch.setattr(encoding, "file_digest", lambda _: "another")
        assert encoded(tmp_path, out) == ["0.png", "1.png", "2.png"]
    assert not list(tmp_path.glob(".*"))


KILLED = """
import os, sys
from pathlib import Path
import test_encoding as tests
from gcdr.base.command import run
folder, out, number, sync, synced = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), os.fsync, []
def syncs(opened):
    sync(opened)
    if ".killed-" in (name := os.readlink(f"/proc/self/fd/{opened}")) and "journal" in name:
        synced.append(name)
        if len(synced) == 2:
            os.kill(os.getpid(), number)
os.fsync = syncs
run(lambda: tests.encoded(folder, out))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_process_keeps_its_blocks(tmp_path: Path, number: signal.Signals) -> None:
    people_in(tmp_path)
    whole, out = tmp_path / "whole.h5", tmp_path / "killed.h5"
    encoded(tmp_path, whole)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    here = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*here, *sys.path])}
    command = [warm_python(), script, tmp_path, out, str(int(number))]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == (-9 if number == signal.SIGKILL else 128 + number), run.stderr
    assert encoded(tmp_path, out) == ["2.png"]
    assert out.read_bytes() == whole.read_bytes()
