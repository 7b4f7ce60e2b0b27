"""Draw the pipeline, the diffusion and the networks for the documentation: ``python docs/figures/draw.py``.

Sizes and noise come from the code, so that a drawing says what the networks are.
"""

import sys
from pathlib import Path

import torch
from sheet import Sheet

from gcdr.data.heatmaps import gaussians
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.sizes import DenoiserConfig, VATConfig, pooled_size
from gcdr.refine.diffusion import (
    SAMPLERS,
    Sampling,
    Schedule,
    add_noise,
    reverse_step,
    to_network,
    to_state,
)

IMAGES = Path(__file__).parents[1] / "images"
BALL = (134.0, 53.0, 26.0)
COARSE = ((86.0, 84.0, 30.0), (120.0, 46.0, 34.0), (96.0, 30.0, 22.0))


def pipeline() -> Sheet:
    """Figure 2: from few labels and many pictures to a student."""
    sheet = Sheet(
        1120,
        610,
        "The pipeline",
        "Unlabelled people: a VQA model is asked about the person in the green box; Grad-CAM of its "
        "answer is a coarse heatmap, which is noised and denoised by a diffusion model into a pseudo- "
        "label. Labelled people train the diffusion model, choose the timestep while held out, and "
        "train the student together with the pseudo-labels. The student needs the picture and the head "
        "alone.",
    )
    sheet.text((30, 32), "Unlabelled people: most", 16, "start", "blue", bold=True)
    sheet.scene((30, 56), 176, body=True)
    sheet.text((118, 192), "head box, and the body\nthat belongs to it", 11.5, tone="soft")
    sheet.arrow((210, 116), (242, 116))
    question = "“What is the person in\nthe green bounding box\nlooking at?”"
    sheet.box((248, 56), (178, 76), question, "grey", 12)
    sheet.arrow((337, 132), (337, 150))
    sheet.box((248, 154), (178, 42), "VQA model", "blue", 14)
    sheet.text((337, 214), "answers “the ball”", 11.5, tone="soft")
    sheet.arrow((426, 175), (462, 175), (462, 116), (484, 116))
    sheet.scene((490, 56), 176, heat=COARSE)
    sheet.text((578, 192), "Grad-CAM of the word “ball”:\ncoarse, often wrong", 11.5, tone="soft")
    sheet.arrow((670, 116), (706, 116))
    sheet.box(
        (712, 76), (160, 82), "Refine", "orange", 14, "noise it up to t,\ndenoise it from there"
    )
    sheet.arrow((872, 116), (908, 116))
    sheet.scene((914, 56), 176, heat=[BALL])
    sheet.text((1002, 186), "pseudo-label", 11.5, tone="soft")

    sheet.text((30, 408), "Labelled people: few", 16, "start", "green", bold=True)
    sheet.scene((30, 432), 176, head=True, heat=[BALL])
    sheet.text((118, 568), "a Gaussian at the\nannotated point", 11.5, tone="soft")
    sheet.arrow((96, 390), (96, 272), (484, 272), dashed=True)
    sheet.box((490, 252), (176, 40), "Labels held out choose t", "green", 12)
    sheet.arrow((666, 272), (764, 272), (764, 164), dashed=True)
    sheet.arrow((140, 390), (140, 344), (484, 344), words="train", at=(310, 332))
    sheet.box((490, 314), (176, 60), "Diffusion model", "green", 14, "of what labels look like")
    sheet.arrow((666, 344), (820, 344), (820, 164))
    sheet.arrow((210, 492), (706, 492), words="labels", at=(455, 480))
    sheet.box(
        (712, 452), (160, 80), "Student", "purple", 14, "a gaze model, trained\non both together"
    )
    sheet.arrow(
        (1002, 202), (1002, 400), (792, 400), (792, 446), words="pseudo-labels", at=(940, 388)
    )
    sheet.arrow((872, 492), (908, 492))
    sheet.scene((914, 432), 176, head=True, heat=[(131, 55, 25)])
    sheet.text(
        (1002, 568), "where people look: from the\npicture and the head alone", 11.5, tone="soft"
    )
    return sheet


def diffusion() -> Sheet:
    """Figure 3: how the diffusion model learns, and how it refines."""
    sheet = Sheet(
        1120,
        600,
        "Diffusion of heatmaps: training and refinement",
        "Training: a label is noised up to a random timestep, and the U-Net, told the timestep and what "
        "is seen of scene and head, predicts the label. Refinement: a Grad-CAM heatmap is noised up to "
        "timestep t, where a noised label looks much the same, and DDIM walks from there to a clean "
        "map; from pure noise it would start at T.",
    )
    schedule = Schedule(500)
    torch.manual_seed(4)
    noise = torch.randn(3, 1, 16, 16)
    label = gaussians(torch.tensor([[0.72, 0.4]]), 16, 1.6)
    coarse = sum(
        height * gaussians(torch.tensor([[x, y]]), 16, sigma)
        for x, y, sigma, height in (
            (0.66, 0.42, 1.8, 0.9),
            (0.3, 0.8, 1.6, 1.0),
            (0.5, 0.2, 1.2, 0.5),
        )
    ).clamp(0, 1)

    def noised(heatmap: torch.Tensor, time: int):
        index = torch.tensor([time - 1])
        return add_noise(schedule, heatmap, index, noise[0]) if time else heatmap

    sheet.text(
        (30, 34), "(a)  Training, on the labels that there are", 16, "start", "green", bold=True
    )
    for number, time in enumerate((0, 100, 250, 400, 500)):
        x = 30 + 122 * number
        hue = "orange" if time == 250 else "grey"
        sheet.map((x, 62), 88, noised(label, time)[0].numpy(), hue)
        sheet.text((x + 44, 168), "label h₀" if time == 0 else f"t = {time}", 12, tone="soft")
        if number:
            sheet.arrow((x - 31, 106), (x - 6, 106))
    words = "each time at one random t from 1 to T = 500 (Eq. 4, 5)"
    sheet.arrow((318, 182), (318, 214), (782, 214), (782, 152), words=words, at=(530, 228))
    sheet.box((696, 86), (172, 64), "U-Net", "orange", 14, "f(hₜ, t, c) predicts h₀")
    sheet.box((660, 26), (244, 34), "c: scene, head crop, head mask", "blue", 12)
    sheet.arrow((782, 60), (782, 82))
    sheet.arrow((868, 118), (914, 118))
    blurred = gaussians(torch.tensor([[0.69, 0.42]]), 16, 2.0)[0].numpy() * 0.9
    sheet.map((920, 74), 88, blurred)
    sheet.text((964, 184), "f, held to the label by\n‖ h₀ − f ‖²", 12, tone="soft")

    sheet.text((30, 284), "(b)  Refinement, of everybody else", 16, "start", "blue", bold=True)
    size, top = 100, 424
    sampling = Sampling(250, 2, schedule, SAMPLERS["consistent"])
    first, second = sampling.indices
    start = noised(coarse, 250)
    alphas = [float(schedule.alpha_bar[index]) for index in (first, second)]
    # The label stands for what a trained model would predict.
    mean, spread = reverse_step(to_state(start), label, *alphas, eta=1.0)
    between = to_network(mean + spread * noise[1])
    columns = {
        "T = 500": (60, to_network(noise[2])),
        "t = 250": (370, start),
        "t = 125": (660, between),
        "0": (950, label),
    }
    for x, heatmap in columns.values():
        sheet.map((x, top), size, heatmap[0].numpy(), "orange" if x == 950 else "grey")
    sheet.map((370, 296), size, coarse[0].numpy(), "blue")
    sheet.text((360, 336), "Grad-CAM\nheatmap g", 12, "end", "soft")
    sheet.arrow((420, 400), (420, 419))
    sheet.text(
        (480, 410),
        "noised up to t (Eq. 4), where a label looks much the same",
        11.5,
        "start",
        "soft",
    )
    sheet.arrow((164, 474), (364, 474), dashed=True)
    sheet.text((264, 452), "“No Grad-CAM”\nstarts here", 11.5, tone="soft")
    steps = (474, "predict, and step\nback (Eq. 3)"), (764, "predict: this is\nthe pseudo-label")
    for x, said in steps:
        sheet.arrow((x, 474), (x + 20, 474))
        sheet.box((x + 24, 456), (128, 36), "f(hₜ, t, c)", "orange", 12)
        sheet.arrow((x + 152, 474), (x + 180, 474))
        sheet.text((x + 88, 512), said, 11.5, tone="soft")
    sheet.add('<path class="line" d="M60 546 H1050"/>')
    for name, (x, _) in columns.items():
        sheet.add(f'<circle class="head" cx="{x + size / 2:g}" cy="546" r="4"/>')
        sheet.text((x + size / 2, 564), name, 12)
    sheet.text((60, 586), "a late t forgets the map", 11.5, "start", "soft")
    sheet.text((1050, 586), "an early t copies its errors", 11.5, "end", "soft")
    return sheet


def structures() -> Sheet:
    """Figure S1: VAT and VAT-GC, the denoiser, and Gaze-LLE, with the sizes of the paper's configuration."""
    sheet = Sheet(
        1120,
        1024,
        "Structures of the networks",
        "VAT: a scene tower and a head tower; head features and the pooled head mask, in VAT-GC the "
        "pooled Grad-CAM map too, weigh the cells of the scene features; both features together become "
        "a heatmap. The denoiser: the same towers make context maps, which are added in every residual "
        "block of a U-Net that turns a noisy map into a clean one. Gaze-LLE: a frozen backbone encodes "
        "the picture once, a learned vector marks the head, three transformer blocks and a map head "
        "follow.",
    )
    _vat(sheet, 0)
    sheet.add('<path class="line" stroke-opacity="0.35" d="M30 340 H1090"/>')
    _denoiser(sheet, 342)
    sheet.add('<path class="line" stroke-opacity="0.35" d="M30 782 H1090"/>')
    _gazelle(sheet, 782)
    return sheet


def _sides(config: VATConfig) -> list[int]:
    """Sides of the maps between the transposed convolutions."""
    sides = [config.towers.feature_size]
    for kernel, stride in zip(config.decoder_kernels, config.decoder_strides, strict=True):
        sides.append((sides[-1] - 1) * stride + kernel)
    return sides


def _vat(sheet: Sheet, top: float) -> None:
    config = VATConfig.paper(gradcam=True)
    towers, side = config.towers, config.towers.feature_size
    channels, pixels = towers.tower_channels, towers.input_size
    mask = pooled_size(pixels, towers.mask_pools)
    prior = pooled_size(towers.gradcam_size, towers.gradcam_pools)
    shape = f"{channels} × {side} × {side}"
    sheet.text(
        (30, top + 32), "VAT; dashed, what VAT-GC sees beside", 16, "start", "blue", bold=True
    )
    sheet.scene((30, top + 58), 104)
    sheet.text((82, top + 140), f"scene, {pixels} px", 11.5, tone="soft")
    sheet.add(
        f'<rect x="52" y="{top + 156:g}" width="60" height="46" rx="4" fill="#101216" stroke="#6b7077"/>'
        f'<rect x="61" y="{top + 163:g}" width="12" height="13" fill="#f4f4f0"/>'
    )
    sheet.text((82, top + 214), "head mask", 11.5, tone="soft")
    sheet.scene((54, top + 238), 56, part=(23, 16, 31, 29))
    sheet.text((82, top + 302), "head crop", 11.5, tone="soft")
    more = f"ResNet-50 and\n{towers.blocks[-1]} more bottlenecks"
    sheet.box((190, top + 60), (150, 76), "Scene tower", "green", 13, more)
    sheet.arrow((138, top + 92), (184, top + 92))
    sheet.arrow((116, top + 168), (150, top + 168), (150, top + 116), (184, top + 116))
    sheet.box((190, top + 230), (150, 70), "Head tower", "green", 13, "built like the other")
    sheet.arrow((114, top + 265), (184, top + 265))
    sheet.arrow((116, top + 190), (414, top + 190))
    sheet.text((270, top + 178), f"pooled, {mask} × {mask}", 11, tone="soft")
    sheet.box((420, top + 160), (150, 56), "Attention", "orange", 13, f"softmax over {side}² cells")
    sheet.arrow(
        (340, top + 256), (495, top + 256), (495, top + 222), words="mean", at=(420, top + 246)
    )
    sheet.box(
        (604, top + 162), (102, 52), "Grad-CAM", "orange", 12, f"pooled, {prior} × {prior}", True
    )
    sheet.arrow((604, top + 188), (576, top + 188), dashed=True)
    sheet.arrow((340, top + 92), (414, top + 92))
    sheet.text((376, top + 80), shape.replace(" ", ""), 11, tone="soft")
    sheet.box((420, top + 66), (150, 52), "×", "orange", 15, "weigh the cells")
    sheet.arrow((495, top + 160), (495, top + 124))
    sheet.arrow((570, top + 92), (602, top + 92))
    sheet.box(
        (608, top + 60), (132, 64), "Concatenate", "grey", 13, f"{2 * channels} × {side} × {side}"
    )
    sheet.arrow(
        (340, top + 282), (724, top + 282), (724, top + 130), words=shape, at=(540, top + 294)
    )
    first, second = config.compress
    sheet.arrow((740, top + 92), (774, top + 92))
    sheet.box(
        (780, top + 60), (130, 64), "Convolutions", "blue", 13, f"1 × 1, to {first}, {second}"
    )
    sheet.arrow((910, top + 92), (940, top + 92))
    sides = " → ".join(map(str, _sides(config)))
    sheet.box((946, top + 60), (144, 64), "Transposed conv.", "blue", 13, f"{sides} cells")
    sheet.arrow((1018, top + 124), (1018, top + 154))
    answer = gaussians(torch.tensor([[0.84, 0.48]]), 16, 1.8)[0].numpy()
    sheet.map((970, top + 160), 96, answer)
    sheet.text(
        (1018, top + 268), f"heatmap, {config.map_size} × {config.map_size}", 11.5, tone="soft"
    )
    sheet.arrow((757, top + 92), (757, top + 196), (774, top + 196), dashed=True)
    sheet.box((780, top + 170), (130, 52), "In/out", "grey", 12, "where it is trained", True)


def _denoiser(sheet: Sheet, top: float) -> None:
    config = DenoiserConfig.paper()
    levels = range(len(config.widths))
    sides = [config.map_size // config.patch // 2**level for level in levels]
    rows = [top + 118 + 66 * level for level in levels]
    tall, blocks = 44, config.residual_blocks
    sheet.text((30, top + 32), "The denoiser", 16, "start", "orange", bold=True)
    sheet.text((315, rows[0] - 28), "context maps,\nonce for all steps", 11.5, tone="soft")
    channels, cells = config.towers.out_channels, config.towers.feature_size
    towers = f"of scene, mask and crop\n{channels} × {cells} × {cells}"
    sheet.box((30, rows[-1] - 16), (160, 76), "VAT’s towers", "green", 13, towers)
    sheet.arrow((190, rows[-1] + 22), (244, rows[-1] + 22), words="1 × 1", at=(216, rows[-1] + 10))
    down, up, wide = 450, 760, 150
    for level in levels:
        shape = f"{config.widths[level]} × {sides[level]} × {sides[level]}"
        seen = level in config.attention_levels
        hue, note = "purple" if seen else "orange", "and self-attention" if seen else ""
        y = rows[level]
        sheet.box((250, y), (130, tall), shape, "green", 12)
        sheet.arrow((380, y + 22), (down - 6, y + 22))
        sheet.box((down, y), (wide, tall), f"{blocks} residual blocks", hue, 12, note)
        sheet.box((up, y), (wide, tall), f"{blocks + 1} residual blocks", hue, 12, note)
        sheet.arrow((down + wide, y + 22), (up - 6, y + 22), dashed=True)
        sheet.text(((down + wide + up) / 2, y + 12), shape, 11, tone="soft")
        if level:
            for x in (250 + 65, up + wide / 2):
                sheet.arrow((x, y), (x, rows[level - 1] + tall + 5))
            sheet.arrow((down + wide / 2, rows[level - 1] + tall), (down + wide / 2, y - 5))
    bottom = rows[-1] + tall + 18
    sheet.box((596, bottom - 8), (168, 40), "Block, attention, block", "purple", 12)
    sheet.arrow((down + 75, rows[-1] + tall), (down + 75, bottom + 12), (590, bottom + 12))
    sheet.arrow((764, bottom + 12), (up + 75, bottom + 12), (up + 75, rows[-1] + tall + 5))
    label = gaussians(torch.tensor([[0.84, 0.48]]), 16, 1.8)
    torch.manual_seed(2)
    noisy = add_noise(Schedule(500), label, torch.tensor([149]), torch.randn(1, 16, 16))
    sheet.map((down + 45, top + 36), 60, noisy[0].numpy())
    sheet.text((down + 36, top + 66), "noisy\nmap hₜ", 11.5, "end", "soft")
    sheet.arrow((down + 75, top + 97), (down + 75, rows[0] - 5))
    sheet.map((up + 45, top + 36), 60, label[0].numpy())
    sheet.text((up + 116, top + 66), "clean map\nf(hₜ, t, c)", 11.5, "start", "soft")
    sheet.arrow((up + 75, rows[0]), (up + 75, top + 102))
    sheet.box((605, top + 46), (150, 40), "Time t", "blue", 12, "sinusoids, then an MLP")
    sheet.text(
        (932, rows[1] - 4),
        "Every residual block adds\nthe time and the context\nof its level.",
        12,
        "start",
        "soft",
    )
    sheet.text(
        (932, rows[2] + 24),
        "The head puts out the map\n(paper), or its mass,\nblurred as a label is.",
        12,
        "start",
        "soft",
    )


def _gazelle(sheet: Sheet, top: float) -> None:
    config = GazelleConfig.paper(inout=True)
    rows, columns = config.grid
    sheet.text((30, top + 32), "Gaze-LLE", 16, "start", "purple", bold=True)
    y, tall = top + 84, 64
    middle = y + tall / 2
    sheet.text((174, top + 62), "once an image", 12.5, "start", bold=True)
    sheet.text((564, top + 62), "once a person", 12.5, "start", bold=True)
    sheet.scene((30, top + 80), 104)
    sheet.text((82, top + 164), f"{config.input_size} px", 11.5, tone="soft")
    sheet.arrow((138, middle), (168, middle))
    shape = f"{config.channels} × {rows} × {columns}"
    sheet.box((174, y), (160, tall), "Frozen backbone", "green", 13, f"DINOv2, {shape}")
    sheet.arrow((334, middle), (364, middle))
    sheet.box((370, y), (150, tall), "Projection", "blue", 13, f"to {config.width}, and positions")
    sheet.arrow((520, middle), (558, middle))
    sheet.box((564, y), (136, tall), "+", "orange", 13, "in the head’s cells")
    sheet.box((564, top + 182), (136, 40), "Learned vector", "orange", 12)
    sheet.arrow((632, top + 182), (632, y + tall + 5))
    sheet.arrow((700, middle), (730, middle))
    blocks = f"{config.blocks} transformer\nblocks"
    sheet.box((736, y), (124, tall), blocks, "purple", 13)
    sheet.arrow((860, middle), (890, middle))
    sheet.box((896, y), (88, tall), "Map head", "blue", 13)
    sheet.arrow((984, middle), (1004, middle))
    answer = gaussians(torch.tensor([[0.84, 0.48]]), 16, 1.8)[0].numpy()
    sheet.map((1010, y - 8), 80, answer)
    sheet.text((1050, y + 84), f"{config.map_size} × {config.map_size}", 11.5, tone="soft")
    sheet.arrow((798, y + tall), (798, top + 202), (890, top + 202), dashed=True)
    sheet.box((896, top + 182), (88, 40), "In/out", "grey", 12, "", True)


DRAWINGS = {"pipeline": pipeline, "diffusion": diffusion, "structures": structures}


def main(folder: Path = IMAGES) -> None:
    for name, draw in DRAWINGS.items():
        draw().save(folder / f"{name}.svg")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
