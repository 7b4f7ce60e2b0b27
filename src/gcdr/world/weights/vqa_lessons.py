"""Teaching a small OFA the demo world from pictures, questions and text answers alone.

No coordinate reaches the model: neither boxes nor gaze points nor maps enter a loss. The green box is
painted into the picture, as it is when the model is asked. Training has two parts, both from text: the
image stem first learns which nouns a caption holds, then the whole model learns to answer.
"""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from gcdr.base.seeds import derive, numpy_rng
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import BOS, EOS, OFA, PAD
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.priors.vqa.question import draw_box, normalise
from gcdr.training.loop import Recipe, fit, shuffled
from gcdr.world.lessons import Lesson, VQARecipe
from gcdr.world.questions import NOUNS, questions_about
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

WIDTH, HEIGHT = 320, 240
VOCABULARY_SIZE = 512
TEST_SCENES = 500
BOX_JITTER = 0.03  # of the picture: detected boxes are not exact


@dataclass(frozen=True)
class AskedPictures:
    """Pictures of asked people and what may be said of them.

    Attributes:
        pixels: (N, S, S, 3) uint8, the green box painted in; mapped from a file.
        texts: for each picture, kind of question -> (question, answer).
    """

    pixels: np.ndarray
    texts: list[dict[str, tuple[str, str]]]


def draw_pictures(
    path: Path, style: str, seed: int, scenes: int, size: int, workers: int
) -> AskedPictures:
    """Draw scenes of a style; one picture for every person in them."""
    task = partial(_draw, style, seed, size)
    texts: list[dict[str, tuple[str, str]]] = []
    with ProcessPoolExecutor(workers) as pool, path.open("wb") as file:
        parts = pool.map(task, range(scenes), chunksize=32)
        for people in tqdm(parts, f"drawing {style}", scenes, unit="scene", mininterval=10):
            for pixels, pairs in people:
                file.write(pixels)
                texts.append(pairs)
    return AskedPictures(np.memmap(path, np.uint8, "r", shape=(len(texts), size, size, 3)), texts)


def _draw(
    style: str, seed: int, size: int, index: int
) -> list[tuple[bytes, dict[str, tuple[str, str]]]]:
    scene = draw_scene(seed, index, STYLES[style])
    picture = Image.fromarray(render(scene, WIDTH, HEIGHT, supersample=1))
    people = []
    for number, person in enumerate(scene.people):
        rng = numpy_rng(seed, "questions", index, number)
        box = np.array(person.body_box) + rng.uniform(-BOX_JITTER, BOX_JITTER, 4)
        asked = draw_box(picture, tuple(box * [WIDTH, HEIGHT, WIDTH, HEIGHT]))
        pairs = {kind: pair for kind, pair in questions_about(scene, number, rng).items() if pair}
        people.append(
            (np.asarray(asked.resize((size, size), Image.Resampling.BICUBIC)).tobytes(), pairs)
        )
    return people


def to_input(pixels: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (N, S, S, 3) to the model's (N, 3, S, S) in [-1, 1]."""
    return torch.tensor(pixels, device=device).permute(0, 3, 1, 2).float() / 127.5 - 1


def teach_stem(
    model: OFA,
    pictures: AskedPictures,
    recipe: VQARecipe,
    seed: int,
    device: torch.device,
    log: Path,
) -> None:
    """First part: the stem's cells vote for the nouns of the caption (multiple-instance learning)."""
    stem = model.encoder.embed_images
    voter = nn.Conv2d(model.config.image_channels, len(NOUNS), 1).to(device)
    named = torch.tensor(
        [[noun in _words(text["caption"][1]) for noun in NOUNS] for text in pictures.texts]
    ).float()
    order = shuffled(np.arange(len(pictures.texts)), 64, seed, "stem")

    def loss_of_step(step: int) -> Tensor:
        rows = np.sort(order(step))
        votes = voter(stem(to_input(pictures.pixels[rows], device)))
        return F.binary_cross_entropy_with_logits(
            votes.flatten(2).logsumexp(2), named[rows].to(device)
        )

    fit(
        nn.ModuleList([stem, voter]),
        loss_of_step,
        Recipe(recipe.stem_steps, 64, recipe.stem_lr),
        log,
        "image stem",
    )


def teach_answers(
    model: OFA,
    tokenizer: Tokenizer,
    pictures: AskedPictures,
    lesson: Lesson,
    number: int,
    seed: int,
    device: torch.device,
    log: Path,
) -> nn.Module:
    """A lesson: answer questions, with teacher forcing and the mean negative log-likelihood."""
    order = shuffled(np.arange(len(pictures.texts)), lesson.batch, seed, f"answers{number or ''}")
    asked: dict[str, list[int]] = {}
    answered: dict[str, list[int]] = {}
    for question, answer in {pair for of_picture in pictures.texts for pair in of_picture.values()}:
        asked[question] = tokenizer.encode_question(normalise(question))
        answered[answer] = tokenizer.encode_answer(answer)

    def loss_of_step(step: int) -> Tensor:
        rows = np.sort(order(step))
        of_batch = [pictures.texts[row] for row in rows]
        pairs = [texts.get(kind, texts["gaze"]) for texts in of_batch for kind in lesson.kinds]
        source = pad([asked[question] for question, _ in pairs]).to(device)
        target = pad([[*answered[answer], EOS] for _, answer in pairs]).to(device)
        previous = torch.cat([torch.full_like(target[:, :1], BOS), target[:, :-1]], 1)
        logits = model(to_input(pictures.pixels[rows], device), source, previous)
        return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)

    return fit(
        model,
        loss_of_step,
        Recipe(lesson.steps, lesson.batch, lesson.lr, 0.01, horizon=lesson.horizon),
        log,
        "OFA",
    )


def pad(rows: list[list[int]]) -> Tensor:
    """Token lists as one (N, longest) tensor, padded on the right."""
    length = max(map(len, rows))
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


def _words(text: str) -> set[str]:
    return set(text.replace(",", " ").split())


def teach_world_vqa(
    recipe: VQARecipe, seed: int, device: torch.device, workers: int, out: Path
) -> None:
    """Teach and measure the world's OFA; write it with its tokenizer and card.

    The model learns from scenes of the style "web" and is asked about scenes of the style "gaze",
    which differ a little: that is why some of its Grad-CAM maps are systematically wrong.

    Args:
        recipe: how it is taught.
        seed: seed of scenes, weights and order.
        device: where to compute.
        workers: processes that draw.
        out: folder of the model.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        base = OFAConfig.world()
        pictures = draw_pictures(
            Path(scratch, "learn"), "web", seed, recipe.scenes, base.image_size, workers
        )
        tokenizer = Tokenizer.train(
            _texts(pictures, {*recipe.lessons[0].kinds, "caption"}), VOCABULARY_SIZE
        )
        torch.manual_seed(derive(seed, "OFA weights"))
        model = OFA(OFAConfig.world(vocabulary=len(tokenizer))).to(device)
        teach_stem(model, pictures, recipe, seed, device, out / "stem.csv")
        for number, lesson in enumerate(recipe.lessons):
            log = out / f"lesson{number + 1}.csv"
            model = teach_answers(model, tokenizer, pictures, lesson, number, seed, device, log)
    write_world_vqa(model, tokenizer, recipe, seed, len(pictures.texts), device, workers, out)


def write_world_vqa(
    model: nn.Module,
    tokenizer: Tokenizer,
    recipe: VQARecipe,
    seed: int,
    pictures: int,
    device: torch.device,
    workers: int,
    out: Path,
) -> None:
    """Round the weights to half precision, measure the model and write it with its card."""
    vqa = OFAForVQA(model.half().float(), tokenizer, Search(max_length=8))
    accuracy = {}
    with tempfile.TemporaryDirectory() as scratch:
        for style in STYLES:
            path = Path(scratch, style)
            asked = draw_pictures(path, style, seed + 1, TEST_SCENES, vqa.image_size, workers)
            accuracy[style] = answer_accuracy(vqa, asked, device)
    vqa.model.half()
    vqa.save(
        out,
        {
            "what": "OFA of the demo world; learned from pictures, questions and text answers alone",
            "recipe": recipe.to_json(),
            "seed": seed,
            "learned_from": f"{pictures} pictures of scenes of the style 'web'",
            "answer_accuracy": accuracy,
            "measured_on": f"people of {TEST_SCENES} further scenes of each style",
        },
    )


def _texts(pictures: AskedPictures, kinds: set[str]) -> list[str]:
    """All questions, as they are normalised and as they are put, and answers of some kinds."""
    pairs = (
        of_picture[kind] for of_picture in pictures.texts for kind in kinds if kind in of_picture
    )
    texts = {text for pair in pairs for text in pair}
    return sorted({*map(normalise, texts), *texts})


def answer_accuracy(vqa: OFAForVQA, pictures: AskedPictures, device: torch.device) -> float:
    """Share of pictures on which the answer to the gaze question is exactly right."""
    right = 0
    for start in range(0, len(pictures.texts), 64):
        pairs = [of_picture["gaze"] for of_picture in pictures.texts[start : start + 64]]
        images = to_input(pictures.pixels[start : start + 64], device)
        found = vqa.explain(images, [question for question, _ in pairs], [1])
        right += sum(e.answer == answer for e, (_, answer) in zip(found, pairs, strict=True))
    return round(right / len(pictures.texts), 4)
