"""``gcdr pilot``: a few numbers of a run before the hours that it takes (:mod:`gcdr.cli`)."""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.cli.cli_verify import check_asked, lines_of

PAPERS_RUN = ("config.yaml", "configs/gazefollow.yaml")
NOT_EXPECTED = 3  # exit status of a pilot: 1 is that of any failure of Python's
PAPERS_SHOWS = "configs/labelled-shows.yaml"


def add_pilot(commands: Any) -> None:
    """``gcdr pilot``: a few minutes before a run of days."""
    parser = commands.add_parser(
        "pilot",
        help="before a long run on GazeFollow: is the prior near what was published, the split what it says?",
        description="Counts who keeps their label, asks about the people of some test pictures as the "
        "configuration says, and holds their raw maps to the published numbers of Grad-CAM. Names the likely "
        "cause where they are not near. With --trained it has the workflow train the supervised model of "
        "the first study, as the run will, and holds that to the published numbers. To be called in the top "
        "folder of the repository. Exit status: 0 if all is as expected, 3 if not, 2 if something cannot be "
        "read.",
    )
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="FILE", help="as for snakemake"
    )
    parser.add_argument(
        "--trained", action="store_true", help="hold the supervised model in place of the raw maps"
    )
    parser.add_argument(
        "--pictures",
        type=int,
        metavar="N",
        help="test pictures (default: 48; with --trained, all)",
    )
    parser.add_argument("--seed", type=int, default=0, help="which (default: %(default)s)")
    parser.add_argument(
        "--expected",
        type=Path,
        metavar="FILE",
        help="a file of --out, whose measured numbers are expected in place of the published ones",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        help="where the pilot itself computes (default: as configured); jobs go by the configuration",
    )
    parser.add_argument("--out", type=Path, help="submission.json to write; must not exist")
    parser.add_argument(
        "snakemake",
        nargs="*",
        metavar="ARGUMENT",
        help="after --, further ones for snakemake, which fetches and trains, such as --workflow-profile",
    )
    parser.set_defaults(run=pilot)


def pilot(args: argparse.Namespace) -> int:
    """Print what was found, and the likely cause if it is not as expected; 3 then."""
    check_asked(args)
    from gcdr.config.own import read_checked

    config = read_checked(args.configfile)
    cause = _of_trained(args, config) if args.trained else _of_raw_maps(args, config)
    print(f"stop. The likely cause is {cause}" if cause else "as expected")
    return NOT_EXPECTED if cause else 0


def _of_raw_maps(args: argparse.Namespace, config: Any) -> str | None:
    """Print the split and the raw maps beside what is expected; why these are not near, if they are not."""
    begun = time.monotonic()
    from gcdr.base.device import pick_device
    from gcdr.config.checked import read_config
    from gcdr.models.sizes import WEIGHTS_FILE
    from gcdr.settings.preparing import detect_settings
    from gcdr.verification.pilot import (
        check_splits,
        likely_cause,
        pilot_prior,
        piloted_source,
        settings_of_others,
    )
    from gcdr.verification.submission import claim_of_submission
    from gcdr.verification.verify import read_test_set

    source, name, prior = piloted_source(config)
    asked = _checked_device(args, config)
    weights = prior.read_from
    # What is converted is made again where the released files have changed.
    if weights.is_relative_to("results") or not (weights / WEIGHTS_FILE).is_file():
        _make(weights / WEIGHTS_FILE, args, "1")
    kind = source["kind"]
    expected = claim_of_submission(args.expected, kind) if args.expected else _published()
    print("\n".join(check_splits(config, source)), flush=True)
    test = read_test_set(source, args.pictures or 48, args.seed)
    device = pick_device(asked)
    detector = Path(config["detect"]["weights"])
    found = pilot_prior(test, expected, prior, weights, detector, detect_settings(config), device)
    result = found.layers[prior.layer] | {"seed": args.seed}
    print(
        f"raw maps of {name}, layer {prior.layer}; bodies of {found.bodies:.0%}, maps of {found.valid:.0%}"
    )
    print("\n".join(lines_of(result)[: 3 + len(result["metrics"])]))
    _keep(args.out, result, weights, test, device, begun)
    *_, paper = piloted_source(read_config(map(Path, PAPERS_RUN)))
    if changed := settings_of_others(prior, paper):
        print(f"asked otherwise than in {PAPERS_RUN[-1]}: {', '.join(changed)}")
    return likely_cause(found, prior, changed)


def _of_trained(args: argparse.Namespace, config: Any) -> str | None:
    """Have the supervised model trained, and print it beside what is expected; why it is not near, if so."""
    begun = time.monotonic()
    from gcdr.base.device import pick_device
    from gcdr.config.checked import read_config
    from gcdr.models.sizes import WEIGHTS_FILE
    from gcdr.predictor.predictor import load
    from gcdr.verification.claims import claim_of
    from gcdr.verification.submission import claim_of_submission
    from gcdr.verification.trained import SLACK, cause_in_training, supervised_model
    from gcdr.verification.verify import beside_claim, predicted, read_test_set

    source, name, folder = supervised_model(config)
    expected = (
        claim_of_submission(args.expected, source["kind"])
        if args.expected
        else claim_of(source["kind"], name)
    )
    test = read_test_set(source, args.pictures, args.seed)
    asked = _checked_device(args, config)
    _make(folder / WEIGHTS_FILE, args, "all")
    device = pick_device(asked)
    maps, inside = predicted(load(folder, device.type), test)
    result = beside_claim(expected, test, maps, inside, SLACK) | {"seed": args.seed}
    print(f"{folder}; the interval is widened by {SLACK:.0%} of a number, for other seeds")
    print("\n".join(lines_of(result)[: 3 + len(result["metrics"])]))
    _keep(args.out, result, folder, test, device, begun)
    papers = [*PAPERS_RUN, *([PAPERS_SHOWS] if name == "vat-shows" else [])]
    return cause_in_training(result, config, read_config(map(Path, papers)))


def _checked_device(args: argparse.Namespace, config: Any) -> str:
    """Where this process is to compute; that it cannot is said before anything is made.

    With a GPU nothing can be wrong, and one that were taken here would be lacking to the jobs that train.
    """
    import torch

    from gcdr.base.device import pick_device

    asked: str = args.device or config["device"]
    if not torch.cuda.is_available():
        pick_device(asked)
    return asked


def _keep(
    out: Path | None, result: Any, weights: Path, test: Any, device: Any, begun: float
) -> None:
    """Write what was measured, if anybody asks for it."""
    if out is None:
        return
    from gcdr.base.files import write_json
    from gcdr.verification.submission import submission
    from gcdr.verification.verify import device_name

    inputs = {"model": weights, "annotations": test.files}
    write_json(out, submission(result, inputs, device_name(device), time.monotonic() - begun))
    print(f"{out}: written")


def _make(file: Path, args: argparse.Namespace, cores: str) -> None:
    """Have the workflow make a file: fetch and convert released weights, or train."""
    overlays = ["--configfile", *map(str, args.configfile)] if args.configfile else []
    how = ["--cores", cores, *overlays, *args.snakemake]
    run = subprocess.run([sys.executable, "-m", "snakemake", *how, "--", str(file)])
    if run.returncode or not file.is_file():
        raise InputError(f"{file}: could not be made; the workflow says above why")


def _published() -> Any:
    """The published numbers of raw maps."""
    from gcdr.verification.claims import GAZEFOLLOW, claim_of

    return claim_of(GAZEFOLLOW, "gradcam")
