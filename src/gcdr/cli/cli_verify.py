"""Commands about published numbers: measured again, and two labs' results compared (:mod:`gcdr.cli`)."""

import argparse
import time
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError


def add_verify(commands: Any) -> None:
    """``gcdr verify``: a published number measured again."""
    parser = commands.add_parser(
        "verify",
        help="measure a released model on public test pictures, beside its published numbers",
        description="With the test pictures of GazeFollow or VideoAttentionTarget: prints the published "
        "numbers, what is measured under their protocol and under this project's, and whether they agree "
        "within the 95 % interval. A part of the pictures is enough to begin with. Exit status: 0 if all "
        "agree, 1 if not.",
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of the data set")
    parser.add_argument(
        "--model",
        help="file, folder or name of a gaze model, as for gcdr predict, or of a diffusion model",
    )
    parser.add_argument(
        "--maps",
        type=Path,
        nargs="+",
        metavar="PICKLE",
        help="the authors' Grad-CAM maps of GazeFollow: measured themselves or, with --model, what a "
        "teacher sees (VAT-GC, Diffusion-GC)",
    )
    parser.add_argument(
        "--depth", type=Path, help="folder of the pictures' depth, for a model that sees it (PDP)"
    )
    diffusion = parser.add_argument_group(
        "of diffusion models (defaults: those of the paper's Table 4)"
    )
    diffusion.add_argument("--timestep", type=int, help="how far maps are noised (default: 250)")
    diffusion.add_argument("--steps", type=int, help="default: 2, without --maps 10 from noise")
    diffusion.add_argument("--draws", type=int, help="predictions averaged (default: 10)")
    parser.add_argument(
        "--claim",
        help="whose numbers: vat, vat-10, gcdr-10, diffusion-gc-10, gazelle-vitb14, ... (default: by the "
        "model)",
    )
    parser.add_argument(
        "--backbone", type=Path, help="frozen backbone of a decoder in a file of its own"
    )
    parser.add_argument(
        "--pictures", type=int, metavar="N", help="take N test pictures (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="submission.json to write; must not exist")
    parser.add_argument(
        "--downloads",
        type=Path,
        default=Path("weights"),
        help="folder of released weights (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.set_defaults(run=verify)


def verify(args: argparse.Namespace) -> int:
    """Print the comparison and write the submission; 1 if a number does not agree."""
    begun = time.monotonic()
    check_asked(args)
    from gcdr.base.device import pick_device
    from gcdr.base.files import write_json
    from gcdr.datasets.layout import recognise
    from gcdr.verification.claims import claim_of
    from gcdr.verification.submission import submission
    from gcdr.verification.verify import (
        beside_claim,
        check_depth,
        device_name,
        precomputed,
        read_test_set,
    )

    source = recognise(args.dataset)
    device, inputs = pick_device(args.device), {}
    if args.model:
        from gcdr.models.finding import find_model
        from gcdr.verification.of_teachers import Sampled, asked_teacher, backbone_of, load_teacher

        path, backbone = find_model(args.model, weights=args.downloads, fetch=True)
        teacher = load_teacher(path, args.backbone or backbone)
        inputs["model"] = path
        if frozen := args.backbone or backbone or backbone_of(path):
            inputs["backbone"] = Path(frozen)
        options = {name: getattr(args, name) for name in ("timestep", "steps", "draws")}
        how = Sampled(**{key: value for key, value in options.items() if value is not None})
        named = asked_teacher(
            teacher, bool(args.maps), args.depth, args.claim, any(options.values())
        )
        claim = claim_of(source["kind"], named)
        if claim.maps:
            raise InputError(f"--claim: found {claim.name}, of raw maps; expected one of a model")
        test = read_test_set(source, args.pictures, args.seed)
        if args.depth:
            inputs["depth"] = check_depth(args.depth, test)
        maps, inside = teacher.says(test, args.maps, args.depth, how, device)
    else:
        claim = claim_of(source["kind"], args.claim or "gradcam")
        if not claim.maps:
            raise InputError(f"--claim: found {claim.name}, of a model; expected one of raw maps")
        test = read_test_set(source, args.pictures, args.seed)
        maps, inside = precomputed(args.maps, test), None
    inputs |= {f"maps {path.name}": path for path in args.maps or ()}
    inputs["annotations"] = test.files
    result = beside_claim(claim, test, maps, inside) | {"seed": args.seed}
    if args.model and teacher.noise is not None:
        result["sampled"] = how.record(bool(args.maps), teacher.noise)
    print("\n".join(lines_of(result)))
    if args.out is not None:
        seconds = time.monotonic() - begun
        write_json(args.out, submission(result, inputs, device_name(device), seconds))
        print(
            f"\n{args.out}: written; gcdr compare {args.out} OTHER.json sets it beside another one"
        )
    return 0 if all(one["agrees"] for one in result["metrics"].values()) else 1


def check_asked(args: argparse.Namespace) -> None:
    """Refuse what would be found out after all the work."""
    if not getattr(args, "model", None) and not getattr(args, "maps", None) and "maps" in args:
        raise InputError("nothing to measure: name a model (--model), maps (--maps) or both")
    if args.pictures is not None and args.pictures < 2:
        raise InputError(
            f"--pictures: found {args.pictures}, expected 2 or more: one has no interval"
        )
    for name in ("timestep", "steps", "draws"):
        value = getattr(args, name, None)
        if value is not None and value < 1:
            raise InputError(f"--{name}: found {value}, expected 1 or more")
        if value is not None and not args.model:
            raise InputError(f"--{name}: is of a diffusion model; expected --model")
    if getattr(args, "timestep", None) is not None and not args.maps:
        raise InputError("--timestep: is how far maps are noised; expected --maps")
    for name in ("backbone", "depth"):
        if (path := getattr(args, name, None)) is None:
            continue
        if not getattr(args, "model", None):
            raise InputError(f"--{name}: is of a model; expected --model")
        if not path.exists():
            raise InputError(f"--{name}: no file or folder {path}")
    if args.out is None:
        return
    if args.out.exists():
        raise InputError(f"{args.out}: is there already; name a new file (--out)")
    from gcdr.base.files import atomic

    with atomic(args.out) as tried:  # a folder that takes no file says so here
        tried.touch()
    args.out.unlink()


def lines_of(result: Any) -> list[str]:
    """What ``gcdr verify`` prints of :func:`gcdr.verification.verify.beside_claim`."""
    part = "all" if result["people"] == result["of"] else f"{result['people']:,} of"
    lines = [
        f"{result['title']} on {result['dataset']}: {part} {result['of']:,} test people in "
        f"{result['pictures']:,} pictures; published: {result['source']}",
        "",
        f"{'':10}{'published':>10}{'measured':>10}   {'95 % interval':16}{'agrees':8}{'own protocol':>12}",
    ]
    for name, one in result["metrics"].items():
        interval = f"[{one['low']:.4f}, {one['high']:.4f}]"
        lines.append(
            f"{name:10}{one['published']:>10.3f}{one['measured']:>10.4f}   {interval:16}"
            f"{' yes' if one['agrees'] else ' NO':8}{one['own']:>12.4f}"
        )
    from gcdr.verification.claims import READINGS

    lines += [f"{name:10}not measured: {why}" for name, why in result.get("absent", {}).items()]
    lines += ["", "What the field calls by one name, of the same maps:"]
    for name in result["metrics"]:
        known = [key for key in READINGS[name] if key in result["protocols"]]
        first = result["protocols"][known[0]]
        lines += [
            f"  {key:26}{result['protocols'][key]:8.4f}  {result['protocols'][key] - first:+.4f}"
            for key in known
        ]
    lines.append(
        "docs/metrics.md says what each is; the first of a group is the published protocol's."
    )
    if result["overlap"]:
        lines += [
            "",
            "By where the pictures come from (a prior's pretraining may have seen COCO and Pascal):",
        ]
        for name, part in result["overlap"].items():
            values = "  ".join(f"{key} {one['value']:.4f}" for key, one in part["metrics"].items())
            lines.append(f"  {name:16}{part['people']:6,} people  {values}")
    if result["unreadable"]:
        lines.append(
            f"{result['unreadable']:,} test people without a readable picture are left out."
        )
    return lines


def add_compare(commands: Any) -> None:
    """``gcdr compare``: do two labs agree?"""
    parser = commands.add_parser(
        "compare",
        help="say whether two labs' results agree",
        description="Sets two files of gcdr verify --out side by side: metrics whose 95 % intervals overlap "
        "agree; then everything else in which they differ. Exit status: 0 if all agree, 1 if not.",
    )
    parser.add_argument("first", type=Path, metavar="A.json")
    parser.add_argument("second", type=Path, metavar="B.json")
    parser.set_defaults(run=compare)


def compare(args: argparse.Namespace) -> int:
    """Print the comparison; 1 if a metric does not agree."""
    from gcdr.verification.submission import differences, read_submission

    agree, lines = differences(read_submission(args.first), read_submission(args.second))
    print("\n".join(lines))
    return 0 if agree else 1
