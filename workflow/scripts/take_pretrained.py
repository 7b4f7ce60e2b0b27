"""Put a given model in the place of a trained one."""

from gcdr.base.command import arguments, run
from gcdr.models.pretrained import take_pretrained
from gcdr.models.pretrained_card import PretrainedSettings


def main() -> None:
    take_pretrained(
        **vars(arguments(__doc__, "name", "source:path", "out:path", settings=PretrainedSettings))
    )


if __name__ == "__main__":
    run(main)
