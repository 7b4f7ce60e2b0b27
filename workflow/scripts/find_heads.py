"""Find the heads in own images that come without a table of head boxes."""

from gcdr.base.command import arguments, run
from gcdr.detection.heads import write_heads


def main() -> None:
    names = ("images:path", "weights:path", "score:float", "batch:int", "device", "out:path")
    found = write_heads(**vars(arguments(__doc__, *names)))
    print("\n".join(found.lines()))


if __name__ == "__main__":
    run(main)
