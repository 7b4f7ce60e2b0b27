"""Several data sets as one, for studies that take labelled, unlabelled and test people from different ones.

A pool is a data set like any other: its manifest holds the people that a study uses, and its bodies and
prior maps are those of the sources, looked up and not computed again, its picture cache a copy from
theirs. Labels are taken along for the people of labelled sources alone; of all others the pool does not
even hold them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.data.cache import Samples, copy_samples
from gcdr.data.manifest import (
    LABEL_SOURCE,
    LABELS,
    MEANT,
    order_people,
    people_digest,
    read_annotated,
    read_annotation_table,
    read_people,
)
from gcdr.data.split import OWN_VALIDATION
from gcdr.data.stores import Store, read_prior, write_prior


def pool_people(
    manifests: Mapping[str, Path],
    labelled: Sequence[str],
    unlabelled: Sequence[str],
    test: str,
    read: Callable[[Path], pd.DataFrame] = read_annotated,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The people of a study with several sources.

    Args:
        manifests: the sources' people by name, with what ``read`` reads.
        labelled: sources whose training people may keep their label.
        unlabelled: sources whose training people are used without one.
        test: the source of the test people.
        read: :func:`gcdr.data.manifest.read_people` where labels are not asked for.

    Returns:
        the manifest, whose images are ``{source}/{image}``, as are sequences and groups, and whose
        ``split`` is, for training people,
        ``train`` (of a labelled and unlabelled source), ``labelled`` or ``unlabelled`` (of one kind
        only), and of a labelled source ``val`` as there; labels are null where the source is not a
        labelled one, and for test people. And the
        members: ``sample_id``, ``source``, ``member_id`` (the ``sample_id`` in the source).

    Raises:
        InputError: a source has nobody of the kind that it is named for.
    """
    parts = []
    for name, path in manifests.items():
        people = read(path)
        splits = people["split"]
        kind = {(True, True): "train", (True, False): "labelled", (False, True): "unlabelled"}.get(
            (name in labelled, name in unlabelled)
        )
        if kind and not (splits == "train").any():
            raise InputError(
                f"{path}: no training people; expected some, as the study names {name}"
            )
        if name == test and not (splits == "test").any():
            raise InputError(f"{path}: no test people; expected some, as the study tests on {name}")
        used = ((splits == "train") & (kind is not None)) | ((splits == "test") & (name == test))
        used |= (splits == OWN_VALIDATION) & (name in labelled)
        people = people[used].assign(source=name, image=name + "/" + people["image"])
        people["split"] = people["split"].replace({"train": kind})
        for column in {"sequence", "group"} & set(people):
            people[column] = name + "/" + people[column]
        hidden = ~people["split"].isin(["train", "labelled", OWN_VALIDATION])
        people.loc[hidden, [*LABELS, *({LABEL_SOURCE, *MEANT} & set(people))]] = None
        parts.append(people)
    everybody = pd.concat(parts, ignore_index=True)
    manifest, order = order_people(everybody)
    members = everybody.loc[order, ["source", "sample_id"]].reset_index(drop=True)
    members = members.rename(columns={"sample_id": "member_id"})
    members.insert(0, "sample_id", manifest["sample_id"])
    return manifest, members


def pool_rows(members: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of the sources' tables (bodies, annotations) under the pool's ``sample_id``, in its order."""
    parts = []
    for name, table in tables.items():
        own = members.loc[members["source"] == name, ["sample_id", "member_id"]]
        rows = table.rename(columns={"sample_id": "member_id"})
        parts.append(own.merge(rows, on="member_id").drop(columns="member_id"))
    return pd.concat(parts, ignore_index=True).sort_values("sample_id", kind="stable")


def pool_annotations(
    members: pd.DataFrame, test: str, annotations: Path, people: str | None = None
) -> pd.DataFrame:
    """The annotators' points of a pool's test people; ``people`` is the digest of those of ``test``."""
    return pool_rows(members, {test: read_annotation_table(annotations, people)})


def pool_samples(
    members: pd.DataFrame,
    people: pd.DataFrame,
    caches: Mapping[str, Path],
    size: int,
    out: Path,
    digests: Mapping[str, str] | None = None,
) -> None:
    """The sources' picture caches as one.

    Args:
        members: from :func:`pool_people`.
        people: the pool's people.
        caches: the sources' caches by name.
        size: side of their scenes.
        out: the cache.
        digests: the digests of the sources' people, which the caches must be of.

    Raises:
        InputError: a cache is damaged, or of other people.
    """
    sources = []
    for name, path in caches.items():
        Samples.open(path, (digests or {}).get(name))
        place = np.flatnonzero(members["source"] == name)
        sources.append((path, place, members["member_id"].to_numpy()[place]))
    copy_samples(people, sources, size, out)


def pool_priors(
    members: pd.DataFrame, people: str, stores: Mapping[str, tuple[Path, Path]], out: Path
) -> None:
    """The sources' prior maps as one store.

    Args:
        members: from :func:`pool_people`.
        people: digest of the pool's people.
        stores: by source, its manifest and its prior store.
        out: the prior store.

    Raises:
        InputError: the stores were made with different settings.
    """
    places, parts = [], []
    for name, (manifest, path) in stores.items():
        place = np.flatnonzero(members["source"] == name)
        ids = members["member_id"].to_numpy()[place]
        parts.append(read_prior(path, people_digest(read_people(manifest)), ids))
        places.append(place)
        for key in ("made_by", "layers"):
            if np.any(parts[-1].attributes[key] != parts[0].attributes[key]):
                raise InputError(f"{path}: its {key!r} differs from that of another source")
    order = np.argsort(np.concatenate(places))

    def joined(values: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(values)[order]

    first: Store = parts[0]
    write_prior(
        out,
        members["sample_id"].to_numpy(),
        joined([part.heatmap for part in parts]),
        joined([part.valid for part in parts]),
        {name: joined([part.columns[name] for part in parts]) for name in first.columns},
        layers=first.layers,
        people=people,
        made_by=first.attributes["made_by"],
    )


def link_images(roots: Mapping[str, Path], folder: Path) -> None:
    """A folder in which every source's images lie under the source's name, as links to their folders."""
    with atomic(folder) as temporary:
        temporary.mkdir()
        for name, root in roots.items():
            (temporary / name).symlink_to(os.path.relpath(root, folder), target_is_directory=True)
