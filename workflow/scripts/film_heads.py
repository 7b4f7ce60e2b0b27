"""Find the heads in films that come without a table of them, and link them to tracks."""

from gcdr.base.command import arguments, run
from gcdr.detection.choices import HeadSettings
from gcdr.video.film_heads import write_film_heads


def main() -> None:
    names = ("images:path", "frames:path", "weights:path", "device", "out:path")
    args = vars(arguments(__doc__, *names, settings=HeadSettings))
    score = args.pop("settings").score
    print("\n".join(write_film_heads(**args, score=score)))


if __name__ == "__main__":
    run(main)
