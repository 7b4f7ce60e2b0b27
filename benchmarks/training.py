"""Training and labelling at the paper's sizes, beside a plain loop that works as the released code does.

    python benchmarks/training.py [--batch 8] [--rounds 2] [--device cpu] [PART ...]

Plain: float32, images as N C H W, the teacher in every batch. Ours: channels last, in float32 and in
bf16, and pseudo-labels made once. Random weights and pictures: speed does not depend on them. Each
part runs in a process of its own, whose largest memory is reported; times are the best of the rounds,
in CPU seconds of one thread, or in seconds of the GPU.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import fused, ready
from gcdr.models.interface import GazeInputs
from gcdr.models.precision import set_precision
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.priors.vqa.gradcam import gradcam
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import BOS, EOS, OFA
from gcdr.priors.vqa.ofa.search import Search, beam_search
from gcdr.refine.diffusion import SAMPLERS, Sampling, Schedule, draws, training_pair
from gcdr.refine.maps import conditioned

DRAWS = 10
WAY = Sampling(250, 2, Schedule(), SAMPLERS["consistent"])
EPOCHS, UNLABELLED, LABELLED = 25, 60, 20  # a student's training and its batch (paper)
QUESTION, ANSWER = 16, 3  # tokens of the paper's question and of a usual answer
Work = Callable[[], object]


class Clock:
    """Seconds of a piece of work, best of some rounds after one that warms up (a single one does not)."""

    def __init__(self, device: torch.device, rounds: int) -> None:
        self.device, self.rounds = device, rounds

    def _now(self) -> float:
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def __call__(self, work: Work) -> float:
        if self.rounds > 1:
            work()
        seconds = []
        for _ in range(self.rounds):
            start = self._now()
            work()
            seconds.append(self._now() - start)
        return min(seconds)

    def memory(self) -> float:
        """The most memory that this process has held so far, in GB."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated() / 1e9
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def pictures(count: int, device: torch.device, prior: Tensor | None = None) -> GazeInputs:
    """``count`` people, everybody in a picture of their own."""
    rng = torch.Generator().manual_seed(0)
    scene, crop = torch.randn(2, count, 3, 224, 224, generator=rng)
    mask = torch.zeros(count, 1, 224, 224)
    mask[:, :, 40:90, 60:100] = 1
    return GazeInputs(
        images=scene.to(device),
        image_of=torch.arange(count, device=device),
        head_box=torch.tensor([60.0, 40, 100, 90], device=device).repeat(count, 1) / 224,
        head_crop=crop.to(device),
        head_mask=mask.to(device),
        prior=prior,
    )


def variants(model: nn.Module, inputs: GazeInputs) -> dict[str, tuple[nn.Module, GazeInputs]]:
    """The same model and inputs: plain, ours, ours in bf16."""
    ours = deepcopy(model).to(memory_format=torch.channels_last)
    half = deepcopy(ours)
    set_precision(half, "bf16")
    pixels = {name: getattr(inputs, name) for name in ("images", "head_crop", "head_mask")}
    last = replace(
        inputs, **{k: v.contiguous(memory_format=torch.channels_last) for k, v in pixels.items()}
    )
    return {"plain": (model, inputs), "ours, fp32": (ours, last), "ours, bf16": (half, last)}


def training_step(model: nn.Module, predict: Callable[[], Tensor], target: Tensor) -> Work:
    """A step with Adam and the squared error of heatmaps."""
    optimiser = torch.optim.Adam(model.train().parameters(), 2.5e-4)

    def step() -> None:
        loss = 1e4 * (predict() - target).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def report(name: str, seconds: dict[str, float], count: int) -> None:
    """Print seconds, people a second and how many times faster than the first."""
    base = next(iter(seconds.values()))
    for variant, value in seconds.items():
        rate, factor = count / value, base / value
        print(
            f"{name:34s} {variant:12s} {value:8.2f} s {rate:8.2f} / s {factor:6.2f} x", flush=True
        )


def vat_step(clock: Clock, batch: int) -> None:
    """A training step of VAT."""
    seconds, target = {}, torch.rand(batch, 64, 64, device=clock.device)
    model = VAT(VATConfig.paper()).to(clock.device)
    for name, (kind, inputs) in variants(model, pictures(batch, clock.device)).items():
        step = training_step(kind, lambda m=kind, x=inputs: m(x).heatmap, target)
        seconds[name] = clock(step)
    report(f"VAT, training step of {batch}", seconds, batch)


def denoiser_step(clock: Clock, batch: int) -> None:
    """A training step of the denoiser."""
    seconds, target = {}, torch.rand(batch, 64, 64, device=clock.device)
    times = torch.randint(1, 501, (batch,), device=clock.device)
    noisy, at = training_pair(Schedule(), target, times, torch.randn_like(target))
    model = Denoiser(DenoiserConfig.paper()).to(clock.device)
    for name, (kind, inputs) in variants(model, pictures(batch, clock.device)).items():
        step = training_step(kind, lambda m=kind, x=inputs: m(noisy, at, x), target)
        seconds[name] = clock(step)
    report(f"denoiser, training step of {batch}", seconds, batch)


def compiled_steps(clock: Clock, batch: int) -> None:
    """Training steps of VAT as they are and compiled; compiling itself happens in the round that warms up."""
    target = torch.rand(batch, 64, 64, device=clock.device)
    kinds = variants(VAT(VATConfig.paper()).to(clock.device), pictures(batch, clock.device))
    for name in ("ours, fp32", "ours, bf16"):
        model, inputs = kinds[name]
        seconds = {}
        for way, kind in ((name, model), ("compiled", torch.compile(deepcopy(model)))):
            step = training_step(kind, lambda m=kind, x=inputs: m(x).heatmap, target)
            seconds[way] = clock(step)
        report(f"VAT, training step of {batch}", seconds, batch)


def refinement(model: Denoiser, inputs: GazeInputs, maps: Tensor, count: int = 1) -> Work:
    """Pseudo-labels of people from their Grad-CAM maps."""
    noise = torch.randn(count, len(WAY.indices), *maps.shape, device=maps.device)

    @torch.inference_mode()
    def work() -> Tensor:
        return draws(conditioned(model, inputs), maps, noise, WAY).mean(0)

    return work


def refine_maps(clock: Clock, batch: int) -> None:
    """Refinement of 64 maps, and what the teacher takes of a student's training."""
    seconds, count = {}, 64
    model = Denoiser(DenoiserConfig.paper()).eval().to(clock.device)
    maps = torch.rand(count, 64, 64, device=clock.device)
    for name, (kind, inputs) in variants(model, pictures(count, clock.device)).items():
        asked = kind if name == "plain" else fused(kind)
        seconds[name] = clock(refinement(asked, inputs, maps))
    report(f"refinement of {count} maps", seconds, count)
    each = {name: value / count for name, value in seconds.items()}
    shares = {"plain": EPOCHS * each["plain"]}
    shares |= {name: each[name] for name in each if name != "plain"}
    report(f"teacher, a person, {EPOCHS} epochs", shares, 1)


def student_epochs(clock: Clock, batch: int) -> None:
    """A batch of a student's training with the teacher in it, and ours with labels made before."""
    others = batch * UNLABELLED // (UNLABELLED + LABELLED)
    target = torch.rand(batch, 64, 64, device=clock.device)
    inputs = pictures(batch, clock.device)
    student, teacher = VAT(VATConfig.paper()), Denoiser(DenoiserConfig.paper()).eval()
    models = variants(student.to(clock.device), inputs)
    teachers = variants(teacher.to(clock.device), pictures(others, clock.device))
    seconds = {}
    for name, (kind, seen) in models.items():
        step = training_step(kind, lambda m=kind, x=seen: m(x).heatmap, target)
        labeller, people = teachers[name]
        labeller = labeller if name == "plain" else fused(labeller)
        label = refinement(labeller, people, target[:others])
        share = 1 if name == "plain" else 1 / EPOCHS
        seconds[name] = clock(step) + share * clock(label)
    report(f"student's batch of {batch} with labels", seconds, batch)


def person(clock: Clock, count: int, what: str) -> None:
    """Seconds and memory of one kind of test-time model for ``count`` people."""
    device, maps = clock.device, torch.rand(count, 64, 64, device=clock.device)
    if what.startswith("OFA"):
        sizes = {"OFA-large": OFAConfig.large(), "OFA-world": OFAConfig.world()}[what]
        work = vqa(sizes, count, device)
    elif what == "diffusion-GC":
        model = ready(Denoiser(DenoiserConfig.paper()), device)
        work = refinement(model, pictures(count, device), maps, DRAWS)
    else:
        prior = maps[:, None] if what == "VAT-GC" else None
        model = VAT(replace(VATConfig.paper(prior is not None), inout=False))
        model = ready(model, device)
        inputs = pictures(count, device, prior)
        work = torch.inference_mode()(lambda: model(inputs))
    seconds = clock(work) / count
    print(
        f"{what:34s} {count:3d} at once {seconds:10.3f} s a person {clock.memory():8.2f} GB",
        flush=True,
    )


def vqa(sizes: OFAConfig, count: int, device: torch.device) -> Work:
    """Answers of a usual length by a beam of 5, and the Grad-CAM map of the second last layer."""
    torch.manual_seed(0)
    model = OFA(sizes).eval().requires_grad_(False).to(device)
    images = torch.rand(count, 3, sizes.image_size, sizes.image_size, device=device) * 2 - 1
    tokens = torch.randint(4, sizes.vocabulary, (count, QUESTION), device=device)
    tokens[:, 0], tokens[:, -1] = BOS, EOS

    def work() -> Tensor:
        encoded = model.encode(images, tokens)
        memory = model.decoder.remember(encoded)
        found = beam_search(model, memory, Search(beam=5, max_length=ANSWER, min_length=ANSWER))
        answers = [each[0].tokens for each in found]
        layer = max(1, sizes.decoder_layers - 1)
        return gradcam(model, memory, encoded.grid, answers, [ANSWER - 1] * count, [layer])

    return torch.no_grad()(work)


PARTS: dict[str, Callable[[Clock, int], None]] = {
    "vat": vat_step,
    "denoiser": denoiser_step,
    "refinement": refine_maps,
    "student": student_epochs,
    "compiled": compiled_steps,
    **{
        f"person-{what}": lambda clock, _, what=what, count=count: person(clock, count, what)
        for what, count in (
            ("VAT", 8),
            ("VAT-GC", 8),
            ("diffusion-GC", 4),
            ("OFA-world", 8),
            ("OFA-large", 1),
        )
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--batch", type=int, default=8, help="people in a training step")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"found {sorted(unknown)}, expected some of {list(PARTS)}")
    if len(options.parts) == 1:
        torch.set_num_threads(1)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        clock = Clock(torch.device(options.device), options.rounds)
        PARTS[options.parts[0]](clock, options.batch)
        return
    common = [
        f"--batch={options.batch}",
        f"--rounds={options.rounds}",
        f"--device={options.device}",
    ]
    for part in options.parts or PARTS:
        subprocess.run([sys.executable, __file__, part, *common], check=True)


if __name__ == "__main__":
    main()
