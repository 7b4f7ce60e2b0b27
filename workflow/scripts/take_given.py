"""Put a given model in the place of a trained one."""

from gcdr.base.command import arguments, run
from gcdr.models.given import GivenSettings, take_given


def main() -> None:
    take_given(
        **vars(arguments(__doc__, "name", "source:path", "out:path", settings=GivenSettings))
    )


if __name__ == "__main__":
    run(main)
