"""Fetch a file, or go on where the last attempt broke off."""

from gcdr.base.command import arguments, run
from gcdr.base.download import download


def main() -> None:
    args = arguments(__doc__, "address", "out:path")
    download(args.address, args.out)


if __name__ == "__main__":
    run(main)
