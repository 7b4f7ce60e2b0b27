"""How fast people reach a model: from JPEG files as a plain PyTorch data set reads them, and from our cache.

    python benchmarks/loader.py [--images 600] [--people 1000] [--only 640x480/224] [--device cuda]

Makes the JPEGs, 600 images of 1000 people by default, at 640 x 480 and at 1280 x 960, and loads everybody
in shuffled batches, at the world's size and at GazeFollow's. Plain: each person's image is decoded, resized,
cropped to the head and normalised in a DataLoader with 0, 1 and 2 workers; it augments nothing, which is to
its advantage. Ours: batches as a teacher's training takes them, augmented and with their target maps, in
one process. Last, such batches beside a step of VAT on --device, and the share of a step's time that is
compute: whole batches on a GPU, 8 people at once on a processor. Each case runs in a process of its own
with the memory settings of the workflow's jobs. Files are warm in the page cache. CPU seconds are those of
all processes; a busy machine moves the wall clock.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import normalize, to_tensor

from gcdr.base.tensors import each_tensor
from gcdr.config.preflight import prepare_environment
from gcdr.data import views
from gcdr.data.cache import Pictures, Samples, write_samples
from gcdr.data.crops import HEAD_PADDING, grow
from gcdr.data.manifest import BOX, build_manifest, read_people, write_table
from gcdr.data.originals import Originals, write_originals
from gcdr.data.pictures import open_image
from gcdr.models.precision import set_precision
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.training import batches
from gcdr.training.ahead import ahead
from gcdr.training.loop import shuffled
from gcdr.training.targets import Targets

PICTURES = {"640x480": (640, 480), "1280x960": (1280, 960)}
MODELS = {
    "56": (64, VATConfig.world()),
    "224": (80, VATConfig.paper()),
}  # people in a batch, and model
WORKERS = (0, 1, 2)


def make(folder: Path, images: int, people: int, width: int, height: int) -> None:
    """Write JPEGs of about the bytes of photographs, and their manifest."""
    rng = np.random.default_rng(0)
    for number in range(images):
        layers = [rng.integers(0, 255, (side * 3 // 4, side, 3), np.uint8) for side in (8, 32, 160)]
        coarse, middle, fine = (Image.fromarray(layer).resize((width, height)) for layer in layers)
        picture = Image.blend(Image.blend(coarse, middle, 1 / 3), fine, 1 / 7)
        picture.save(folder / f"{number:06d}.jpg", quality=90)
    chosen = np.sort(np.r_[np.arange(images), rng.integers(0, images, people - images)])
    corner = rng.random((people, 2)) * (0.8, 0.7) * (width, height)
    box = np.hstack([corner, corner + np.array([0.12, 0.2]) * (width, height)])
    rows = pd.DataFrame(box, columns=BOX).assign(width=width, height=height, split="train")
    rows["image"] = [f"{number:06d}.jpg" for number in chosen]
    write_table(build_manifest(rows, "made-up people"), folder / "manifest.parquet")


@contextmanager
def timed(what: str, people: int) -> Iterator[None]:
    """Print people a second, by the wall and by the processor time of this process and its children."""
    start, used = time.perf_counter(), sum(os.times()[:4])
    yield
    wall, cpu = time.perf_counter() - start, sum(os.times()[:4]) - used
    rates = f"{people / wall:7.0f} / s {people / cpu:7.0f} / CPU s"
    print(f"  {what:30s} {wall:6.2f} s {cpu:6.2f} CPU s {rates}", flush=True)


class Shares:
    """CPU seconds that named steps take in this process."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def watch(self, name: str, work: Callable) -> Callable:
        """The same function, its time counted under a name."""

        def watched(*arguments: object, **options: object) -> object:
            start = time.process_time()
            result = work(*arguments, **options)
            self.seconds[name] += time.process_time() - start
            return result

        return watched

    def report(self, whole: float) -> None:
        """Print each step's share of the whole in CPU seconds, and what is left."""
        rest = whole - sum(self.seconds.values())
        parts = [*self.seconds.most_common(), ("other", rest)]
        print("    of it " + ", ".join(f"{name} {part / whole:.0%}" for name, part in parts))


class Plain(Dataset):
    """People from files: everything is done again for each person in each epoch."""

    def __init__(self, people: pd.DataFrame, root: Path, size: int, shares: Shares) -> None:
        self.root, self.size, self.images = root, size, people["image"].tolist()
        self.box = grow(people[BOX].to_numpy(), HEAD_PADDING).tolist()
        self.decode = shares.watch("decoding", lambda path: open_image(path))
        self.resize = shares.watch("resizing", lambda image: image.resize((size, size), 2))
        self.crop = shares.watch("cropping", lambda image, box: image.crop(box))
        self.normalise = shares.watch("normalisation", self._tensor)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, Tensor]:
        image = self.decode(self.root / self.images[row])
        head = self.resize(self.crop(image, self.box[row]))
        box = torch.tensor(self.box[row]) / torch.tensor(image.size * 2)
        mask = views.head_masks(box[None], self.size)[0]
        return self.normalise(self.resize(image)), mask, self.normalise(head)

    @staticmethod
    def _tensor(image: Image.Image) -> Tensor:
        return normalize(to_tensor(image), views.MEAN, views.STD)


def from_files(people: pd.DataFrame, root: Path, size: int, batch: int) -> None:
    """Everybody once, with each number of workers; steps are told where they run in this process."""
    for workers in WORKERS:
        shares = Shares()
        loader = DataLoader(
            Plain(people, root, size, shares), batch, shuffle=True, num_workers=workers
        )
        start = time.process_time()
        with timed(f"files, {workers} workers", len(people)):
            rows = iter(loader)
            assert sum(len(scene) for scene, *_ in rows) == len(people)
            del rows  # waits for the workers, so that their time is counted
        if not workers:
            shares.report(time.process_time() - start)


def labels_of(people: pd.DataFrame) -> pd.DataFrame:
    """Everybody labelled, with a gaze point anywhere in the frame."""
    gaze = np.random.default_rng(0).random((len(people), 2))
    labels = people[["sample_id"]].assign(role="labelled", in_frame=True)
    return labels.assign(gaze_x=gaze[:, 0], gaze_y=gaze[:, 1])


def larger(path: Path) -> Path:
    """Where the larger pictures beside a cache lie."""
    return path.with_name(f"originals-{path.stem}.h5")


def taker(
    people: pd.DataFrame,
    path: Path,
    batch: int,
    model: VAT,
    device: torch.device,
    prefetch: bool = False,
) -> Callable[[int], batches.Batch]:
    """From a step to its batch, as a teacher's training takes it from the cache.

    With ``prefetch`` the next one is drawn and read meanwhile, as there; without, its own time shows.
    """
    samples, originals = Samples.open(path), Originals.open(larger(path))
    labels = labels_of(people)
    ids = labels["sample_id"].to_numpy()
    targets = Targets(ids, labels[["gaze_x", "gaze_y"]].to_numpy(np.float32))
    order = shuffled(ids, batch, 0, "benchmark")

    def drawn(step: int) -> batches.Drawn:
        found = batches.draw_batch(
            samples, originals, targets, order(step), priors=None, rng=(0, "augment", step)
        )
        pinned = prefetch and device.type == "cuda"
        return each_tensor(found, Tensor.pin_memory) if pinned else found

    found = ahead(drawn) if prefetch else drawn

    def take(step: int) -> batches.Batch:
        (taken,) = batches.batches_of(found(step), model, 3.0, device)
        return taken

    return take


def from_cache(people: pd.DataFrame, root: Path, config: VATConfig, batch: int) -> None:
    """Make the cache, and take three times as many people from it as there are."""
    size = config.towers.input_size
    path = root / f"samples-{size}.h5"
    with timed("writing the cache", len(people)):
        write_samples(people, root, size, path, failures=0)
    with timed("writing larger pictures", len(people)):
        write_originals(people, labels_of(people), root, size, larger(path))
    sizes = [file.stat().st_size / 1e6 for file in (path, larger(path))]
    print(f"  on disk: the cache {sizes[0]:.0f} MB, larger pictures {sizes[1]:.0f} MB")
    take = taker(people, path, batch, VAT(config), torch.device("cpu"))
    steps = 3 * len(people) // batch

    def load() -> None:
        for step in range(steps):
            take(step)

    load()
    with timed("cache, augmented", steps * batch):
        load()
    shares, start = Shares(), time.process_time()
    with (
        patch.object(Samples, "stored", shares.watch("copying", Samples.stored)),
        patch.object(Pictures, "in_floats", shares.watch("to float", Pictures.in_floats)),
        patch.object(Originals, "crops", shares.watch("random crops", Originals.crops)),
        patch.object(views, "_sample", shares.watch("head crops", views._sample)),
        patch.object(views, "_recolour", shares.watch("colours", views._recolour)),
        patch.object(views, "_normalise", shares.watch("normalisation", views._normalise)),
        patch.object(views, "head_masks", shares.watch("head masks", views.head_masks)),
        patch.object(batches, "gaussians", shares.watch("targets", batches.gaussians)),
    ):
        load()
    shares.report(time.process_time() - start)


def beside_training(
    people: pd.DataFrame, path: Path, config: VATConfig, batch: int, device: torch.device
) -> None:
    """Preparing batches beside training VAT on them: milliseconds of each, and the share of compute."""
    gpu = device.type == "cuda"
    batch, steps, precisions = (batch, 30, ("fp32", "bf16")) if gpu else (8, 3, ("fp32",))
    model = VAT(config).to(device, memory_format=torch.channels_last)
    take = taker(people, path, batch, model, device)
    optimiser = torch.optim.Adam(model.parameters(), 1e-5)

    def now() -> float:
        if not gpu:
            return time.process_time()
        torch.cuda.synchronize(device)
        return time.perf_counter()

    for precision in precisions:
        set_precision(model, precision)
        moments = []
        for step in range(steps + 1):
            moments.append([now()])
            taken = take(step)
            moments[-1].append(now())
            loss = torch.mean((model(taken.inputs).heatmap - taken.target) ** 2)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            moments[-1].append(now())
        prepare, compute = 1000 * np.median(np.diff(moments[1:]), axis=0)  # the first warms up
        print(
            f"  VAT on {device}, {precision}, {batch} people: batch {prepare:.1f} ms, step {compute:.1f} ms, "
            f"compute {compute / (prepare + compute):.0%}"
        )


def case(name: str, folder: Path, device: torch.device) -> None:
    """One size of pictures and one of the model."""
    torch.set_num_threads(1)
    picture, size = name.split("/")
    batch, config = MODELS[size]
    people = read_people(folder / picture / "manifest.parquet")
    print(f"{picture} JPEGs, {size} pixels, batches of {batch}")
    from_files(people, folder / picture, int(size), batch)
    from_cache(people, folder / picture, config, batch)
    cache = folder / picture / f"samples-{size}.h5"
    beside_training(people, cache, config, batch, device)


def main() -> None:
    cases = [f"{picture}/{size}" for picture in PICTURES for size in MODELS]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--people", type=int, default=1000, help="no fewer than images")
    parser.add_argument("--only", nargs="+", choices=cases, default=cases)
    parser.add_argument(
        "--device", default="cpu", help="of the training step (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="run one case on what was made there")
    options = parser.parse_args()
    if options.folder:
        case(options.only[0], options.folder, torch.device(options.device))
        return
    prepare_environment()
    print(f"processors: {len(os.sched_getaffinity(0))}")
    with tempfile.TemporaryDirectory() as temporary:
        for picture in dict.fromkeys(name.split("/")[0] for name in options.only):
            folder = Path(temporary, picture)
            folder.mkdir()
            make(folder, options.images, options.people, *PICTURES[picture])
            size = sum(path.stat().st_size for path in folder.glob("*.jpg"))
            print(f"{options.images} JPEGs of {picture}: {size / 1e6:.0f} MB")
        for name in options.only:
            command = [sys.executable, __file__, "--only", name, "--folder", temporary]
            command += ["--device", options.device]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
