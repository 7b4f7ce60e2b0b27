"""Tiny trainings of every sort, by one process and by two; a script that forks them, as importing is dear.

    python trained_by_ranks.py FOLDER

FOLDER is what :func:`prepare` made. Plain gradient descent stands for Adam, which makes steps of the learning
rate out of gradients that are nothing but rounding (of a bias before a batch norm). Rates are small: rounding
grows where a ReLU or a maximum turns, and first weights changed by 1e-7 end as far apart.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tiny_study import (
    CPU,
    DIFFUSION,
    GAZE,
    MAPS,
    REFINE,
    SAMPLING,
    make_study,
    pictures_of,
)

from gcdr.data.manifest import read_annotated, read_people, write_table
from gcdr.data.split import split_labels
from gcdr.models.encoding import write_tokens
from gcdr.models.named import initial_gaze_model, kind_of
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.training import loop, ranks, resume, run
from gcdr.training.consistency import train_consistency_model
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.mapping import train_mapping_model
from gcdr.training.online import train_online_student
from gcdr.training.recipes import (
    DiffusionConsistency,
    GazeConsistency,
    GazeModelSettings,
    MappingTraining,
    MeanTeacher,
    OneModel,
    OnlineTraining,
    Recipe,
    TokenTraining,
)
from gcdr.training.token_student import train_token_student

STEPS, FEWER = {"student": 20}, 4
GAZE_LR, SMALL_LR = 0.002, 0.0003
DENOISER_LR = 3.0  # its last layer is 0 at first, and what that hands back little
FILM, DROPPED = 6, 0.2
KILLED, AT = "student", 8  # which training loses a process, and at which step
BACKBONE = str(Path(__file__).parents[1] / "assets/world/frozen")
FROZEN = GazeModelSettings("gazelle", "world", BACKBONE)
HELD = MeanTeacher(consistency=4.0, labelled_per_batch=2, ramp_up=0, warm_up=1, steps=2)


def prepare(folder: Path) -> None:
    """A study whose people partly look out of the frame, films, tokens, a diffusion teacher and raw maps."""
    study = make_study(folder)
    people = read_annotated(study.manifest)
    some = people.index[people["split"] == "train"][::4]
    people.loc[some, ["gaze_x", "gaze_y", "in_frame"]] = [np.nan, np.nan, False]
    labels = folder / "labels.parquet"
    write_table(split_labels(people, 50, 0.2, 0), labels)
    given = pictures_of(study, labels)
    once = replace(DIFFUSION, recipe=replace(DIFFUSION.recipe, steps=1))
    train_diffusion_model(*given, None, once, 0, CPU, folder / "teacher")
    make_labels(
        "raw", study.manifest, labels, "unlabelled", study.samples, study.prior, None,
        LabelSettings(MAPS), 0, CPU, folder / "raw.h5",
    )  # fmt: skip
    model = initial_gaze_model(FROZEN, False, None, 0)
    images, tokens = folder / "images", folder / "tokens.h5"
    write_tokens(read_people(study.manifest), images, model, BACKBONE, CPU, tokens, failures=0)
    seen = [tokens, *given[1:]]
    short = replace(GAZE, model=FROZEN, recipe=replace(GAZE.recipe, steps=1))
    train_gaze_model(*seen, None, None, None, short, 0, CPU, folder / "gazelle")
    film = make_study(folder / "film", 24, 6, film=FILM)
    shown = split_labels(read_annotated(film.manifest), 50, 0, 0, by="sequence")
    write_table(shown, film.folder / "labels.parquet")
    pictures_of(film, film.folder / "labels.parquet")


def trainings(folder: Path) -> dict[str, Callable[[Path], None]]:
    """Every sort of training by name, from the folder of its model on."""

    def given(place: Path) -> list[Path]:
        return [place / name for name in ("samples.h5", "labels.originals.h5", "labels.parquet")]

    def recipe(name: str, whole: Recipe, **changes: object) -> Recipe:
        lr = GAZE_LR if whole is GAZE.recipe else DENOISER_LR
        return replace(whole, steps=STEPS.get(name, FEWER), lr=lr, weight_decay=0.0, **changes)

    seen, film, prior, raw = (
        given(folder),
        given(folder / "film"),
        folder / "prior.h5",
        folder / "raw.h5",
    )
    tokens = [folder / "tokens.h5", *seen[1:]]
    student = replace(GAZE, recipe=replace(recipe("student", GAZE.recipe), lr=SMALL_LR))
    plain = replace(GAZE, recipe=recipe("online", GAZE.recipe, batch=6))
    frozen = replace(plain, model=FROZEN, in_frame=0.5)
    video = replace(
        plain,
        model=GazeModelSettings("video-vat"),
        recipe=replace(plain.recipe, batch=8, frames=3),
    )
    diffusion = replace(DIFFUSION, recipe=recipe("diffusion", DIFFUSION.recipe, batch=5, own=0.5))
    taught = Recipe(FEWER, 5, SMALL_LR, weight_decay=0.0, ema=None)
    gaze_taught = GazeConsistency(GAZE.model, taught, HELD, GAZE.sigma)
    earlier, sure = (
        replace(gaze_taught, unlabelled=OneModel(4.0, 2, ramp_up=0, strategy=name, threshold=0.1))
        for name in ("temporal-ensembling", "fixmatch")
    )
    tower = GazeModelSettings("gazelle-tower")
    by_tokens = TokenTraining(tower, FROZEN, replace(taught, lr=GAZE_LR))
    taught = replace(taught, lr=DENOISER_LR)
    diffusion_taught = DiffusionConsistency(DIFFUSION.network, taught, HELD, SAMPLING)
    online = OnlineTraining(plain, replace(REFINE, redraw="online"))
    mapped = MappingTraining(DIFFUSION.network, replace(taught, batch=4, ema=0.9))
    return {
        "student": lambda out: train_gaze_model(*seen, raw, None, None, student, 0, CPU, out),
        "frozen": lambda out: train_gaze_model(*tokens, None, None, None, frozen, 0, CPU, out),
        "video": lambda out: train_gaze_model(*film, None, None, None, video, 0, CPU, out),
        "diffusion": lambda out: train_diffusion_model(*seen, None, diffusion, 0, CPU, out),
        "mapping": lambda out: train_mapping_model(*seen, prior, None, mapped, 0, CPU, out),
        "gaze mean teacher": lambda out: train_consistency_model(
            *seen, None, gaze_taught, 0, CPU, out
        ),
        "temporal ensembling": lambda out: train_consistency_model(
            *seen, None, earlier, 0, CPU, out
        ),
        "fixmatch": lambda out: train_consistency_model(*seen, None, sure, 0, CPU, out),
        "diffusion mean teacher": lambda out: train_consistency_model(
            *seen, None, diffusion_taught, 0, CPU, out
        ),
        "online": lambda out: train_online_student(
            *seen, raw, folder / "teacher", None, online, 0, CPU, out
        ),
        "token student": lambda out: train_token_student(
            *seen, folder / "gazelle", folder / "tokens.h5", None, by_tokens, 0, CPU, out
        ),
    }


def descent(parameters: list, lr: float, weight_decay: float, foreach: bool) -> torch.optim.SGD:
    """Stands for every optimiser."""
    return torch.optim.SGD(parameters, lr, weight_decay=weight_decay, foreach=foreach)


def dropping(sizes: dict) -> None:
    """Let the small frozen model leave out branches, as the paper's does."""
    whole = sizes["world"]
    sizes["world"] = lambda prior: replace(whole(prior), drop_path=DROPPED)


def noting(fit: Callable, folder: Path) -> Callable:
    """The loop, which keeps the first weights of each model in a file beside it."""

    def noted(model: torch.nn.Module, *given: object, **named: object) -> torch.nn.Module:
        log = given[2]
        torch.save(model.state_dict(), folder / f"{log.parent.name}.first")
        return fit(model, *given, **named)

    return noted


def forked(work: Callable[[], None], environment: dict[str, str], log: Path) -> int:
    """The number of a process that does some work and ends with 0, or with 1 and the reason in its log."""
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.environ |= environment
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def by_two(first: Callable[[], None], second: Callable[[], None], log: Path) -> list[int]:
    """What two processes end with."""
    about = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    each = [(first, about | {"RANK": "0", "LOCAL_RANK": "0"})]
    each += [(second, about | {"RANK": "1", "LOCAL_RANK": "1"})]
    return ended([forked(*one, log.with_suffix(f".{rank}")) for rank, one in enumerate(each)])


def free_ports(count: int) -> list[str]:
    """Ports that nobody uses: a process that is done sooner must not meet the other one's past."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ended(numbers: list[int]) -> list[int]:
    """Exit statuses of processes."""
    return [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in numbers]


def dying(work: Callable[[], None], step: int) -> None:
    """Work that ends by SIGKILL before the gradients of a step are added up."""
    steps, added = iter(range(1, step)), ranks.Ranks.add_gradients

    def add(self: ranks.Ranks, parameters: list) -> None:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        added(self, parameters)

    ranks.Ranks.add_gradients = add
    work()


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("warn")
    loop.OPTIMISERS = dict.fromkeys(loop.OPTIMISERS, descent)
    dropping(kind_of("gazelle").sizes)
    every = trainings(folder)

    ports = free_ports(len(every) + 1)

    def all_of(place: str, names: Iterable[str], ports: list[str]) -> None:
        run.fit = noting(run.fit, folder) if place == "one" else run.fit
        for name, port in zip(names, ports, strict=True):
            os.environ["MASTER_PORT"] = port
            every[name](folder / place / name)

    alone = ended([forked(partial(all_of, "one", every, ports[1:]), {}, folder / "one.log")])

    def begun() -> None:
        resume.SAVE_SECONDS = 0
        all_of("two", [KILLED], ports[:1])

    broken = by_two(begun, partial(dying, begun, AT), folder / "broken.log")
    whole = partial(all_of, "two", every, ports[1:])
    together = by_two(whole, whole, folder / "two.log")
    (folder / "ended.txt").write_text(f"{alone} {broken} {together}")


if __name__ == "__main__":
    main()
