"""Find the body that belongs to each head of a shard, where the data set does not say."""

from gcdr.base.command import arguments, run
from gcdr.detection.bodies import detect_people
from gcdr.detection.choices import DetectSettings


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "manifest:path",
            "images:path",
            "weights:path",
            "shard:int",
            "shards:int",
            "failures:float",
            "device",
            "out:path",
            annotated=None,
            settings=DetectSettings,
        )
    )
    detect_people(**args)


if __name__ == "__main__":
    run(main)
