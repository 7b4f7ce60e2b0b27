"""Ask a model that points about the people of a shard and keep maps of where it points."""

from gcdr.base.command import arguments, run
from gcdr.priors.kinds.pointing_kind import PointingSettings
from gcdr.priors.pointing import point_people


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "manifest:path",
            "images:path",
            "bodies:path",
            "weights:path",
            "shard:int",
            "shards:int",
            "workers:int",
            "failures:float",
            "device",
            "out:path",
            settings=PointingSettings,
        )
    )
    point_people(**args)


if __name__ == "__main__":
    run(main)
