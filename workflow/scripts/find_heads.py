"""Find the heads in own images that come without a table of head boxes."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.heads import write_heads


def main() -> None:
    args = arguments(
        __doc__,
        "images:path",
        "weights:path",
        "score:float",
        "batch:int",
        "device",
        "out:path",
    )
    found = write_heads(
        args.images,
        args.out,
        args.weights,
        score=args.score,
        batch=args.batch,
        device=pick_device(args.device),
    )
    print("\n".join(found.lines()))


if __name__ == "__main__":
    run(main)
