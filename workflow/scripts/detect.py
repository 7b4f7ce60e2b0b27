"""Find the body that belongs to each head, where the data set does not say."""

import pandas as pd

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
        "failures:float",
        "device",
        "out:path",
        given=None,
    )
    detector = load_detector(args.weights).to(pick_device(args.device))
    people = read_people(args.manifest)
    given = pd.read_parquet(args.given) if args.given else pd.DataFrame({"sample_id": []})
    asked = people[~people["sample_id"].isin(given["sample_id"])]
    how = {"failures": args.failures, "batch": args.batch, "threshold": args.overlap}
    found = detect_people(asked, args.images, detector, **how)
    bodies = pd.concat([given.assign(problem=""), found]) if len(given) else found
    print(f"{len(given)} people came with the data set's own detections")
    print(f"bodies found for {int(bodies['detected'].sum())} of {len(bodies)} people")
    write_table(bodies.sort_values("sample_id"), args.out)


if __name__ == "__main__":
    run(main)
