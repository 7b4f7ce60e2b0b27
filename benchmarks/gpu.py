"""Everything that was never measured on a GPU, in one table beside what is asked of it.

    python benchmarks/gpu.py                        # whoever has a GPU runs this first; at most 20 minutes
    python benchmarks/gpu.py --only prior vat --rounds 5
    python benchmarks/gpu.py --device cpu --small   # that it runs, on any machine, in about a minute

Sizes are the paper's, weights and pictures are made up: nothing is downloaded. Plain is what the released
code does: float32, images as N C H W, the teacher in every batch. A time is the best of the rounds after
one that warms up, on a GPU from one synchronisation to the next. Memory is the most that a part held of the
GPU at once, or the process of the machine so far. A part that fails says why, and the others go on.
"""

import argparse
import math
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import loader
import numpy as np
import torch
import video
from gradcam import QUESTION, random_tokenizer
from torch import Tensor, nn
from training import EPOCHS, LABELLED, UNLABELLED, refinement, training_step

from gcdr import __version__
from gcdr.base.device import pick_device
from gcdr.data.cache import write_samples
from gcdr.data.manifest import read_people
from gcdr.data.originals import write_originals
from gcdr.detection.detector import DetectorConfig, build_detector, detect
from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import ready
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs
from gcdr.models.precision import set_precision
from gcdr.models.sizes import DenoiserConfig, VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import VideoVAT
from gcdr.predictor.film_predictor import predict_frames
from gcdr.predictor.predictor import Predictor
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.refine.diffusion import Schedule, training_pair
from gcdr.settings.job_needs import read_figures

PRIOR, STEP, LOADING = 300, 2.0, 0.05  # people a second, times the plain step, share of a step
Work = Callable[[], object]


@dataclass(frozen=True)
class Bench:
    """Where and how large.

    Attributes:
        device: where to compute.
        size: "paper" or "world".
        rounds: that a time is the best of.
        batch: people of a training step; ``many``, those that are asked at once.
    """

    device: torch.device
    size: str
    rounds: int
    batch: int
    many: int

    def now(self) -> float:
        """Seconds, when all that was asked for is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def seconds(self, work: Work) -> float:
        """Of a piece of work."""
        work()
        taken = []
        for _ in range(self.rounds):
            start = self.now()
            work()
            taken.append(self.now() - start)
        return min(taken)

    def memory(self) -> float:
        """GB that were held at most since the last :meth:`forget`."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 1e9
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

    def forget(self) -> None:
        """Begin to count memory anew."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def people(self, count: int, pixels: int) -> GazeInputs:
        """People in pictures of their own, N C H W."""
        rng = torch.Generator().manual_seed(0)
        scene, crop = torch.randn(2, count, 3, pixels, pixels, generator=rng)
        mask = torch.rand(count, 1, pixels, pixels, generator=rng).round()
        corner = torch.rand(count, 2, generator=rng) / 2
        return GazeInputs(
            images=scene.to(self.device),
            image_of=torch.arange(count, device=self.device),
            head_box=torch.cat([corner, corner + 0.2], 1).to(self.device),
            head_crop=crop.to(self.device),
            head_mask=mask.to(self.device),
        )

    def ways(
        self, model: nn.Module, inputs: GazeInputs
    ) -> Iterator[tuple[str, nn.Module, GazeInputs]]:
        """The model and its inputs: plain, ours, and ours in bf16; one lives at a time."""
        yield "plain", deepcopy(model), inputs
        last = {
            name: getattr(inputs, name).contiguous(memory_format=torch.channels_last)
            for name in ("images", "head_crop", "head_mask")
        }
        for precision in ("fp32", "bf16"):
            ours = deepcopy(model).to(memory_format=torch.channels_last)
            set_precision(ours, precision)
            yield f"ours, {precision}", ours, replace(inputs, **last)


@dataclass(frozen=True)
class Row:
    """A line of the table: what, how many a second, GB, and what is asked with whether it is met."""

    what: str
    rate: float
    unit: str
    memory: float
    asked: str = "–"
    met: bool | None = None

    def __str__(self) -> str:
        met = {None: "–", True: "yes", False: "**no**"}[self.met]
        rate = f"{self.rate:,.1f}" if self.rate < 100 else f"{self.rate:,.0f}"
        return f"| {self.what} | {rate} {self.unit} | {self.memory:.2f} | {self.asked} | {met} |"


def prior(bench: Bench) -> Iterator[Row]:
    """OFA asked and explained, from pictures in memory to maps."""
    tokenizer = random_tokenizer()
    sizes = OFAConfig.large() if bench.size == "paper" else OFAConfig.world()
    sizes = replace(sizes, vocabulary=len(tokenizer))
    for precision in ("fp32", "bf16"):
        bench.forget()
        model = OFA(sizes).to(bench.device)
        vqa = OFAForVQA(model, tokenizer, Search(beam=5, max_length=3), precision=precision)
        images = torch.rand(bench.many, 3, vqa.image_size, vqa.image_size) * 2 - 1
        asked, layer = [QUESTION] * bench.many, [max(1, vqa.depth - 1)]
        rate = bench.many / bench.seconds(
            lambda vqa=vqa, x=images, q=asked, at=layer: vqa.explain(x, q, at)
        )
        told = (f"≥ {PRIOR} people / s", rate >= PRIOR) if precision == "bf16" else ("–", None)
        yield Row(
            f"prior, OFA, {sizes.image_size} px, {precision}",
            rate,
            "people / s",
            bench.memory(),
            *told,
        )


def steps(
    bench: Bench,
    name: str,
    model: nn.Module,
    loss: Callable[[nn.Module, GazeInputs], Tensor],
    asked: bool,
) -> Iterator[Row]:
    """Training steps with Adam, plain and ours."""
    target, plain = (
        torch.rand(bench.batch, model.map_size, model.map_size, device=bench.device),
        0.0,
    )
    for way, one, inputs in bench.ways(model, bench.people(bench.batch, model.input_size)):
        bench.forget()
        work = training_step(one, lambda m=one, x=inputs: loss(m, x), target)
        rate = bench.batch / bench.seconds(work)
        plain = plain or rate
        told = ("–", None)
        if asked and way == "ours, bf16":
            told = (f"≥ {STEP:.0f} x plain: {rate / plain:.1f} x", rate >= STEP * plain)
        yield Row(
            f"{name}, step of {bench.batch}, {way}", rate, "people / s", bench.memory(), *told
        )


def vat(bench: Bench) -> Iterator[Row]:
    """Training steps of VAT."""
    model = VAT(getattr(VATConfig, bench.size)()).to(bench.device)
    yield from steps(bench, "VAT", model, lambda m, x: m(x).heatmap, asked=True)


def denoiser(bench: Bench) -> Iterator[Row]:
    """Training steps of the denoiser."""
    model = Denoiser(getattr(DenoiserConfig, bench.size)()).to(bench.device)
    target = torch.rand(bench.batch, model.map_size, model.map_size, device=bench.device)
    when = torch.randint(1, 501, (bench.batch,), device=bench.device)
    noisy, at = training_pair(Schedule(), target, when, torch.randn_like(target))
    yield from steps(bench, "denoiser", model, lambda m, x: m(noisy, at, x), asked=False)


def refined(bench: Bench) -> Iterator[tuple[str, float]]:
    """Seconds that pseudo-labels of so many people take, by way; ours is folded."""
    model = Denoiser(getattr(DenoiserConfig, bench.size)()).to(bench.device).eval()
    maps = torch.rand(bench.many, model.map_size, model.map_size, device=bench.device)
    for way, one, inputs in bench.ways(model, bench.people(bench.many, model.input_size)):
        bench.forget()
        asked = one if way == "plain" else ready(one, bench.device)
        yield way, bench.seconds(refinement(asked, inputs, maps))


def labels(bench: Bench) -> Iterator[Row]:
    """Refinement of maps."""
    for way, seconds in refined(bench):
        yield Row(f"refinement, {way}", bench.many / seconds, "maps / s", bench.memory())


def student(bench: Bench) -> Iterator[Row]:
    """A student's step with its share of the labels: in every batch (plain), or made once for all epochs."""
    share = UNLABELLED / (UNLABELLED + LABELLED) / bench.many
    label = {way: seconds * share for way, seconds in refined(bench)}
    model = VAT(getattr(VATConfig, bench.size)()).to(bench.device)
    for row in steps(bench, "student", model, lambda m, x: m(x).heatmap, asked=False):
        way = row.what.rpartition(f"{bench.batch}, ")[2]
        each = 1 / row.rate + label[way] / (1 if way == "plain" else EPOCHS)
        yield replace(row, what=f"student with labels, {way}", rate=1 / each)


def loading(bench: Bench) -> Iterator[Row]:
    """Batches of the picture cache beside the steps that learn from them; the next is read meanwhile."""
    config = getattr(VATConfig, bench.size)()
    with tempfile.TemporaryDirectory() as temporary:
        folder, pixels = Path(temporary), config.towers.input_size
        loader.make(folder, 2 * bench.batch, 4 * bench.batch, 640, 480)
        people, cache = read_people(folder / "manifest.parquet"), folder / "samples.h5"
        write_samples(people, folder, pixels, cache, failures=0)
        write_originals(people, loader.labels_of(people), folder, pixels, loader.larger(cache))
        model = VAT(config).to(bench.device, memory_format=torch.channels_last)
        take = loader.taker(people, cache, bench.batch, model, bench.device, prefetch=True)
        optimiser = torch.optim.Adam(model.parameters(), 1e-5)
        for precision in ("fp32", "bf16"):
            bench.forget()
            set_precision(model, precision)
            moments = []
            for step in range(4 * bench.rounds + 1):
                start = bench.now()
                taken = take(step)
                prepared = bench.now()
                loss = torch.mean((model(taken.inputs).heatmap - taken.target) ** 2)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                moments.append([prepared - start, bench.now() - prepared])
            prepare, compute = np.median(moments[1:], axis=0)
            share = prepare / (prepare + compute)
            what, rate = f"batch of {bench.batch} and step", bench.batch / (prepare + compute)
            told = (f"loading ≤ {LOADING:.0%} of it: {share:.1%}", bool(share <= LOADING))
            yield Row(f"{what}, {precision}", rate, "people / s", bench.memory(), *told)


def gazelle(bench: Bench) -> Iterator[Row]:
    """Gaze-LLE: images encoded for its cache, and the decoder's step on tokens."""
    model = Gazelle(getattr(GazelleConfig, bench.size)()).to(bench.device)
    images = torch.randn(16, 3, *model.config.picture_size, device=bench.device)
    for precision in ("fp32", "bf16"):
        bench.forget()
        set_precision(model, precision)
        seconds = bench.seconds(torch.inference_mode()(lambda: model.encode(images)))
        rate = len(images) / seconds
        yield Row(f"Gaze-LLE, backbone, {precision}", rate, "images / s", bench.memory())
    bench.forget()
    inputs = bench.people(bench.batch, model.input_size)
    shape = (bench.batch, model.config.channels, *model.config.grid)
    tokens = replace(inputs, images=None, tokens=torch.randn(shape, device=bench.device))
    decoder = [p for name, p in model.named_parameters() if not name.startswith("backbone.")]
    optimiser = torch.optim.Adam(decoder, 1e-3)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        model(tokens).heatmap.square().mean().backward()
        optimiser.step()

    rate = bench.batch / bench.seconds(step)
    yield Row(
        f"Gaze-LLE, decoder's step of {bench.batch}, bf16", rate, "people / s", bench.memory()
    )


def film(bench: Bench) -> Iterator[Row]:
    """A film of three people a frame, frame by frame and in chunks."""
    frames = list(video.film(16 * (4 if bench.size == "paper" else 1)))
    config = getattr(VideoVATConfig, bench.size)()
    for precision in ("fp32", "bf16"):
        model = VideoVAT(config)
        set_precision(model, precision)
        predictor = Predictor(model, bench.device)
        for chunk in (1, 16):
            bench.forget()
            work = lambda p=predictor, n=chunk: list(predict_frames(p, frames, n))  # noqa: E731
            rate = len(frames) / bench.seconds(work)
            yield Row(
                f"video VAT, chunks of {chunk}, {precision}", rate, "frames / s", bench.memory()
            )


def detection(bench: Bench) -> Iterator[Row]:
    """Bodies found in pictures, by torchvision's detector."""
    config = DetectorConfig.coco() if bench.size == "paper" else DetectorConfig.world()
    detector = build_detector(config).eval().to(bench.device)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (480, 640, 3), np.uint8) for _ in range(4)]
    bench.forget()
    rate = len(images) / bench.seconds(lambda: detect(detector, images))
    yield Row(f"detection, {config.min_size} px, fp32", rate, "images / s", bench.memory())


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    part.__name__: part
    for part in (prior, vat, denoiser, labels, student, loading, gazelle, film, detection)
}


TABLE = read_figures(Path(__file__).parents[1] / "workflow/resources.yaml")


def beside_a_core(size: str) -> dict[str, float]:
    """Seconds of a core for a person, by the row here that does the same."""
    vat, learner = (TABLE.models[f"{kind} {size}"] for kind in ("vat", "denoiser"))
    asked = TABLE.models["vqa large" if size == "paper" else "vqa world"].ask
    return {"VAT, step": vat.learn, "denoiser, step": learner.learn, "prior, OFA": asked}


def for_the_table(rows: list[Row], size: str, libraries: float) -> list[str]:
    """What workflow/resources.yaml says of a GPU, as it was found here.

    Args:
        rows: what was measured.
        size: "paper" or "world".
        libraries: MB of the machine's memory that came with the device's first work.
    """
    faster = [
        row.rate * seconds
        for what, seconds in beside_a_core(size).items()
        for row in rows
        if row.what.startswith(what) and row.what.endswith("fp32")
    ]
    if not faster:
        return []
    return [
        "",
        "For workflow/resources.yaml (beside a core, the slowest of VAT, denoiser and prior in fp32):",
        f"  faster: {min(faster):.2g} # measured, of {', '.join(f'{one:.2g}' for one in faster)}",
        f"  mb: {math.ceil(libraries / 100) * 100:.0f} # measured",
    ]


def resident() -> float:
    """MB of the machine's memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def first_work(device: torch.device) -> float:
    """MB of the machine's memory that a device's libraries take: those of products and convolutions."""
    before = resident()
    picture = torch.randn(1, 3, 64, 64, device=device)
    nn.Conv2d(3, 8, 3).to(device)(picture).square().mean().backward()
    (picture[0, 0] @ picture[0, 1]).sum().item()
    return resident() - before


def machine(device: torch.device) -> str:
    """What the figures are of."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return (
        f"{name or platform.machine()}; torch {torch.__version__}, CUDA {torch.version.cuda}, "
        f"gcdr {__version__}, Python {platform.python_version()}, {torch.get_num_threads()} CPU thread(s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="the demo world's sizes, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=80, help="people in a training step")
    parser.add_argument("--many", type=int, default=64, help="people asked at once")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    device = pick_device(args.device)
    few = (device, "world", 1, 4, 2)
    bench = (
        Bench(*few) if args.small else Bench(device, "paper", args.rounds, args.batch, args.many)
    )
    torch.manual_seed(0)
    libraries = first_work(device)
    print(
        f"{machine(device)}\n\n| what | rate | GB | asked | met |\n| --- | ---: | ---: | --- | --- |"
    )
    start, failed, table = time.perf_counter(), [], sys.stdout
    rows: list[Row] = []
    for name in args.only:
        try:
            with redirect_stdout(sys.stderr):  # what else is said would cut the table
                for row in PARTS[name](bench):
                    rows.append(row)
                    print(row, file=table, flush=True)
        except RuntimeError as error:  # of memory that is not there, above all
            failed.append(name)
            print(f"| {name} | failed: {str(error).partition(chr(10))[0]} | | | |", flush=True)
    print("\n".join(for_the_table(rows, bench.size, libraries)))
    print(f"\n{time.perf_counter() - start:.0f} s in all; {', '.join(failed) or 'no part'} failed")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
