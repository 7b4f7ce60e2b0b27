"""Ask a frozen backbone once about every image, for all trainings of the decoders that stand on it."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_people
from gcdr.models.description import GazeModelSettings
from gcdr.models.encoding import write_tokens
from gcdr.models.named import initial_gaze_model


def main() -> None:
    args = arguments(
        __doc__,
        "manifest:path",
        "images:path",
        "failures:float",
        "device",
        "out:path",
        settings=GazeModelSettings,
    )
    settings: GazeModelSettings = args.settings
    model = initial_gaze_model(settings, False, None, seed=0)
    write_tokens(
        read_people(args.manifest),
        args.images,
        model,
        settings.backbone,
        args.device,
        args.out,
        args.failures,
    )


if __name__ == "__main__":
    run(main)
