"""What data sets and priors are made from, as configured. No rules here."""

import re
from functools import cache

from gcdr.base.download import planned_files
from gcdr.base.files import text_digest
from gcdr.config.asked import used_datasets
from gcdr.config.deciding import lists_used
from gcdr.datasets.film import film_people_mark
from gcdr.datasets.folder import people_mark
from gcdr.datasets.layout import (
    DATASET_KINDS,
    annotation_files,
    lacks_heads,
    picture_names,
    released_list,
)
from gcdr.detection.depth_layout import DEPTH_FILES
from gcdr.models.sizes import weights_file
from gcdr.report.paper_tables import PAPER_TABLES, savings_table
from gcdr.settings import preparing
from gcdr.settings.people_counts import detection_jobs, people_expected
from gcdr.video.extraction import find_films
from gcdr.world.dataset import DRAWN

DOWNLOADS = planned_files(
    config["downloads"]
)  # address of each file that can be fetched, by its place

# Data sets


def one_of(names):
    """Names as a pattern for a wildcard."""
    return "|".join(map(re.escape, names)) or "none"


def names_of(*kinds):
    """Data sets of some kinds, as a pattern for a wildcard."""
    return one_of(name for name, source in config["datasets"].items() if source["kind"] in kinds)


def image_root(dataset):
    """Folder that a data set's image names are relative to."""
    source = config["datasets"][dataset]
    if source["kind"] == "video":
        return in_data(dataset, "frames")
    return source.get("images", source.get("root", in_data(dataset, "images")))


def source_of(dataset):
    """A data set as its reader takes it: without a table of heads it has that of those which are found."""
    told = config["datasets"][dataset].items()
    source = {k: v for k, v in told if k not in ("drawn", "depth")}
    if source["kind"] == "video":
        return film_source(dataset, source.get("annotations") or in_data(dataset, "heads.csv"))
    return {**source, "table": in_data(dataset, "heads.csv")} if lacks_heads(source) else source


def film_source(dataset, heads):
    """The same of films: what was made of them, and the table of heads."""
    made = {name: in_data(dataset, file) for name, file in FILM_FRAMES.items()}
    return {"kind": "video", **made, "annotations": heads}


FILM_FRAMES = {"images": "frames", "frames": "frames.parquet", "said": "frames.txt"}
"""What the frames of films become: pictures, their table, and what there was to say."""


def films_of(wildcards):
    """The video files of a data set, so that a changed one is decoded again."""
    films = find_films(Path(config["datasets"][wildcards.dataset]["root"]))
    return [str(path) for path in films.values() if not path.is_dir()]


def film_digest(wildcards):
    """Which films and frames lie in a data set's folder."""
    root = Path(config["datasets"][wildcards.dataset]["root"])
    return text_digest(*find_films(root), *picture_names(root))


def images_of(wildcards):
    """Folder of a data set's images."""
    return image_root(wildcards.dataset)


def draws_depth(dataset):
    """Whether a data set's depth is drawn as its pictures are."""
    return config["datasets"][dataset]["kind"] in DRAWN and config["depth"]["drawn"] != "estimated"


def depth_of(wildcards):
    """Folder of the depth of a data set's images: its own, or what is drawn or estimated."""
    own = config["datasets"][wildcards.dataset].get("depth")
    return [] if own else in_data(wildcards.dataset, "depth")


def drawn_depth_settings(wildcards):
    """What pictures were drawn by, and how their depth is."""
    return settings_json(preparing.drawn_depth(config, wildcards.dataset))


@cache
def depth_digest(folder):
    """What tells an own folder of depth maps from itself after a map was mended or added."""
    files = sorted(path for path in Path(folder).rglob("*.png"))
    marks = (
        f"{path} {about.st_size} {about.st_mtime_ns}" for path in files for about in [path.stat()]
    )
    return text_digest(*marks)


def depth_mark(wildcards):
    """The same of a data set; nothing where its depth is made by a job."""
    own = config["datasets"][wildcards.dataset].get("depth")
    return depth_digest(own) if own else ""


def padding_options(wildcards):
    """By how much models grow head boxes, where it is not as in pictures: not at all, as the reference does."""
    kind = config["datasets"][wildcards.dataset]["kind"]
    return options(padding="0" if kind == "videoattentiontarget" else None)


def deep_options(wildcards, input):
    """The folder of depth, whether pictures get each other's, and the padding."""
    depth = config["datasets"][wildcards.dataset].get("depth") or str(input.depth)
    shuffled = 1 if wildcards.deep == "shuffled" else None
    return [*options(depth=depth, shuffled=shuffled), *padding_options(wildcards)]


def images_of_study(wildcards):
    """Folder of the images of the data set that a study is about."""
    return image_root(config["studies"][wildcards.study]["dataset"])


def picture_digest(wildcards):
    """Which images lie in a data set's folder."""
    return text_digest(*picture_names(Path(image_root(wildcards.dataset))))


def adapts(study):
    """Whether everybody of its data set whom a study leaves unlabelled is tested."""
    return config["studies"][study].get("adapt", False)


def points_of(study, split):
    """The annotators' points of the people whom a study tests, under the folder of a split."""
    own = in_data(config["studies"][study]["dataset"], "annotations.parquet")
    return f"{split}/hidden.parquet" if adapts(study) else own


def tested_points(wildcards):
    """The same, as an input."""
    return points_of(wildcards.study, STUDY.format(**wildcards))


def body_shards(wildcards):
    """The shards of a data set's bodies."""
    jobs = detection_jobs(config, wildcards.dataset)
    return [
        in_data(wildcards.dataset, f"bodies/{shard}-of-{jobs}.parquet")
        for shard in range(1, jobs + 1)
    ]


def source_annotations(wildcards):
    """The files of annotations that a data set is read from."""
    return [str(path) for path in annotation_files(source_of(wildcards.dataset))]


OWN_TABLES = [
    name
    for name, source in config["datasets"].items()
    if source["kind"] in ("folder", "video") and not lacks_heads(source)
]
"""Folders and films with a table of the user's own, who may correct labels in it."""


def own_people(wildcards):
    """What tells the people of such a table, whatever it says of labels; of what is wrong the reader will say."""
    source = config["datasets"][wildcards.dataset]
    share = source.get("test_share", 0)
    try:
        if source["kind"] == "video":
            return film_people_mark(Path(source["annotations"]))
        return people_mark(Path(source["images"]), Path(source["table"]), share)
    except InputError:
        return ""


def film_frames(wildcards):
    """The frames of films, which their people need; own pictures are there already."""
    of_films = config["datasets"][wildcards.dataset]["kind"] == "video"
    return in_data(wildcards.dataset, FILM_FRAMES["frames"]) if of_films else []


def own_source(wildcards, output):
    """Such a data set as its reader takes it. Asking for outputs keeps it out of what a change is told by: the
    table's place says nothing of people."""
    return as_json(source_of(wildcards.dataset))


def annotated_bodies(wildcards):
    """The body boxes that a data set comes with; the demo world's true ones are for checks alone."""
    drawn = config["datasets"][wildcards.dataset]["kind"] in DRAWN
    return [] if drawn else in_data(wildcards.dataset, "annotated-bodies.parquet")


def reported_datasets():
    """Data sets that the report's studies are tested on; of a pool, its test people's."""
    return list(dict.fromkeys(map(tested_on, config["report"]["studies"])))


def counted_datasets():
    """Data sets whose people a run goes through: those of the studies that others start from, too."""
    found = {name for names in used_datasets(config).values() for name in names}
    return sorted(name for name in found if config["datasets"][name]["kind"] != "pool")


def tested_on(study):
    """The data set that a study's test people are from."""
    dataset = config["studies"][study]["dataset"]
    return config["datasets"][dataset].get("test", dataset)


# Splits


def released_split(wildcards):
    """The authors' list of labelled people for a share, where one is asked for."""
    try:
        path = released_list(config["split"]["released"], labelled_share(wildcards))
    except InputError as error:
        raise WorkflowError(str(error)) from None
    return [str(path)] if path else []


def released_options(wildcards, input):
    """The authors' list and, for a pool, of which of its data sets it is."""
    source = config["datasets"][config["studies"][wildcards.study]["dataset"]]
    listed = input.get("released") and source["kind"] == "pool"
    return options(released=input.get("released"), source=source["labelled"][0] if listed else None)


# Priors


def of_store(wildcards):
    """The prior that a store is of, as configured."""
    return STORES[wildcards.store].prior


def stores_of(*kinds):
    """Stores of priors of some kinds, as a pattern for a wildcard."""
    return one_of(name for name, store in STORES.items() if store.prior.KIND in kinds)


IMPORTED = {prior.KIND for prior in PRIORS.values() if prior.SOURCES}  # made from files


def datasets_with_files():
    """Data sets for which a prior is made from files, as a pattern for a wildcard."""
    listed = {name for prior in PRIORS.values() for name in prior.sources or ()}
    return one_of(sorted(listed))


def source_files(wildcards):
    """The files that the store of a data set is made from."""
    return [path for _, path in of_store(wildcards).files(wildcards.dataset)]


def source_settings(wildcards):
    """The prior as its entry says it, with what is of that data set alone."""
    return as_json(of_store(wildcards).entry(wildcards.dataset))


def store_settings(wildcards):
    """What decides a store of a model that is asked; its name says with which overlay, and for whom."""
    return settings_of_store(wildcards.store)


@cache  # of a thousand shards
def settings_of_store(name):
    store = STORES[name]
    return settings_json(store.prior.settings(store.overlay, store.which))


def store_shards(wildcards):
    """The shards that a store is a view of."""
    jobs = of_store(wildcards).jobs(people_expected(config, wildcards.dataset))
    return expand(f"{PRIOR}/{{shard}}-of-{jobs}.h5", shard=range(1, jobs + 1), **wildcards)


def overlay_stores(wildcards):
    """Prior stores of every overlay; those that only Table S7 wants hold the test people alone."""
    studies = [one for one in config["report"]["studies"] if tested_on(one) == wildcards.dataset]
    used = dict.fromkeys(map(prior_of_study, studies)) or [config["prior"]]
    asked = [name for name in used if PRIORS[name].KIND == "vqa"]
    if not asked:
        raise WorkflowError(
            f"table_s7: found the priors {list(used)} for {wildcards.dataset}, expected one of kind vqa"
        )
    return [
        in_data(wildcards.dataset, f"priors/{prior_store(name, which, overlay)}.h5")
        for name in asked
        for overlay in ("body", "head", "none")
        for which in ["all" if overlay == PRIORS[name].overlay else "test"]
    ]


def overlay_names(wildcards, input):
    """Of each of those stores, the prior that it is of, as options."""
    return options(names=[STORES[Path(path).stem].name for path in input.priors])


# Pools


def pool_annotations(wildcards):
    """The annotators of a pool's test people."""
    return in_data(config["datasets"][wildcards.dataset]["test"], "annotations.parquet")


def pool_options(name):
    """What a pool is made of, and the tables of this name of its members' people."""

    def options_of(wildcards):
        source = config["datasets"][wildcards.dataset]
        return options(sources=as_json(source), people=as_json(of_members(wildcards.dataset, name)))

    return options_of


def pool_roots(wildcards):
    """Where the images of a pool's members lie."""
    return as_json({name: image_root(name) for name in of_members(wildcards.dataset, "images")})


def caches_of_members(wildcards):
    """Picture caches of the data sets that a pool is made of."""
    return of_members(wildcards.dataset, f"samples-{wildcards.size}.h5")


def deep_caches_of_members(wildcards):
    """The same with depth."""
    return of_members(wildcards.dataset, f"{wildcards.deep}-samples-{wildcards.size}.h5")


def stores_of_members(wildcards):
    """Their prior stores."""
    return of_members(wildcards.dataset, f"priors/{wildcards.store}.h5")


def people_and_stores(wildcards):
    """Manifest and prior store of each."""
    stores = stores_of_members(wildcards)
    return {name: [in_data(name, "manifest.parquet"), store] for name, store in stores.items()}


def main_table():
    """The paper's main table of the report's kind of data: Table 1, and of films Table S4.

    Raises:
        WorkflowError: the report is of nothing that was published.
    """
    studies = config["report"]["studies"]
    kinds = {source_of(tested_on(study))["kind"] for study in studies}
    table = MAIN_TABLES.get(kinds.pop()) if len(kinds) == 1 else None
    films = table == MAIN_TABLES["videoattentiontarget"]
    chosen = all("labels" in config["studies"][study] for study in studies)
    if table is None or any(map(adapts, studies)) or (films and not chosen):
        raise WorkflowError(
            "submission: found a report of studies that the paper's Tables 1 and S4 are not about; expected studies "
            "of GazeFollow, or of VideoAttentionTarget with the labels of some shows (configs/labelled-shows.yaml)"
        )
    return table


MAIN_TABLES = {"gazefollow": "table1", "videoattentiontarget": "table_s4"}


def table_lists():
    """The authors' lists that the shares of the main table go by, by what they are called in its record."""
    shares = [column.share for column in PAPER_TABLES[main_table()].columns]
    return {
        f"split.released, {share} %": str(path)
        for share, path in lists_used(config, shares).items()
    }
