"""Write the frames that are asked for of films as pictures, with a table of them and what there is to say."""

from gcdr.base.command import arguments, run
from gcdr.base.files import atomic
from gcdr.video.extraction import write_frames
from gcdr.video.film_settings import FilmSettings


def main() -> None:
    names = ("root:path", "images:path", "table:path", "notes:path")
    args = arguments(__doc__, *names, settings=FilmSettings)
    lines = write_frames(args.root, args.settings, args.images, args.table)
    with atomic(args.notes) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines))
    print("\n".join(lines))


if __name__ == "__main__":
    run(main)
