"""How large public data sets are said to be, beside what is there."""

from collections.abc import Iterator

import pandas as pd

PUBLISHED = {
    # Of all people and of test people: Miao et al. (2024), Sec. 4.1.
    "gazefollow": {"people": 130_339, "images": 122_143, "test people": 4_782},
    # Chong et al. (2020); the people of its ten test shows: Miao et al. (2024), Sec. 4.4.
    "videoattentiontarget": {
        "people": 164_541,
        "tracks": 1_331,
        "groups": 50,
        "test people": 31_978,
    },
    # Tafasca et al. (2023), and the data set's own description.
    "childplay": {"people": 257_928, "images": 120_549, "sequences": 401, "groups": 95},
    # Tafasca et al. (2024): files with re-detected heads; instances.
    "semgaze": {"train people": 108_955, "val people": 4_499, "test people": 4_782},
    "gazehoi": {"people": 55_995},
    # The lengths of two of its files, as the authors' own training told them.
    "gooreal": {"train people": 2_451, "test people": 2_156},
}
WORDS = {
    ("videoattentiontarget", "groups"): "shows",
    ("childplay", "sequences"): "clips",
    ("childplay", "groups"): "videos",
}


def published_sizes(kind: str, people: pd.DataFrame) -> Iterator[str]:
    """What is there of a public data set, a text for each of its published sizes.

    Args:
        kind: the data set's layout.
        people: its manifest.

    Returns:
        such as "12,345 of 130,339 people", "all 4,782 test people", or "51 shows, published are 50".
    """
    for what, total in PUBLISHED.get(kind, {}).items():
        count, word = _count(people, what), WORDS.get((kind, what), what)
        if count > total:
            yield f"{count:,} {word}, published are {total:,}"
        else:
            yield f"all {total:,} {word}" if count == total else f"{count:,} of {total:,} {word}"


def _count(people: pd.DataFrame, what: str) -> int:
    """How many of something a manifest holds."""
    if what.endswith("people"):
        split = what.removesuffix("people").strip()
        return len(people) if not split else int((people["split"] == split).sum())
    columns = {
        "images": ["image"],
        "tracks": ["sequence", "track"],
        "sequences": ["sequence"],
        "groups": ["group"],
    }[what]
    return len(people[columns].dropna().drop_duplicates()) if {*columns} <= set(people) else 0
