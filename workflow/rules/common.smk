"""The path scheme: where each file lies, and what is in its name. No rules here."""

import json

from gcdr.base.provenance import modules_behind
from gcdr.config.pools import members_of
from gcdr.config.schema import by_share
from gcdr.methods import METHODS, PATTERN, TEACHERS, averaged, parse_recipe, pseudo_recipe, recipe
from gcdr.priors.kinds.registry import all_stores, named_prior, store_of

DATA = "results/data/{dataset}"
PRIOR = f"{DATA}/priors/{{store}}"
STUDY = "results/{study}/labels{share}-seed{seed}"
REPORT = f"results/{config['report']['name']}"

STORES = all_stores(PRIORS)  # every prior store by its name


wildcard_constraints:
    dataset="[^/]+",
    prior="[^/]+",
    store="[^/]+",
    study="|".join(config["studies"]) or "none",
    share=r"\d+(-unlabelled\d+)?",
    seed=r"\d+",
    recipe=PATTERN,
    shard=r"\d+",


# Data sets


def in_data(dataset, name):
    """A file of a data set."""
    return f"results/data/{dataset}/{name}"


def data(name):
    """A file of the data set that a study is about, as an input."""
    return lambda wildcards: in_data(config["studies"][wildcards.study]["dataset"], name)


def of_members(pool, name):
    """A file of each data set that a pool is made of, by data set."""
    return {member: in_data(member, name) for member in members_of(config["datasets"][pool])}


def image_root(dataset):
    """Folder that a data set's image names are relative to."""
    source = config["datasets"][dataset]
    return source.get("images", source.get("root", in_data(dataset, "images")))


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


def prior_of(wildcards):
    """The prior store of a study, as an input."""
    return prior_file(wildcards.study, prior_store(prior_of_study(wildcards.study)))


def layer_of(store=None):
    """The layer of a prior store whose maps are used; 1 where there is no store."""
    return STORES[store].prior.used_layer if store else 1


# Studies


def split_of(study):
    """Folder of a study's label split."""
    share, unlabelled = config["split"]["share"], config["split"]["unlabelled"]
    named = share if unlabelled is None else f"{share}-unlabelled{unlabelled}"
    return STUDY.format(study=study, share=named, seed=config["studies"][study]["seed"])


def labelled_share(wildcards):
    """The labelled share in per cent, of a split's name such as 10 or 10-unlabelled50."""
    return int(wildcards.share.split("-")[0])


def recipe_of(asked, t=None):
    """Recipe of a method, or of an entry of report.methods: what identifies its labels is in its name."""
    method = asked["method"] if isinstance(asked, dict) else asked
    refine = config["refine"]
    chosen = by_share(refine["timestep"], config["split"]["share"]) if t is None else t
    return str(recipe(method, chosen, refine["steps"], refine["draws"], refine["redraw"]))


def gcdr(t=None):
    """Recipe of the paper's method, at a timestep if one is given."""
    return recipe_of("gcdr", t)


def maps_of(name):
    """The recipe by which maps of test people are made: draws are averaged."""
    return str(averaged(parse_recipe(name)))


def teachers(**wanted):
    """Names of the teachers with these properties, as a pattern for a wildcard."""
    return "|".join(
        name
        for name, teacher in TEACHERS.items()
        if all(getattr(teacher, key) == value for key, value in wanted.items())
    )


# Inputs that decide a result


def script(name):
    return f"workflow/scripts/{name}.py"


def code(name):
    """The package's modules behind a script: an edit reruns its stage, and nothing above it."""
    return [os.path.relpath(path) for path in modules_behind(script(name))]


def files_in(folder, *names):
    """Files of a model, each an input by itself: a folder's time stamp says nothing of its content."""
    return [f"{folder}/{name}" for name in names]


def told(settings):
    """Settings of a stage as its script reads them."""
    return as_json(settings.to_json())


def as_json(value):
    """Settings as text that does not depend on the order of keys."""
    return json.dumps(value, sort_keys=True)
