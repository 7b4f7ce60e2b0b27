"""Bring what others computed (points, boxes, maps, the paper authors' pickles) into a prior store."""

from gcdr.base.command import arguments, run
from gcdr.priors.kinds.registry import parse_prior


def main() -> None:
    args = arguments(__doc__, "manifest:path", "prior:json", "dataset", "out:path")
    parse_prior("prior", args.prior).fill(args.dataset, args.manifest, args.out)


if __name__ == "__main__":
    run(main)
