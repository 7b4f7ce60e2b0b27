"""Seconds that this machine needs: models of a configuration's sizes asked and trained for a moment.

Weights are random unless the time depends on them (a VQA model's answers have a length, a detector finds more
or less), and pictures are drawn or noise: nothing of a data set need be there.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gcdr.base.plain import Config
from gcdr.config.asked import used_gaze_models
from gcdr.config.gaze_checks import token_teachers
from gcdr.data.cache import Pictures
from gcdr.data.crops import head_pixels
from gcdr.detection.detector import detect, load_detector
from gcdr.forecast.learning_rates import Learner, counted_together, least_seconds
from gcdr.forecast.model_bytes import share_of
from gcdr.methods import TEACHERS
from gcdr.models.folding import ready
from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeInputs, GazeModel, SeesPeople
from gcdr.models.named import kind_of
from gcdr.models.sizes import WEIGHTS_FILE
from gcdr.predictor.predictor import BLOCK
from gcdr.priors.inquiry import OUT_OF_MEMORY
from gcdr.priors.kinds.registry import read_priors
from gcdr.priors.kinds.vqa_kind import VqaPrior
from gcdr.priors.vqa.asking import load_vqa
from gcdr.priors.vqa.nouns import WordFinder, find_tagger
from gcdr.priors.vqa.question import image_array
from gcdr.refine.diffusion import Schedule, training_pair
from gcdr.settings.job_needs import ModelFigures, ResourceTable, gaze_row, vqa_row
from gcdr.settings.learning import (
    consistency_training,
    denoiser_training,
    gaze_model,
    gaze_training,
)
from gcdr.training.denoising import initial_denoiser
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

HIGH = 300  # pixels of a picture from which a VQA model is slow on a CPU
START = "import pandas, h5py, torch, gcdr.training.gaze"
TIMES = 3  # that this is started


@dataclass(frozen=True)
class Rates:
    """What was measured.

    Attributes:
        models: rows of the table of figures, as they are here.
        start: CPU seconds in which an interpreter has what a training imports.
        notes: what else there is to say: rows that were left as they are.
        too_large: a line for each batch that does not fit.
        on_gpu: whether the models' seconds are those of a GPU.
    """

    models: Mapping[str, ModelFigures]
    start: float
    notes: Sequence[str]
    too_large: Sequence[str] = ()
    on_gpu: bool = False

    def laid_over(self, table: ResourceTable) -> ResourceTable:
        """The table with these rows, and all other times by how fast an interpreter starts here."""
        slower = self.start / table.start
        rules = {
            name: replace(
                row, seconds=row.seconds * slower, seconds_person=row.seconds_person * slower
            )
            for name, row in table.rules.items()
        }
        faster = (
            table.gpu.faster if self.on_gpu else 1.0
        )  # measured figures are a GPU's seconds then
        others = {
            name: replace(
                row, ask=row.ask / faster, step=row.step / faster, learn=row.learn / faster
            )
            for name, row in table.models.items()
        }
        gpu = replace(table.gpu, faster=table.gpu.faster / faster)
        models = {**others, **self.models}
        return replace(table, models=models, rules=rules, start=self.start, gpu=gpu)


def measure_rates(
    config: Config, rules: Set[str], table: ResourceTable, device: torch.device
) -> Rates:
    """Measure what the jobs of a plan stand on.

    Args:
        config: the configuration.
        rules: names of the rules that have jobs.
        table: the figures that hold where nothing is measured.
        device: where models compute.
    """
    found: dict[str, ModelFigures] = {}
    told: list[str] = []
    too_large: list[str] = []
    for name, work in _works(config, rules, device, told, too_large):
        known = table.models.get(name, table.models["other"])
        try:
            found[name] = replace(known, **work())
        except RuntimeError as error:
            if not OUT_OF_MEMORY.search(str(error)):
                raise
            halved = name.startswith("vqa ")  # by the job that asks
            lines = told if halved else too_large
            lines.append(
                f"{name}: does not fit into memory here; the figures of the table are taken"
            )
    return Rates(found, starting(), told, too_large, device.type == "cuda")


def starting() -> float:
    """CPU seconds in which an interpreter has what a training imports, the least of some."""
    taken = []
    for _ in range(TIMES):
        job = subprocess.Popen([sys.executable, "-c", START])
        _, _, used = os.wait4(job.pid, 0)
        taken.append(used.ru_utime + used.ru_stime)
    return min(taken)


def _works(
    config: Config,
    rules: Set[str],
    device: torch.device,
    told: list[str],
    too_large: list[str],
) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """Rows of the table, and what measures their seconds."""
    if rules & GAZE:
        for name in used_gaze_models(config):
            settings = gaze_model(config, name)
            yield gaze_row(settings), partial(_of_gaze, config, name, device, rules, too_large)
    if rules & DENOISING:
        size = config["diffusion"]["model"]
        yield f"denoiser {size}", partial(_of_denoiser, config, device, rules, too_large)
    if "gradcam" in rules:
        for name, prior in read_priors(config).items():
            if not isinstance(prior, VqaPrior):
                continue
            weights = prior.read_from / WEIGHTS_FILE
            if weights.is_file():
                yield vqa_row(weights, prior.released.size), partial(_of_vqa, prior, device)
            else:
                told.append(
                    f"priors.{name}: {weights} is not there; not measured (snakemake ready makes it)"
                )
    if "detect" in rules:
        weights = Path(config["detect"]["weights"])
        if weights.exists():
            row = f"detector {'paper' if weights.suffix else 'world'}"
            yield row, partial(_of_detector, weights, device)
        else:
            told.append(f"detect.weights: {weights} is not there; not measured")


GAZE = {
    "train_teacher", "train_student", "train_online_student", "train_token_student", "train_consistency",
    "evaluate", "tokens", "predict_folder", "predict_unlabelled", "label_curve",
}  # fmt: skip
DENOISING = {
    "train_diffusion", "train_fold", "train_mapping", "make_labels", "sweep", "choose_timestep",
    "refine_folder", "step_maps",
}  # fmt: skip
HOLDS_TWO = {"train_consistency"}


def _of_gaze(
    config: Config, name: str, device: torch.device, rules: Set[str], too_large: list[str]
) -> dict[str, float]:
    settings = gaze_model(config, name)
    kind = kind_of(settings.kind)
    model = kind.build(kind.sized(settings.size, False)).to(device)
    recipe = gaze_training(config, share_of(config), name, student=True).recipe
    people, asked = counted_together(model, BLOCK, device), ready(model, device).eval()
    shown = made_up_people(asked, people, device)
    ask = least_seconds(torch.inference_mode()(lambda: asked(shown)), device) / people

    def loss(count: int) -> Callable[[], Tensor]:
        inputs = _tokens(model, made_up_people(model, count, device))
        target = torch.rand(count, model.map_size, model.map_size, device=device)

        def of_batch() -> Tensor:
            output = model(inputs)
            branch = model.branch_loss(output, target)
            found = model.objective(output.heatmap, target)
            return found if branch is None else found + branch

        return of_batch

    learner = Learner(model, name, loss, device, too_large)
    learn = learner.seconds(recipe, "gaze.recipe")
    alone = gaze_training(config, share_of(config), name, student=False).recipe
    if "train_teacher" in rules and alone.batch > recipe.batch:
        learner.try_batch(alone, "gaze.teacher", "labels alone")
    if HOLDS_TWO & rules:
        for teacher, by in (("vat-mt", "Mean Teacher"), ("vat-pi", "a second view")):
            about = TEACHERS[teacher]
            held = consistency_training(config, share_of(config), about, name).recipe
            learner.try_batch(held, f"gaze.{about.unlabelled_settings}.recipe", by, twice=True)
    if "train_token_student" in rules and token_teachers(settings.kind):
        learner.try_batch(recipe, "gaze.recipe", "a teacher's tokens", twice=True)
    return {"ask": ask, "learn": learn}


def _of_denoiser(
    config: Config, device: torch.device, rules: Set[str], too_large: list[str]
) -> dict[str, float]:
    training = denoiser_training(config, share_of(config))
    recipe, draws = training.recipe, training.recipe.draws
    model = initial_denoiser(training.network, None, 0).to(device)
    people, size, asked = (
        counted_together(model, BLOCK, device),
        model.map_size,
        ready(model, device).eval(),
    )
    shown = made_up_people(asked, people, device)
    maps, when = (
        torch.rand(people, size, size, device=device),
        torch.full((people,), 9.0, device=device),
    )
    with torch.inference_mode():
        context = asked.context(shown)
        ask = least_seconds(lambda: asked.context(shown), device) / people
        one = least_seconds(lambda: asked.predict(maps, when, context), device) / people

    def loss(count: int) -> Callable[[], Tensor]:
        inputs = made_up_people(model, count, device)
        target = torch.rand(draws * count, size, size, device=device)
        times = torch.randint(1, training.timesteps, (draws * count,), device=device)
        noisy, at = training_pair(Schedule(), target, times, torch.randn_like(target))
        return lambda: model.objective(model(noisy, at, inputs), target)

    learner = Learner(model, "diffusion", loss, device, too_large)
    learn = learner.seconds(recipe, "diffusion.recipe")
    if HOLDS_TWO & rules:
        teacher = TEACHERS["diffusion-mt"]
        held = consistency_training(config, share_of(config), teacher, None).recipe
        learner.try_batch(held, "diffusion.mean_teacher.recipe", "Mean Teacher", twice=True)
    return {"ask": ask, "step": one, "learn": learn / draws}


def _of_vqa(prior: VqaPrior, device: torch.device) -> dict[str, float]:
    _, tag = find_tagger(prior.tagger)
    model = load_vqa(prior.read_from, prior, WordFinder(tag, prior.word), device)
    side = model.image_size
    count = 2 if side > HIGH and device.type == "cpu" else 16
    images = torch.from_numpy(np.stack([image_array(scene, side) for scene in _scenes(count)]))
    asked = [prior.questions.body] * count
    return {
        "ask": least_seconds(lambda: model.explain(images, asked, prior.layers), device) / count
    }


def _of_detector(weights: Path, device: torch.device) -> dict[str, float]:
    detector = load_detector(weights).to(device)
    images = _scenes(2)
    return {"ask": least_seconds(lambda: detect(detector, images), device) / len(images)}


def _scenes(count: int) -> list[Image.Image]:
    """Scenes of the demo world."""
    return [Image.fromarray(render(draw_scene(0, n, STYLES["gaze"]))) for n in range(count)]


def made_up_people(model: SeesPeople, count: int, device: torch.device) -> GazeInputs:
    """Inputs of ``count`` people, each in a picture of noise of their own, as far as a model needs them."""
    size, rng = model.input_size, torch.Generator().manual_seed(0)
    corner = 0.7 * torch.rand(count, 2, generator=rng)
    side = head_pixels(size)
    pictures = Pictures(
        torch.rand(count, 3, size, size, generator=rng).to(device),
        torch.arange(count, device=device),
        torch.rand(count, 3, side, side, generator=rng).to(device),
        torch.cat([corner, corner + 0.2], 1).to(device),
        torch.rand(count, size, size, generator=rng).to(device) if model.needs.depth else None,
    )
    maps = getattr(model, "map_size", 1)
    prior = torch.rand(count, 1, maps, maps, device=device) if model.needs.prior else None
    return gaze_inputs(pictures, model, prior=prior)


def _tokens(model: GazeModel, inputs: GazeInputs) -> GazeInputs:
    """Of a model on a frozen backbone its tokens, which training reads from a file."""
    if not model.needs.tokens or inputs.images is None:
        return inputs
    with torch.no_grad():
        return replace(inputs, images=None, tokens=model.encode(inputs.images))
