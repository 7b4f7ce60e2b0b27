"""Released checkpoints of both layouts: what is read, what is converted, what is refused."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ofa_reference import Reference, port_name, small_config
from safetensors.torch import save_file

from gcdr.base.download import record_of
from gcdr.base.errors import InputError
from gcdr.base.files import file_digest
from gcdr.priors.kinds.registry import parse_prior
from gcdr.priors.kinds.vqa_kind import VqaPrior
from gcdr.priors.vqa.ofa.checkpoint import TIED
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.conversion import convert_ofa, our_name, read_ofa, size_of
from gcdr.priors.vqa.ofa.layouts import find_layout
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.tokenizer import RELEASED_PIECES, SPECIAL, Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA

torch.set_num_threads(1)

TABLE = "encoder.embed_tokens.weight"
SETTINGS = {"disable_entangle": True, "attn_scale_factor": 2.0, "no_scale_embedding": True}
QUESTIONS = ["what is the person looking at?", "what is the person in the green bounding box"]


@pytest.fixture(scope="module")
def small() -> OFA:
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(QUESTIONS, 290)
    return OFA(small_config(vocabulary=len(tokenizer))).eval()


def fairseq(model: OFA, **changes) -> dict:
    """A training checkpoint of a model, as fairseq writes it."""
    state = {key: value.clone() for key, value in model.state_dict().items()}
    state["decoder.output_projection.weight"] = state["decoder.embed_tokens.weight"] = state[TABLE]
    for side in ("encoder", "decoder"):
        state[f"{side}.version"] = torch.tensor([3.0])
        state[f"{side}.token_rp_bucket"] = torch.zeros(64, 64, dtype=torch.int64)
        state[f"{side}.image_rp_bucket"] = torch.zeros(65, 65, dtype=torch.int64)
    state["decoder.image_position_idx"] = torch.zeros(66, dtype=torch.int64)
    return {
        "args": None,
        "cfg": {"model": argparse.Namespace(**{**SETTINGS, **changes}), "task": None},
        "model": state,
        "extra_state": {"metrics": [], "ema": {}},
        "last_optimizer_state": {"state": {0: {"exp_avg": torch.zeros(3)}}},
    }


def write(path: Path, content: dict, **options) -> Path:
    torch.save(content, path, **options)
    return path


def same(found: OFA, model: OFA) -> bool:
    expected = model.state_dict()
    assert found.state_dict().keys() == expected.keys()
    return all(torch.equal(value, expected[key]) for key, value in found.state_dict().items())


def hugging_face(model: OFA, folder: Path, tokenizer: Tokenizer, **changes) -> Path:
    """A released folder of a model."""
    folder.mkdir(exist_ok=True)
    state = {port_name(key): value.clone() for key, value in model.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    config = {"model_type": "ofa", "normformer": True, "attn_scale_factor": 2.0, **changes}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer.save(folder)
    return folder


@pytest.mark.slow
@pytest.mark.golden
@pytest.mark.parametrize("layout", ["fairseq", "hf"])
@pytest.mark.parametrize("size", ["tiny", "large"])
def test_checkpoints_with_the_released_keys_and_shapes_load(size, layout, goldens, tmp_path):
    keys = json.loads(goldens(f"keys/ofa_{layout}_{size}.json").read_text())
    # One number a tensor, stretched to its shape: the file is small and names are told apart.
    values = {key: float(row % 1000) for row, key in enumerate(keys)}
    for key in ("decoder.embed_tokens.weight", "decoder.output_projection.weight"):
        values[key] = values[TABLE]
    tensors = {
        key: torch.full([1], values[key], dtype=getattr(torch, kind)).expand(shape or [1])
        if shape
        else torch.tensor(int(values[key]))
        for key, (shape, kind) in keys.items()
    }
    path = write(tmp_path / "x.bin", {"model": tensors} if layout == "fairseq" else tensors)
    model = read_ofa(path, size)
    assert size_of(model.config) == size
    own = {name: value.flatten()[0].item() for name, value in model.state_dict().items()}
    assert own == {our_name(key): value for key, value in values.items() if our_name(key) in own}


MEASURE = """
import sys, torch
from gcdr.priors.vqa.ofa.conversion import read_ofa

def peak():  # the largest resident set of this process, mapped files included
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024

before = peak()
model = read_ofa(sys.argv[1], "large").requires_grad_(False)
used = [float(parameter.sum()) for parameter in model.parameters()]
print(peak() - before, sum(parameter.nbytes for parameter in model.parameters()), max(used))
"""


@pytest.mark.golden
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from there")
def test_the_large_one_is_never_held_twice(goldens, tmp_path):
    """A file of the full 1.9 GB (its numbers a hole in it) that is read and used to the last byte."""
    keys = json.loads(goldens("keys/ofa_fairseq_large.json").read_text())
    tensors = {
        key: torch.zeros(shape, dtype=getattr(torch, kind)) for key, (shape, kind) in keys.items()
    }
    for key in ("decoder.embed_tokens.weight", "decoder.output_projection.weight"):
        tensors[key] = tensors[TABLE]
    with torch.serialization.skip_data():
        path = write(tmp_path / "ofa_large.pt", {"model": tensors})
    del tensors
    assert path.stat().st_size > 1.89e9
    said = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    held, weights, largest = map(float, said.stdout.split())
    assert largest == 0 and weights < held < 1.2 * weights


@pytest.mark.parametrize("zipped", [True, False])
def test_fairseq_files_are_read_whatever_lies_beside_the_weights(small, tmp_path, zipped):
    content = fairseq(small)
    content["model"]["classification_heads.sentence.dense.weight"] = torch.zeros(2, 2)
    path = write(tmp_path / "a.pt", content, _use_new_zipfile_serialization=zipped)
    found = read_ofa(path, image_size=128)
    assert same(found, small) and found.config.image_size == 128
    assert found.decoder.output_projection.weight is found.encoder.embed_tokens.weight


def test_tensors_that_may_be_missing(small, tmp_path):
    content = fairseq(small)
    state = content["model"]
    for key in list(state):
        if key.endswith(("num_batches_tracked", "_bucket", "version", "position_idx")):
            del state[key]
    del state["decoder.output_projection.weight"], state["decoder.embed_tokens.weight"]
    assert same(read_ofa(write(tmp_path / "a.pt", content), image_size=128), small)


def test_half_precision_becomes_float32(small, tmp_path):
    content = fairseq(small)
    content["model"] = {
        key: value.half() if value.is_floating_point() else value
        for key, value in content["model"].items()
    }
    found = read_ofa(write(tmp_path / "a.pt", content), image_size=128)
    assert all(parameter.dtype == torch.float32 for parameter in found.parameters())
    for key, value in found.state_dict().items():
        assert (value - small.state_dict()[key]).abs().max() <= 1e-3 * value.abs().max()


@pytest.mark.slow
def test_converted_models_answer_like_the_original(small, tmp_path):
    tokenizer = Tokenizer.train(QUESTIONS, 290)
    port = hugging_face(small, tmp_path / "port", tokenizer)
    released = tmp_path / "release"
    released.mkdir()
    write(released / "ofa.pt", fairseq(small))
    pieces = sorted(tokenizer.vocabulary, key=tokenizer.vocabulary.get)[len(SPECIAL) :]
    (released / "encoder.json").write_text(
        json.dumps({piece: number for number, piece in enumerate(pieces)})
    )
    lines = [f"{number} 1" for number in range(len(pieces))]
    (released / "dict.txt").write_text("\n".join(lines) + "\n")
    shutil.copy(port / "merges.txt", released / "vocab.bpe")
    images = torch.rand(2, 3, 128, 128) * 2 - 1
    for weights, kind in ((port, "huggingface"), (released / "ofa.pt", "fairseq")):
        if kind == "fairseq":  # its dictionary ends with <mask>
            model = OFA(small_config(vocabulary=small.config.vocabulary + 1)).eval()
            write(weights, fairseq(model))
        else:
            model = small
        convert_ofa(weights, tmp_path / kind, image_size=128)
        found = OFAForVQA.load(tmp_path / kind)
        assert same(found.model, model)
        assert found.tokenizer.encode_question(QUESTIONS[0]) == tokenizer.encode_question(
            QUESTIONS[0]
        )
        assert len(found.explain(images, QUESTIONS, [1, 2])) == 2
        card = json.loads((tmp_path / kind / "card.json").read_text())
        assert card["layout"] == kind and len(card["files"]) == 4
        assert find_layout(tmp_path / kind).kind == "gcdr"


def test_a_folder_may_hold_safetensors_or_names_of_fairseq(small, tmp_path):
    port = hugging_face(small, tmp_path / "port", Tokenizer.train(QUESTIONS, 290))
    write(port / "pytorch_model.bin", fairseq(small)["model"])
    assert find_layout(port).files[0].endswith("pytorch_model.bin")
    assert same(read_ofa(port / "pytorch_model.bin", image_size=128), small)
    state = {port_name(key): value.clone() for key, value in small.state_dict().items()}
    save_file(state, port / "model.safetensors")
    assert find_layout(port).files[0].endswith("model.safetensors")
    assert same(read_ofa(port / "model.safetensors", image_size=128), small)


def without(key: str) -> Callable[[dict], None]:
    return lambda content: content["model"].pop(key)


def put(key: str, value: object) -> Callable[[dict], None]:
    return lambda content: content["model"].update({key: value})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("encoder.layers.1.fc2.bias"), r"no tensor 'encoder\.layers\.1\.fc2\.bias', 1"),
        (without(TABLE), r"no tensor 'encoder\.embed_tokens\.weight'; not a checkpoint of OFA"),
        (put("decoder.layers.0.w_resid", torch.ones(3)), r"'decoder\.layers\.0\.w_resid', which"),
        (put("encoder.pos_ln.bias", torch.ones(9)), r"pos_ln\.bias' has shape \(9,\), expected"),
        (put("decoder.output_projection.weight", torch.ones(3, 3)), "expected the same table"),
        (put("encoder.embed_image_positions.weight", torch.ones(9, 96)), "position table has 9"),
        (put("encoder.embed_tokens.weight", "text"), "of type str, expected a tensor"),
        (
            lambda content: content["model"].update(dict.fromkeys((TABLE, *TIED), torch.ones(9))),
            r"embed_tokens\.weight' has shape \(9,\), expected 2 axes",
        ),
        (
            put("encoder.layers.x.fc1.weight", torch.ones(3)),
            r"'encoder\.layers\.x\.fc1\.weight', wh",
        ),
        (
            put("encoder.layers.0.self_attn.c_attn", torch.ones(0)),
            "OFA heads: found 0, expected pos",
        ),
        (lambda content: content.update(model={}), "not a checkpoint of OFA"),
        (lambda content: content.update(model=[1, 2]), "not a checkpoint of OFA"),
    ],
)
def test_what_does_not_fit_is_named(small, tmp_path, spoil, said):
    content = fairseq(small)
    spoil(content)
    with pytest.raises(InputError, match=rf"a\.pt: .*{said}"):
        read_ofa(write(tmp_path / "a.pt", content), image_size=128)


@pytest.mark.parametrize(
    ("key", "value"),
    [("disable_entangle", False), ("sync_bn", True), ("attn_scale_factor", 1.0)],
)
def test_training_settings_that_mean_another_model_are_refused(small, tmp_path, key, value):
    path = write(tmp_path / "a.pt", fairseq(small, **{key: value}))
    with pytest.raises(InputError, match=f"trained with {key} = {value}, expected"):
        read_ofa(path, image_size=128)
    folder = hugging_face(small, tmp_path / "f", Tokenizer.train(QUESTIONS, 290), normformer=False)
    with pytest.raises(InputError, match=r"config\.json: trained with normformer = False"):
        convert_ofa(folder, tmp_path / "out")


def test_models_that_continue_a_prompt_are_refused(small, tmp_path, capsys):
    content = fairseq(small)
    for place, task in (("cfg", {"prompt_type": "prev_output"}), ("args", {"prompt_type": "src"})):
        options = argparse.Namespace(**task)
        changed = content | {"args": options if place == "args" else None}
        changed["cfg"] = content["cfg"] | ({"task": options} if place == "cfg" else {})
        with pytest.raises(
            InputError, match=f"prompt_type = '{task['prompt_type']}', expected none"
        ):
            read_ofa(write(tmp_path / "a.pt", changed), image_size=128)
    plain = argparse.Namespace(prompt_type="none", patch_image_size=384)
    content["cfg"]["task"] = plain
    assert same(read_ofa(write(tmp_path / "a.pt", content), image_size=128), small)
    assert "a.pt: trained on images of 384 pixels a side, used with 128" in capsys.readouterr().err
    plain.patch_image_size = 128
    read_ofa(write(tmp_path / "a.pt", content), image_size=128)
    assert not capsys.readouterr().err


def test_other_sizes_are_refused(small, tmp_path):
    path = write(tmp_path / "a.pt", fairseq(small))
    with pytest.raises(InputError, match=r"asked for OFA large, .* no released size: width is 96"):
        read_ofa(path, "large", 128)
    with pytest.raises(InputError, match="OFA size 'grand': expected one of tiny, medium"):
        read_ofa(path, "grand", 128)
    for size in OFAConfig.RELEASED:
        assert size_of(OFAConfig.released(size, image_size=384)) == size


def test_a_vocabulary_that_does_not_fit_is_refused(small, tmp_path):
    folder = hugging_face(small, tmp_path / "f", Tokenizer.train(QUESTIONS, 280))
    with pytest.raises(InputError, match=r"has 280 tokens, .*pytorch_model\.bin has 2\d\d rows"):
        convert_ofa(folder, tmp_path / "out", image_size=128)
    assert not (tmp_path / "out").exists()
    assert OFAConfig.large().vocabulary == RELEASED_PIECES + 8192 + 1000


def test_a_download_that_changed_later_is_not_converted(small, tmp_path):
    folder = hugging_face(small, tmp_path / "f", Tokenizer.train(QUESTIONS, 290))
    record = record_of(folder / "vocab.json")
    record.write_text(json.dumps({"sha256": file_digest(folder / "vocab.json")}))
    convert_ofa(folder, tmp_path / "out", image_size=128)
    record.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(InputError, match=r"vocab\.json: its SHA-256 in the file is"):
        convert_ofa(folder, tmp_path / "again", image_size=128)


@pytest.mark.parametrize("absent", ["merges.txt", "vocab.json", "pytorch_model.bin"])
def test_files_that_are_missing_are_named(small, tmp_path, absent):
    folder = hugging_face(small, tmp_path / "f", Tokenizer.train(QUESTIONS, 290))
    (folder / absent).unlink()
    with pytest.raises(InputError, match=rf"no file .*/f/({absent}|model\.safetensors); expected"):
        convert_ofa(folder, tmp_path / "out")
    with pytest.raises(InputError, match=r"no file .*/f/ofa\.pt; expected ofa\.pt, encoder\.json"):
        find_layout(folder / "ofa.pt")
    missing = str(folder / absent)
    assert missing in find_layout(folder, [missing]).files


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("vocab.json", "[1, 2]", "expected a table"),
        ("vocab.json", '{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 9}', "ids 0 to 4"),
        ("merges.txt", "#version: 0.2\nq7 x\n", "q7"),
        ("encoder.json", "[]", "expected a table"),
    ],
)
def test_broken_vocabularies_are_named(tmp_path, name, content, said):
    Tokenizer.train(QUESTIONS, 290).save(tmp_path)
    shutil.copy(tmp_path / "merges.txt", tmp_path / "vocab.bpe")
    (tmp_path / "dict.txt").write_text("0 1\n")
    (tmp_path / name).write_text(content)
    load = Tokenizer.load_fairseq if name == "encoder.json" else Tokenizer.load
    with pytest.raises(InputError, match=said):
        load(tmp_path)


@pytest.mark.slow
@pytest.mark.golden
def test_a_released_file_gives_the_reference_numbers(goldens, tmp_path):
    """Weights by the reference's names go in, its logits come out."""
    reference, stored = Reference(goldens), np.load(goldens("ofa/nano.npz"))
    model = reference.nano()
    state = {port_name(key): value.clone() for key, value in model.state_dict().items()}
    found = read_ofa(write(tmp_path / "nano.bin", state), image_size=96).eval()
    with torch.no_grad():
        logits = found(
            reference.images("B.img", 1, 3, 64, 96),
            torch.from_numpy(stored["B.in.src_tokens"]),
            torch.from_numpy(stored["B.in.prev_output_tokens"]),
        )
    np.testing.assert_allclose(logits, stored["B.logits"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.safetensors"])
def test_jobs_read_a_released_layout_where_it_is_converted_to(tmp_path: Path, weights: str) -> None:
    about = {"kind": "vqa", "weights": str(tmp_path / "ofa"), "layers": [1], "layer": 1}
    prior = parse_prior("ofa", about)
    assert isinstance(prior, VqaPrior)
    converted = Path("results/weights/ofa-480px")
    assert prior.read_from == converted  # whatever is there will be fetched
    (tmp_path / "ofa").mkdir()
    for name in (weights, "vocab.json", "merges.txt"):
        (tmp_path / "ofa" / name).write_text("")
    (tmp_path / "ofa/config.json").write_text('{"model_type": "ofa"}')
    assert prior.read_from == converted
    ours = parse_prior("ofa", {**about, "weights": "assets/world/vqa"})
    assert isinstance(ours, VqaPrior) and ours.read_from == Path("assets/world/vqa")
