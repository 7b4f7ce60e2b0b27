"""The path scheme: where each file lies, and what is in its name. No rules here."""

import re

from gcdr.config.asked import depth_shown, labeller_of
from gcdr.config.pools import members_of
from gcdr.config.schema import first_study, study_share, study_timestep
from gcdr.data.split_name import SPLIT_PATTERN, SplitName
from gcdr.variants import PATTERN, averaged, parse_variant, variant
from gcdr.priors.kinds.registry import all_stores, named_prior, store_of

DATA = "results/data/{dataset}"
PRIOR = f"{DATA}/priors/{{store}}"
STUDY = "results/{study}/labels{share}-seed{seed}"
LABELS = f"{STUDY}/labels.parquet"
TRAINED = f"{STUDY}/{{kind}}/{{name}}"
REPORT = f"results/{config['report']['name']}"

STORES = all_stores(PRIORS)  # every prior store by its name


wildcard_constraints:
    sampler=r"\w+(?:-k\d+)?",
    dataset="[^/]+",
    prior="[^/]+",
    store="[^/]+",
    study="|".join(map(re.escape, config["studies"])) or "none",
    share=SPLIT_PATTERN,
    seed=r"\d+",
    variant=PATTERN,
    shard=r"\d+",


# Data sets


def in_data(dataset, name):
    """A file of a data set."""
    return f"results/data/{dataset}/{name}"


def data(name):
    """A file of the data set that a study is about, as an input."""
    return lambda wildcards: in_data(config["studies"][wildcards.study]["dataset"], name)


def samples_of(gaze, pixels):
    """The picture cache, with depth where it is seen, of a gaze model, or without one of the denoiser."""
    return f"{depth_shown(config, gaze)}samples-{pixels}.h5"


SAMPLES = data(samples_of(None, config["samples"]["size"]))


def of_members(pool, name):
    """A file of each data set that a pool is made of, by data set."""
    return {member: in_data(member, name) for member in members_of(config["datasets"][pool])}


# Priors


def prior_store(name, which="all", overlay=None):
    """Name of a prior's store, with the overlay that it uses unless another is asked for."""
    return str(store_of(name, PRIORS[name], which, overlay))


def prior_of_study(study=None):
    """Name of the prior that a study uses, or of the one that those use which name none."""
    return named_prior(config, config["studies"][study] if study else {})


def prior_file(study, store):
    """A prior store of the data set that a study is about."""
    return in_data(config["studies"][study]["dataset"], f"priors/{store}.h5")


def layer_of(store=None):
    """The layer of a prior store whose maps are used; 1 where there is no store."""
    return STORES[store].prior.used_layer if store else 1


# Studies


def share_of(study):
    """Labelled share of a study, see ``labelled_share``."""
    return study_share(config, study)


def split_name(study):
    """Name of a study's label share in paths."""
    return str(SplitName(share_of(study), unlabelled=config["split"]["unlabelled"]))


def split_of(study):
    """Folder of a study's label split."""
    seed = config["studies"][study]["seed"]
    return STUDY.format(study=study, share=split_name(study), seed=seed)


def labels_alone(share):
    """Name of the split of the same labels, for what sees no unlabelled people."""
    return str(SplitName.parse(share).labels_alone)


def originals(wildcards):
    """Larger pictures of the labelled people, who are the same whatever the amount of unlabelled ones."""
    share = labels_alone(wildcards.share)
    return f"{STUDY.format(study=wildcards.study, share=share, seed=wildcards.seed)}/originals.h5"


def labelled_share(wildcards):
    """The labelled share in per cent, or OWN or CHOSEN."""
    return SplitName.parse(wildcards.share).labelled


def variant_of(asked, study=None, t=None):
    """Variant of a method as a study makes it: what identifies its result stands in its name.

    Args:
        asked: a method's name, or an entry of report.methods.
        study: whose prior is seen where the entry names none.
        t: timestep in place of the configured one.
    """
    entry = asked if isinstance(asked, dict) else {"method": asked}
    refine = config["refine"]
    study = study or first_study(config)
    t = study_timestep(config, study, share_of(study)) if t is None else t
    gaze = entry.get("gaze") or config["gaze"]["model"]
    return variant(
        entry["method"],
        t,
        *(refine[key] for key in ("steps", "draws", "redraw")),
        prior_store(entry.get("prior") or prior_of_study(study)),
        gaze,
        labeller_of(config, gaze),
    )


def gcdr(study=None, t=None):
    """Variant of the paper's method, at a timestep if one is given."""
    return variant_of("gcdr", study, t)


def maps_of(asked):
    """The variant by which maps of test people are made: draws are averaged."""
    return averaged(asked)
