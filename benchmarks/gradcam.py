"""The prior's cost: our batched closed form beside a loop that does what the authors' script does.

    python benchmarks/gradcam.py                                   # OFA-tiny, 480 px, this machine's CPU
    python benchmarks/gradcam.py --dtype bf16                      # the same, read in half precision
    python benchmarks/gradcam.py --size large --device cuda --dtype bf16 --batch 64 --through-files 10000

Random weights, so answers are cut at ``--answer`` tokens, about as long as real ones. The authors' loop
takes one person at a time in float32: encode, search with all beams and no cache (the decoder runs
again over the whole answer, and projects the image again for every beam), encode a second time with
gradients, and differentiate back through the whole transformer. Its maps are compared with ours.
``--through-files`` runs the whole stage, from JPEG files to the store.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.stores import read_prior
from gcdr.priors.kinds.vqa_kind import AskSettings, Questions
from gcdr.priors.vqa.asking import ask_people
from gcdr.priors.vqa.gradcam import gradcam
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import BOS, OFA, DecoderState, Encoded, Memory
from gcdr.priors.vqa.ofa.search import Search, beam_search
from gcdr.priors.vqa.ofa.tokenizer import RELEASED_PIECES, SPECIAL, Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA

QUESTION = "What is the person in the green bounding box looking at?"
SIZES = ("tiny", "medium", "base", "large", "huge")


def clock(device: torch.device) -> float:
    """Seconds: of the CPU's work here alone, so that other jobs do not count, or of the GPU's time."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def timed(work: Callable[[], object], device: torch.device) -> tuple[float, object]:
    start = clock(device)
    result = work()
    return clock(device) - start, result


def random_tokenizer() -> Tokenizer:
    """As many tokens as the released one has; the pieces are made up."""
    pieces = [*SPECIAL, *sorted(Tokenizer.train(["a"], 260).vocabulary.keys() - set(SPECIAL))]
    pieces += [f"madeupword{number}" for number in range(RELEASED_PIECES - len(pieces))]
    return Tokenizer({piece: number for number, piece in enumerate(pieces)}, [])


class Uncached:
    """A model whose every step decodes the whole answer again, for every beam."""

    def __init__(self, model: OFA, encoded: Encoded) -> None:
        self.model, self.encoded, self.config = model, encoded, model.config

    def step(self, tokens: Tensor, memory: Memory, state: DecoderState) -> Tensor:
        answer = torch.cat([state.past[0][0], tokens], 1) if state.past else tokens
        state.past = [(answer, answer)]  # the search reorders what lies here
        states = self.encoded.states.repeat_interleave(len(tokens), 0)
        repeated = Encoded(states, self.encoded.position, None, self.encoded.grid)
        return self.model.decode(repeated, answer)[:, -1]


@contextmanager
def watched_attention() -> Iterator[list[Tensor]]:
    """All attention probabilities computed meanwhile; backward fills their gradients."""
    softmax, seen = Tensor.softmax, []

    def watch(*arguments, **options) -> Tensor:
        probabilities = softmax(*arguments, **options)
        probabilities.retain_grad()
        seen.append(probabilities)
        return probabilities

    Tensor.softmax = watch
    try:
        yield seen
    finally:
        Tensor.softmax = softmax


def authors_way(
    model: OFA, vqa: OFAForVQA, image: Tensor, source: Tensor, beam: int, layer: int
) -> tuple[str, np.ndarray]:
    """The answer and the map of one person, as the script computes them."""
    search = Search(beam=beam, max_length=vqa.search.max_length)
    with torch.no_grad():
        encoded = model.encode(image, source)
        batch = Memory([(encoded.states, encoded.states)], encoded.position, None)
        answer = beam_search(Uncached(model, encoded), batch, search)[0][0].tokens
    decoded = vqa.tokenizer.decode(answer)
    _, step = vqa.finder(decoded.text, decoded.spans)
    model.zero_grad(set_to_none=True)
    previous = torch.tensor([[BOS, *answer[:step]]], device=image.device)
    with torch.enable_grad(), watched_attention() as seen:
        logits = model.decode(model.encode(image, source), previous)[0, -1]
        logits.softmax(-1)[answer[step]].backward()
    keys = encoded.states.shape[1]
    cross = [a for a in seen if a.shape[-1] == keys and a.shape[-2] == previous.shape[1]]
    cells = encoded.grid[0] * encoded.grid[1]
    product = (cross[layer - 1] * cross[layer - 1].grad)[:, -1, :cells]
    cam = product.relu().mean(0).detach().unflatten(0, encoded.grid)
    return decoded.text, cam.cpu().numpy()


def half_precision(vqa: OFAForVQA, images: Tensor, layer: int, device: torch.device) -> None:
    """What reading in half precision does to the maps of equal answers."""
    source = vqa.questions([QUESTION] * len(images)).to(device)
    maps, answers = [], None
    for reader in (vqa.model, vqa._reader):
        pixels = images.to(device, reader.encoder.embed_tokens.weight.dtype)
        with torch.no_grad():
            encoded = reader.encode(pixels, source)
            memory = reader.decoder.remember(encoded)
        answers = answers or [best[0].tokens for best in beam_search(reader, memory, vqa.search)]
        steps = [len(answer) - 2 for answer in answers]
        maps.append(gradcam(vqa.model, memory, encoded.grid, answers, steps, [layer])[:, 0])
    for row, (exact, half) in enumerate(zip(*(m.cpu().numpy() for m in maps), strict=True)):
        print(f"    bf16 against fp32, picture {row}, same answer: {agreement(half, exact)}")


def our_stages(
    vqa: OFAForVQA, images: Tensor, layer: int, device: torch.device
) -> dict[str, float]:
    """Seconds of the parts of our way, each timed by itself."""
    reader = vqa._reader
    weight = reader.encoder.embed_tokens.weight
    pixels = images.to(device, weight.dtype)
    source = vqa.questions([QUESTION] * len(images)).to(device)
    with torch.no_grad():
        trunk, _ = timed(lambda: reader.encoder.embed_images(pixels), device)
        whole, encoded = timed(lambda: reader.encode(pixels, source), device)
        project, memory = timed(lambda: reader.decoder.remember(encoded), device)
        search, found = timed(lambda: beam_search(reader, memory, vqa.search), device)
    answers = [best[0].tokens for best in found]
    steps = [len(answer) - 2 for answer in answers]
    explain, _ = timed(
        lambda: gradcam(vqa.model, memory, encoded.grid, answers, steps, [layer]), device
    )
    return {
        "image stem": trunk,
        "encoder": max(whole - trunk, 0.0),
        "keys and values": project,
        "search": search,
        "Grad-CAM": explain,
    }


def agreement(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Deviation in units of the greatest value, rank correlation, shift of the peak in cells."""
    ranks = [np.argsort(np.argsort(cam.ravel())) for cam in (ours, theirs)]
    peaks = [np.array(np.unravel_index(cam.argmax(), cam.shape)) for cam in (ours, theirs)]
    return (
        f"largest deviation {np.abs(ours - theirs).max() / theirs.max():.1e} of the maximum, "
        f"rank correlation {np.corrcoef(*ranks)[0, 1]:.4f}, "
        f"peak moved {np.abs(peaks[0] - peaks[1]).max()} cells"
    )


def compare(args: argparse.Namespace, vqa: OFAForVQA, device: torch.device) -> None:
    layer = max(vqa.depth - 1, 1)
    generator = torch.Generator().manual_seed(args.seed)
    size = vqa.image_size
    coarse = torch.rand(args.batch, 3, size // 32, size // 32, generator=generator) * 2 - 1
    images = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(-1, 1)
    asked = [QUESTION] * args.batch
    vqa.explain(images[:1], asked[:1], [layer])  # warm up
    rounds = max(1, args.people // args.batch)
    seconds = 0.0
    for _ in range(rounds):
        taken, found = timed(lambda: vqa.explain(images, asked, [layer]), device)
        seconds += taken
    ours = seconds / (rounds * args.batch)
    print(f"ours, batch {args.batch}, beam 5, {args.dtype}: {1 / ours:8.3f} people/s")
    parts = our_stages(vqa, images, layer, device)
    for name, taken in parts.items():
        print(f"    {name:16s} {taken / args.batch:8.4f} s  {taken / sum(parts.values()):6.1%}")
    if args.dtype == "bf16":
        half_precision(vqa, images[:4], layer, device)
    model = vqa.model.requires_grad_(True)
    model.encoder.embed_images.requires_grad_(False)
    source = vqa.questions([QUESTION]).to(device)
    for beam, people in ((5, args.baseline), (100, args.baseline100)):
        taken = 0.0
        for row in range(people):
            image = images[row % args.batch][None].to(device)
            once, (answer, cam) = timed(
                lambda image=image, beam=beam: authors_way(model, vqa, image, source, beam, layer),
                device,
            )
            taken += once
            if beam == vqa.search.beam:
                ours_here = found[row % args.batch]
                same = "same" if ours_here.answer == answer else "another"
                print(f"    person {row}, {same} answer: {agreement(ours_here.heatmap[0], cam)}")
        if people:
            theirs = taken / people
            print(
                f"authors' way, batch 1, beam {beam}, fp32: {1 / theirs:8.4f} people/s; "
                f"ours is {theirs / ours:.1f} times as fast"
            )


def through_files(args: argparse.Namespace, vqa: OFAForVQA, device: torch.device) -> None:
    """The whole stage on made-up people, in four parts, with the memory after each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        vqa.save(folder / "vqa", {})
        rng = np.random.default_rng(args.seed)
        (folder / "images").mkdir()
        for number in range(64):
            coarse = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
            coarse.resize((640, 480), Image.Resampling.BICUBIC).save(
                folder / f"images/{number:02d}.jpg"
            )
        count = args.through_files
        ids = np.arange(count)
        manifest, bodies = folder / "manifest.parquet", folder / "bodies.parquet"
        table = pd.DataFrame({"sample_id": ids, "image": [f"{row % 64:02d}.jpg" for row in ids]})
        left = rng.uniform(0, 400, count)
        head = {"head_x0": left, "head_y0": 20.0, "head_x1": left + 50, "head_y1": 80.0}
        write_table(table.assign(width=640, height=480, **head, split="train"), manifest)
        body = {"body_x0": left, "body_y0": 10.0, "body_x1": left + 150, "body_y1": 470.0}
        write_table(table[["sample_id"]].assign(**body, score=1.0, detected=True), bodies)
        settings = AskSettings(
            questions=Questions(QUESTION, QUESTION, QUESTION), layers=(vqa.depth - 1,), tagger="rules",
            max_length=args.answer, precision=args.dtype, block=args.batch,
        )  # fmt: skip
        for part in range(1, 5):
            out = folder / f"{part}-of-4.h5"
            start = time.perf_counter()
            ask_people(
                manifest, folder / "images", bodies, folder / "vqa", settings,
                part, 4, args.workers, 0.0, device, out,
            )  # fmt: skip
            taken = time.perf_counter() - start
            host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            gpu = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
            print(
                f"part {part} of 4: {count / 4 / taken:8.2f} people/s with loading the model; "
                f"peak so far {host:.2f} GiB host, {gpu:.2f} GiB GPU"
            )
        store = read_prior(out, people_digest(read_people(manifest)), ids[-1:])
        print(f"valid: {bool(store.valid.all())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--people", type=int, default=8, help="asked in our way")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--baseline", type=int, default=2, help="people asked in the authors' way")
    parser.add_argument("--baseline100", type=int, default=1, help="the same with beam 100")
    parser.add_argument("--answer", type=int, default=3, help="tokens of an answer")
    parser.add_argument("--through-files", type=int, default=0, help="people, from JPEG to store")
    parser.add_argument("--workers", type=int, default=1, help="threads that read pictures")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    model = OFA(getattr(OFAConfig, args.size)()).to(device)
    search = Search(beam=5, max_length=args.answer)
    vqa = OFAForVQA(model, random_tokenizer(), search, precision=args.dtype)
    print(f"OFA-{args.size}, {vqa.image_size} px, {device}, answers of {args.answer} tokens")
    if args.through_files:
        through_files(args, vqa, device)
    else:
        compare(args, vqa, device)


if __name__ == "__main__":
    main()
