"""Find the body that belongs to each head."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.manifest import read_people, write_table
from gcdr.people import detect_people, load_detector


def main() -> None:
    args = arguments(
        __doc__,
        "manifest:path",
        "images:path",
        "weights:path",
        "batch:int",
        "overlap:float",
        "device",
        "out:path",
    )
    detector = load_detector(args.weights).to(pick_device(args.device))
    people = read_people(args.manifest)
    bodies = detect_people(people, args.images, detector, batch=args.batch, threshold=args.overlap)
    print(f"bodies found for {int(bodies['detected'].sum())} of {len(bodies)} people")
    write_table(bodies, args.out)


if __name__ == "__main__":
    run(main)
