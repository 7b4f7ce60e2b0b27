"""How fast the stages are on this machine, in people a second of one thread.

    python benchmarks/throughput.py

Random weights and drawn pictures; every figure is the best of three rounds, in CPU seconds.
"""

import time
from collections.abc import Callable

import torch

from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.refine.diffusion import Schedule, training_pair
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

ROUNDS, BATCH = 3, 64


def rate(work: Callable[[], object], people: int) -> float:
    """People a CPU second, best of the rounds; one round to warm up."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return people / min(seconds)


def training_step(model: torch.nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return step


def main() -> None:
    torch.set_num_threads(1)
    size = VATConfig.world().towers.input_size
    shapes = [(BATCH, 3, size, size), (BATCH, 1, size, size), (BATCH, 3, size, size)]
    scene, mask, crop = (
        torch.rand(shape).contiguous(memory_format=torch.channels_last) for shape in shapes
    )
    inputs = GazeInputs(
        images=scene,
        image_of=torch.arange(BATCH),
        head_box=torch.rand(BATCH, 4),
        head_crop=crop,
        head_mask=mask,
    )
    target = torch.rand(BATCH, 32, 32)
    vat = VAT(VATConfig.world()).to(memory_format=torch.channels_last).train()
    denoiser = Denoiser(DenoiserConfig.world()).to(memory_format=torch.channels_last).train()
    schedule = Schedule()

    def denoise() -> torch.Tensor:
        clean = target.repeat(3, 1, 1)
        times = torch.randint(1, 501, (len(clean),))
        noisy, time_ = training_pair(schedule, clean, times, torch.randn(clean.shape))
        return ((denoiser.predict(noisy, time_, denoiser.context(inputs)) - clean) ** 2).mean()

    def gaze() -> torch.Tensor:
        return ((vat(inputs).heatmap - target) ** 2).mean()

    def draw() -> None:
        for index in range(BATCH):
            render(draw_scene(0, index, STYLES["gaze"]))

    vqa = OFAForVQA.load("assets/world/vqa", "cpu", Search(max_length=8))
    images = torch.rand(BATCH, 3, vqa.image_size, vqa.image_size) * 2 - 1
    asked = ["What is the person in the green bounding box looking at?"] * BATCH
    for name, work in {
        "draw a scene, 320 x 240": draw,
        "answer, beam 5, and Grad-CAM of 2 layers": lambda: vqa.explain(images, asked, [1, 2]),
        "VAT, training": training_step(vat, gaze),
        "denoiser, training, 3 draws": training_step(denoiser, denoise),
    }.items():
        print(f"{name:44s} {rate(work, BATCH):8.1f} / s")


if __name__ == "__main__":
    main()
