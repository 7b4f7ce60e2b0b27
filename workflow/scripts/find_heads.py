"""Find the heads in own images that come without a table of head boxes."""

from gcdr.base.command import arguments, run
from gcdr.detection.choices import HeadSettings
from gcdr.detection.heads import write_heads


def main() -> None:
    names = ("images:path", "weights:path", "device", "out:path")
    args = vars(arguments(__doc__, *names, settings=HeadSettings))
    settings = args.pop("settings")
    found = write_heads(**args, score=settings.score, batch=settings.batch)
    print("\n".join(found.lines(str(args["weights"]))))


if __name__ == "__main__":
    run(main)
