"""Ask the VQA model about the people of a shard and keep its Grad-CAM maps."""

from gcdr.base.command import arguments, run
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa.asking import ask_people


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
            settings=AskSettings,
        )
    )
    ask_people(**args)


if __name__ == "__main__":
    run(main)
