"""Names of what lies under points, by small models of transformers' own classes with random weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_study import CPU, make_study

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.data.label_space import LabelSpace, write_label_space
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.shown import split_identity
from gcdr.data.split import split_labels
from gcdr.data.stores import write_labels
from gcdr.priors.detected_names import name_by_detection
from gcdr.priors.named_people import read_names
from gcdr.priors.region_namers import _around, _texts, named_under, region_namer

NAMES = ("ball", "cat", "cup", "floor", "person", "wall clock")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Models:
    """Folders of a model each, and the vocabulary that they are asked for."""

    owl: Path
    dino: Path
    sam: Path
    clip: Path
    space: LabelSpace


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1}
    small |= {"num_attention_heads": 2}
    text, vision = {**small, "vocab_size": 55}, {**small, "image_size": 64, "patch_size": 16}
    owl, dino, sam, clip = (folder / name for name in ("owl", "dino", "sam", "clip"))

    # A text whose first token is number 0 counts as none.
    pieces = ["!", "<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{one}</w>" for one in LETTERS)]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = transformers.CLIPTokenizer(vocab=numbers, merges=[], model_max_length=16)
    looks = transformers.Owlv2ImageProcessor(size={"height": 64, "width": 64})
    transformers.Owlv2Processor(looks, tokenizer).save_pretrained(owl)
    text_of_owl = {**text, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = transformers.Owlv2Config(
        text_config={**text_of_owl, "max_position_embeddings": 16}, vision_config=vision, projection_dim=32
    )  # fmt: skip
    model = transformers.Owlv2ForObjectDetection(config)
    with (
        torch.no_grad()
    ):  # random heads of so few channels put every box and score at an end of its range
        for head in (model.box_head, model.class_head.logit_scale, model.class_head.logit_shift):
            for one in head.parameters():
                one.mul_(0.05)
    model.save_pretrained(owl)

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", *LETTERS, *(f"##{one}" for one in LETTERS)]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = transformers.BertTokenizer(vocab=numbers, model_max_length=40)
    looks = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 96})
    transformers.GroundingDinoProcessor(looks, tokenizer).save_pretrained(dino)
    config = transformers.GroundingDinoConfig(
        backbone_config={
            "model_type": "swin", "image_size": 64, "embed_dim": 16, "depths": [1, 1, 1, 1],
            "num_heads": [1, 1, 2, 2], "window_size": 4, "out_features": ["stage2", "stage3", "stage4"],
        },
        text_config={"model_type": "bert", **small, "vocab_size": len(words), "max_position_embeddings": 40},
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        encoder_attention_heads=2, decoder_attention_heads=2, num_queries=20, max_text_len=40,
        fusion_dropout=0.0, fusion_droppath=0.0,
    )  # fmt: skip
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(dino)

    looks = transformers.SamImageProcessor(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64},
        mask_size={"longest_edge": 16}, mask_pad_size={"height": 16, "width": 16},
    )  # fmt: skip
    transformers.SamProcessor(looks).save_pretrained(sam)
    config = transformers.SamConfig(
        vision_config={
            **small, "image_size": 64, "patch_size": 16, "output_channels": 32, "num_pos_feats": 16,
            "global_attn_indexes": [0], "window_size": 2, "mlp_dim": 48,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": 32, "mlp_dim": 48, "num_attention_heads": 2, "num_hidden_layers": 1,
            "iou_head_hidden_dim": 32,
        },
    )  # fmt: skip
    transformers.SamModel(config).save_pretrained(sam)

    config = transformers.CLIPConfig(
        text_config={**text, "projection_dim": 24}, vision_config={**vision, "projection_dim": 24},
        projection_dim=24,
    )  # fmt: skip
    transformers.CLIPModel(config).save_pretrained(clip)
    embeddings = np.random.default_rng(0).normal(size=(len(NAMES), 24)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Models(owl, dino, sam, clip, LabelSpace(NAMES, embeddings, "random"))


def picture(width: int = 80, height: int = 50) -> Image.Image:
    drawn = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(drawn)


POINTS = np.array([[20.0, 21.0], [40.5, 39.5], [79.0, 49.0]])


def test_the_surest_box_about_a_point_names_it() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 2, 6, 6], [20, 20, 30, 30]], float)
    scores = np.array([[0.1, 0.5], [0.5, 0.2], [0.9, 0.0]], np.float32)
    points = np.array([[4, 4], [8, 8], [30, 20], [15, 15]], float)
    place, confidence = named_under(boxes, scores, points)
    assert place.tolist() == [0, 1, 0, -1], "of equal scores the smaller box's, and edges belong"
    assert confidence == pytest.approx([0.5, 0.5, 0.9, 0])
    nothing, _ = named_under(np.empty((0, 4)), np.empty((0, 2)), points)
    assert nothing.tolist() == [-1] * 4


@pytest.mark.slow
def test_owl_says_what_transformers_says(models: Models) -> None:
    """Names are embedded once here; transformers embeds them with every picture."""
    import transformers

    image = picture()
    place, confidence = region_namer(models.owl, models.space, models.clip, CPU)(image, POINTS)
    model = transformers.Owlv2ForObjectDetection.from_pretrained(models.owl).eval()
    processor = transformers.Owlv2Processor.from_pretrained(models.owl)
    inputs = processor(text=[list(NAMES)], images=image, return_tensors="pt")
    with torch.inference_mode():
        found = model(**inputs)
    (theirs,) = processor.post_process_grounded_object_detection(
        found, threshold=0, target_sizes=[(image.height, image.width)]
    )
    scores = np.zeros((len(theirs["scores"]), len(NAMES)))
    scores[np.arange(len(scores)), theirs["labels"].numpy()] = theirs["scores"].numpy()
    expected = named_under(theirs["boxes"].numpy(), scores, POINTS)
    assert place.tolist() == expected[0].tolist() and (place >= 0).any()
    assert confidence == pytest.approx(expected[1], abs=1e-5)


@pytest.mark.slow
def test_names_keep_their_tokens_in_grounding_dinos_texts(models: Models) -> None:
    import transformers

    tokenizer = transformers.GroundingDinoProcessor.from_pretrained(models.dino).tokenizer
    texts = _texts(tokenizer, NAMES, 20)
    assert len(texts) > 1 and texts[0][0] == 0
    for first, spans, text in texts:
        tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
        assert len(tokens) <= 20
        for number, (start, end) in enumerate(spans, first):
            said = "".join(tokens[start:end]).replace("##", "")
            assert said == NAMES[number].replace(" ", "")
    assert sum(len(spans) for _, spans, _ in texts) == len(NAMES)
    place, confidence = region_namer(models.dino, models.space, models.clip, CPU)(picture(), POINTS)
    assert ((confidence > 0) == (place >= 0)).all() and (place < len(NAMES)).all()


@pytest.mark.slow
def test_sams_region_is_named_by_clip(models: Models) -> None:
    place, confidence = region_namer(models.sam, models.space, models.clip, CPU)(picture(), POINTS)
    assert ((place >= 0) & (place < len(NAMES))).all()
    assert ((confidence > 1 / len(NAMES) - 1e-6) & (confidence <= 1)).all()
    region = np.zeros((50, 80), bool)
    region[10:20, 30:40] = True
    assert _around(region, np.array([35.2, 12.0])) == (30, 10, 40, 20)
    assert _around(region, np.array([80.0, 50.0])) == (30, 10, 80, 50), "its point belongs to it"
    assert _around(~region & region, np.array([3.5, 4.5])) == (3, 4, 4, 5)


@pytest.mark.slow
def test_other_models_are_refused(models: Models, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found clip, expected .* owlv2, grounding-dino, sam"):
        region_namer(models.clip, models.space, models.clip, CPU)
    with pytest.raises(InputError, match=r"found no config\.json"):
        region_namer(tmp_path, models.space, models.clip, CPU)


@pytest.mark.slow
def test_people_are_named_where_their_pseudo_labels_point(models: Models, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", train=12, test=2)
    people, annotated = read_people(study.manifest), read_annotated(study.manifest)
    labels, out = tmp_path / "labels.parquet", tmp_path / "names.parquet"
    table = split_labels(annotated, 40, 0, 0)
    write_table(table, labels)
    hidden = table.loc[table["role"] == "unlabelled", "sample_id"].to_numpy()
    maps = np.zeros((len(hidden), 8, 8), np.float32)
    maps[:, 2, 5] = 1
    valid = np.arange(len(hidden)) > 0
    about = {"split": split_identity(labels)}
    digest = people_digest(people)
    write_labels(tmp_path / "pseudo.h5", hidden, maps, valid, {}, people=digest, made_by=about)
    write_label_space(tmp_path / "text", models.space)
    place = (tmp_path / "pseudo.h5", study.manifest, study.folder / "images", labels)
    name_by_detection(*place, tmp_path / "text", models.owl, models.clip, CPU, out)
    named = read_names(out, digest, NAMES, 0.0).set_index("sample_id")["place"]
    assert hidden[0] not in named.index, "who has no pseudo-label is not named"
    namer = region_namer(models.owl, models.space, models.clip, CPU)
    for row in people[people["sample_id"].isin(hidden[1:])].to_dict("records"):
        with Image.open(study.folder / "images" / row["image"]) as image:
            point = np.array([[5.5 / 8, 2.5 / 8]]) * image.size
            expected, _ = namer(image.convert("RGB"), point)
        assert named.get(row["sample_id"], -1) == expected[0]
    known = read_json(out.with_suffix(".json"))
    shown = table[table["role"] != "unlabelled"]
    assert known["people"] == shown["gaze_x"].notna().sum()
    assert set(pd.read_parquet(out)["sample_id"]) >= set(
        shown.loc[shown["gaze_x"].notna(), "sample_id"]
    )
