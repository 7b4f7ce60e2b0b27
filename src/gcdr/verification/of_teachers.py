"""Teachers that see a prior's map, and diffusion models, on public test pictures (paper, Table 4)."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.base.plain import JsonTable
from gcdr.data.cache import Samples, write_samples
from gcdr.data.manifest import people_alone, people_digest
from gcdr.models.build import load_model, read_card
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeModel
from gcdr.models.released import read_released
from gcdr.models.weights import Undrawn
from gcdr.predictor.predictor import Predictor
from gcdr.refine.labels import refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import RefineSettings, SamplerSettings
from gcdr.verification.claims import CLAIMS, GAZEFOLLOW
from gcdr.verification.verify import LOST, TestSet, claimed_by, precomputed, predicted

PAPERS_NOISE = (500, "linear")


@dataclass(frozen=True)
class Sampled:
    """How a diffusion model is asked, as the paper's Table 4 does where nothing else is said.

    Attributes:
        timestep: how far a prior map is noised; without one it starts from noise.
        steps: DDIM steps; None: 2 from a map, 10 from noise.
        draws: predictions that are averaged.
        seed: of their noise.
    """

    timestep: int = 250
    steps: int | None = None
    draws: int = 10
    seed: int = 0

    def steps_of(self, from_map: bool) -> int:
        """DDIM steps from a map, or from noise."""
        return self.steps or (2 if from_map else 10)

    def record(self, from_map: bool, noise: tuple[int, str]) -> JsonTable:
        """What a submission says of it."""
        start = {"timestep": self.timestep} if from_map else {}
        drawn = {"steps": self.steps_of(from_map), "draws": self.draws, "seed": self.seed}
        return {**start, **drawn, "timesteps": noise[0], "schedule": noise[1]}


@dataclass(frozen=True)
class AskedModel:
    """A model that may need prior maps.

    Attributes:
        model: a gaze model or a diffusion model, on the CPU.
        noise: of a diffusion model, timesteps and schedule of the noise that it was trained with.
    """

    model: GazeModel | Denoiser
    noise: tuple[int, str] | None

    def says(
        self,
        test: TestSet,
        pickles: list[Path] | None,
        depth: Path | None,
        how: Sampled,
        device: torch.device,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Heatmaps (N, H, W) of test people, and who looks into the frame if the model tells.

        Args:
            test: N people.
            pickles: the authors' maps, for a model that sees such.
            depth: folder of the pictures' depth, for a model that sees it.
            how: a diffusion model is asked.
            device: where to compute.

        Raises:
            InputError: as the functions of this module and :func:`gcdr.verification.verify.precomputed`.
        """
        prior = precomputed(pickles, test, self.model.map_size) if pickles else None
        if isinstance(self.model, Denoiser):
            assert self.noise is not None
            return refined(self.model, self.noise, test, prior, how, device, depth), None
        if prior is not None:
            return seen_with_prior(self.model, test, prior, device, depth)
        return predicted(Predictor(self.model, device), test, depth)


def load_teacher(path: Path, backbone: Path | None = None) -> AskedModel:
    """A gaze model or a diffusion model, of a folder or of a released file.

    Raises:
        InputError: it cannot be read, or is neither.
    """
    noise = PAPERS_NOISE
    if path.is_file() and path.suffix not in CHECKPOINTS:
        raise InputError(
            f"{path}: found a file, expected the folder that it lies in, or a .pt file"
        )
    if path.suffix in CHECKPOINTS:
        model, facts = read_released(path, backbone)
        noise = (facts.get("timesteps") or noise[0], noise[1])
    else:
        with Undrawn():
            model = load_model(path, backbone)
        card = read_card(path)
        known = {**(card.get("converted") or {}), **(card.get("settings") or {})}
        noise = (known.get("timesteps", noise[0]), known.get("schedule", noise[1]))
    if not isinstance(model, GazeModel | Denoiser):
        raise InputError(
            f"{path}: found a {type(model).__name__}, expected a gaze model or a diffusion model"
        )
    return AskedModel(model, noise if isinstance(model, Denoiser) else None)


def backbone_of(path: Path) -> str | None:
    """The file of a frozen backbone that the card of a model's folder names."""
    found = None if path.suffix in CHECKPOINTS else (read_card(path).get("backbone") or {})
    return found.get("file") if found else None


def asked_teacher(
    teacher: AskedModel, has_maps: bool, depth: Path | None, claim: str | None, sampled: bool
) -> str:
    """The name of the published numbers that a model is held to, before any picture is read.

    Args:
        teacher: the model.
        has_maps: whether there are maps for it to see.
        depth: folder of the pictures' depth, for it to see.
        claim: as named; None goes by the model.
        sampled: whether somebody says how it is to be sampled.

    Raises:
        InputError: maps, depth, or options of sampling, that it does not take; none that it needs; or a
            diffusion model, or one that sees maps, without a claim.
    """
    diffuses = teacher.noise is not None
    sees = not diffuses and teacher.model.needs.prior
    kind = "diffusion model" if diffuses else teacher.model.kind
    if teacher.model.needs.depth and depth is None:
        raise InputError(
            f"found a {kind} that sees depth; name the folder of the maps with --depth"
        )
    if depth is not None and not teacher.model.needs.depth:
        raise InputError(f"--depth: found a {kind}, which sees no depth")
    if sampled and not diffuses:
        raise InputError(
            f"--timestep, --steps, --draws: found a {kind}, expected a diffusion model"
        )
    if has_maps and not (diffuses or sees):
        raise InputError(f"--maps: found a {kind}, which sees no prior maps")
    if sees and not has_maps:
        raise InputError(f"found a {kind} that sees prior maps; name them with --maps")
    name = ("diffusion-gc" if has_maps else "diffusion") if diffuses else "vat-gc" if sees else ""
    if claim:
        claimed = CLAIMS.get((GAZEFOLLOW, claim))
        if claimed is not None and claimed.teacher != name:
            of = (
                f"a {claimed.teacher}" if claimed.teacher else "a model that sees the picture alone"
            )
            with_maps = " with maps" if has_maps else ""
            raise InputError(f"--claim {claim}: is of {of}; found a {kind}{with_maps}")
        return claim
    if name:
        raise InputError(
            f"found a {kind}, of which nobody can tell how many labels it saw; name that with --claim, such "
            f"as {name}-10"
        )
    return claimed_by(teacher.model)


def seen_with_prior(
    model: GazeModel,
    test: TestSet,
    prior: np.ndarray,
    device: torch.device,
    depth: Path | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a model that sees prior maps (VAT-GC) says of test people.

    Args:
        model: whose ``needs.prior`` is true.
        test: N people.
        prior: (N, G, G) maps in [0, 1], of the model's map size.
        device: where to compute.
        depth: folder of the pictures' depth, for a model that sees it.

    Returns:
        as :meth:`AskedModel.says`.
    """
    with cached(test, model.input_size, depth) as (samples, ids):
        output = Predictor(model, device).of_people(samples, ids, prior)
    inside = None if output.in_frame is None else output.in_frame.sigmoid().numpy()
    return output.heatmap.numpy(), inside


def refined(
    model: Denoiser,
    noise: tuple[int, str],
    test: TestSet,
    prior: np.ndarray | None,
    how: Sampled,
    device: torch.device,
    depth: Path | None = None,
) -> np.ndarray:
    """Maps (N, G, G) that a diffusion model makes of test people, by the released sampler.

    Args:
        model: the diffusion model.
        noise: timesteps and schedule of the noise that it was trained with.
        test: N people.
        prior: (N, G, G) maps in [0, 1], of its map size; None samples from noise.
        how: timestep, steps and draws.
        device: where to compute.
        depth: folder of the pictures' depth, for a model that sees it.

    Raises:
        InputError: a timestep that the noise has not.
    """
    timesteps, schedule = noise
    if prior is not None and not 1 <= how.timestep <= timesteps:
        raise InputError(f"--timestep: found {how.timestep}, expected 1 to {timesteps}")
    from_map = prior is not None
    steps = how.steps_of(from_map)
    if steps > (how.timestep if from_map else timesteps):
        raise InputError(f"--steps: found {steps}, expected no more than timesteps")
    sampler = SamplerSettings.from_json({"timesteps": timesteps, "schedule": schedule})
    start = how.timestep if from_map else None
    settings = RefineSettings(sampler, start, steps, how.draws)
    with cached(test, model.input_size, depth) as (samples, ids):
        ways = [refinement_of(settings, how.seed)]
        (made,) = refine_maps(model, samples, ids, prior, ways, device)
    return made.heatmap.numpy()


@contextmanager
def cached(
    test: TestSet, size: int, depth: Path | None = None
) -> Iterator[tuple[Samples, np.ndarray]]:
    """A picture cache of test people, as the workflow makes one, for as long as it is looked into."""
    if test.kind != GAZEFOLLOW:
        raise InputError(
            f"{test.root}: found {test.kind}, expected GazeFollow: of models that see prior maps nothing is "
            "published elsewhere"
        )
    people = people_alone(test.people)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "samples.h5")
        write_samples(people, test.root, size, path, LOST, depth)
        samples = Samples.open(path, people_digest(people))
        yield samples, people["sample_id"].to_numpy()
