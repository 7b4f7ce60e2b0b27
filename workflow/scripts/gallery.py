"""Pictures of own images with what is said of their people, and the page on which that is corrected."""

from gcdr.base.command import arguments, run
from gcdr.report.gallery import GalleryFiles, write_gallery
from gcdr.settings.reporting import GallerySettings

FILES = ("manifest", "annotations", "bodies", "prior", "refined")


def main() -> None:
    args = arguments(
        __doc__,
        *(f"{name}:path" for name in (*FILES, "pictures", "out")),
        predicted=None,
        labels=None,
        prior_made_by={},
        settings=GallerySettings,
    )
    files = GalleryFiles(*(getattr(args, name) for name in FILES), args.predicted, args.labels)
    write_gallery(files, args.settings, args.pictures, args.out, args.prior_made_by)


if __name__ == "__main__":
    run(main)
