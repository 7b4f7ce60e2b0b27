"""Join the shards of a prior store into one view."""

from gcdr.base.command import arguments, run
from gcdr.data.prior_shards import merge_priors


def main() -> None:
    args = arguments(__doc__, "shards:paths", "out:path")
    merge_priors(args.shards, args.out)


if __name__ == "__main__":
    run(main)
