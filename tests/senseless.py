"""What the configuration must refuse, written down before it is tried: values by the kind of a leaf.

A leaf is described by its schema alone (type, bounds, format); nothing here asks the code that refuses.
"""

import math
from typing import Any

LONG = "x" * 5000
CONTROL = ["a\x00b", "\x1b[31mred", "a\rb", "\ud800", "a\u2028b"]

NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, 1e300, -1e300, 10**30, -(10**30), 1 << 5000]
SPELT: list[Any] = [
    "nan",
    "inf",
    "-.inf",
    "1e300",
    "1e999",
    "0x10",
    "1_000",
    "1,5",
    "ten",
    "",
    "9" * 5000,
]
FRACTIONS: list[Any] = [1.5, "2.5", 1e-300]
NESTED: list[Any] = [[], {}, [1], ["a"], {"a": 1}, [[[[1]]]], {"default": 1}]
NAMES = [
    "", ".", "..", "../x", "a/b", "/etc/passwd", "a\n", "\na", "a b", " a", "-n", "--force", ".hidden", "a+b",
    "a\\b", "$(touch X)", "`id`", "a;b", "a'b", 'a"b', "{x}", "*", "ä", "é", "smoke.", "smoke ", "a..",
    "CON", "con.txt", "Nul", "PRN", "aux", "COM1", "lpt9", "a" * 65, "a" * 300, LONG,
    *CONTROL,
]  # fmt: skip
PATHS = [
    "",
    " ",
    "a\n",
    "\na",
    "a\nb",
    " a",
    "a ",
    "x" * 300,
    f"data/{'x' * 300}/y",
    "x/" * 2500,
    LONG,
    *CONTROL,
]
ADDRESSES = [
    "", "x", "weights", "file:///etc/passwd", "ftp://host/x", "http:", "http://", "https:///x",
    "https://a b/c",
    "http://..com/x", "https://a..b/x", "https://host:abc/x", "https://host:99999/x", "https://host:0/x",
    "https://user:pw@host/x", "https://host/x#sha256=zz", f"https://{'a' * 64}.com/x",
    "https://host/a\n", "javascript:x", " https://host", f"https://host/{LONG}", *CONTROL,
]  # fmt: skip
REMOTE = [
    "", "..", "../x", "a/../b", "/etc/passwd", "./x", "a//b", "-x", "file:///etc/passwd", "ftp://host/x",
    "https://a b", "https://host/", "a\n", "x" * 300, LONG, *CONTROL,
]  # fmt: skip
PROSE = ["", " ", "\n\n", LONG, *CONTROL]
WORDS = ["", " ", "gcdr\n", " gcdr", "x" * 65, LONG, *CONTROL]
DEVICES = [
    "",
    "gpu",
    "CPU",
    "cuda:",
    "cuda:-1",
    "cuda:123",
    "cuda:0\n",
    "cpu\n",
    "cpu ",
    "auto,cpu",
    LONG,
]
NO_REFERENCES = ["no_such", "GCDR", "null", "true", "0", "data", "x" * 64]
TEXTS = {
    "name": NAMES,
    "path": PATHS,
    "address": ADDRESSES,
    "remote": REMOTE,
    "prose": PROSE,
    "word": WORDS,
    "device": DEVICES,
}
CHOICES = ["", "no such", "a\n", LONG, *CONTROL]


def senseless(leaf: dict[str, Any]) -> list[Any]:
    """Values that a leaf of the schema must refuse.

    Args:
        leaf: its schema: ``const``, ``enum``, or ``type`` with bounds, length, pattern or format.
    """
    if "const" in leaf or "enum" in leaf:
        allowed = leaf.get("enum", [leaf.get("const")])
        return [*CHOICES, *NUMBERS, *NESTED, True, *([] if None in allowed else [None])]
    types = leaf["type"] if isinstance(leaf["type"], list) else [leaf["type"]]
    values: list[Any] = [] if "null" in types else [None]
    values += [] if "boolean" in types else [True, False]
    numeric = {"integer", "number"} & set(types)
    if numeric:
        values += [*NUMBERS, *SPELT, *NESTED, *_outside(leaf)]
        values += FRACTIONS if "integer" in types else []
    if "string" in types:
        values += [*NESTED, 0, 1.5, *NUMBERS]
        values += TEXTS[leaf["format"]]
    if "boolean" in types:
        values += [*NUMBERS, *NESTED, 0, 1, "yes", "", "TRUE!", LONG]
    if "array" in types:
        values += [
            *NUMBERS,
            {},
            {"a": 1},
            "",
            "a",
            LONG,
            [None],
            [[]],
            [{}],
            [math.nan],
            *_lists(leaf),
        ]
    if types == ["object"]:
        values += [*NUMBERS, [], "", "a", LONG, ["a"]]
    return values


def _outside(leaf: dict[str, Any]) -> list[Any]:
    """Just beyond each bound; a leaf without an upper one has none, which is a fault of its own."""
    step = 1 if "integer" in leaf["type"] else 1e-12
    low, above = leaf.get("minimum"), leaf.get("exclusiveMinimum")
    high, below = leaf.get("maximum"), leaf.get("exclusiveMaximum")
    values = [] if low is None else [low - step, -abs(low) - 1, str(low - 1)]
    values += (
        []
        if high is None
        else [high + max(step, abs(high) * 1e-9 if step < 1 else 0), high * 1000 + 1]
    )
    return [*values, *(one for one in (above, below) if one is not None)]


def _lists(leaf: dict[str, Any]) -> list[Any]:
    item = leaf["items"]
    good = example(item)
    values = [[good] * (leaf["maxItems"] + 1)] if "maxItems" in leaf else []
    values += [[]] if leaf.get("minItems") else []
    values += [[good, good]] if leaf.get("uniqueItems") else []
    if item.get("type") in ("integer", "number", "string") or "enum" in item:
        values += [[one] for one in senseless(item)]
    return values


def example(schema: dict[str, Any]) -> Any:
    """A value that the schema of a leaf, a list or a table accepts: default, lowest, or required."""
    if "default" in schema:
        return schema["default"]
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return example(schema[choice][0])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if types[0] in ("integer", "number"):
        lowest = max(1 if types[0] == "integer" else 0.5, schema.get("minimum", 0))
        return min(lowest, schema.get("maximum", lowest))
    if types[0] == "string":
        return {"address": "https://host/x", "device": "cpu"}.get(schema.get("format", ""), "fuzz")
    if types[0] == "array":
        one, least = example(schema["items"]), schema.get("minItems", 0)
        return [one + number if isinstance(one, int) else one for number in range(least)]
    if types[0] == "boolean":
        return True
    table = {key: example(schema["properties"][key]) for key in schema.get("required", [])}
    if schema.get("minProperties") and not table:
        (part,) = schema["patternProperties"].values()
        table["fuzz"] = example(part)
    return table


A = "a" * 64
PAIRS = [
    # overlay on config.yaml and configs/smoke.yaml, the key that is to be named
    ("refine: {timestep: 501}", "refine.timestep"),
    ("refine: {timestep: auto, auto: {timesteps: [100, 500]}}", "refine.auto.timesteps"),
    ("refine: {timestep: auto, auto: {steps: [2, 600]}}", "refine.auto.timesteps"),
    ("refine: {timestep: auto, auto: {folds: 1}}", "refine.auto.folds"),
    ("refine: {timestep: auto, draws: 0}", "refine.draws"),
    ("refine: {timestep: 500}", "refine.timestep"),  # the released sampler begins one index further
    ("gaze: {recipe: {decay_at: [5, 3]}}", "gaze.recipe.decay_at"),
    ("gaze: {recipe: {steps: null, epochs: 10, decay_at: [5, 12]}}", "gaze.recipe.decay_at"),
    (
        "gaze: {recipe: {steps: null, epochs: {'5': 30, default: 4}, decay_at: [5]}}",
        "gaze.recipe.decay_at",
    ),
    ("gaze: {teacher: {decay_at: [5, 3]}}", "gaze.teacher.decay_at"),
    ("gaze: {models: {vat: {recipe: {decay_at: [5, 3]}}}}", "gaze.recipe.decay_at"),
    ("diffusion: {recipe: {decay_at: [5, 3]}}", "diffusion.recipe.decay_at"),
    (
        "report: {methods: [direct-mapping]}\ndiffusion: {mapping: {decay_at: [5, 3]}}",
        "diffusion.mapping.decay_at",
    ),
    (
        "report: {methods: [vat-mt, semi-vat]}\ngaze: {mean_teacher: {recipe: {decay_at: [5, 3]}}}",
        "gaze.mean_teacher.recipe.decay_at",
    ),
    (
        "report: {methods: [vat-mt, semi-vat]}\ngaze: {mean_teacher: {warm_up: 31}}",
        "gaze.mean_teacher.warm_up",
    ),
    (
        "report: {methods: [gcdr-mt]}\n"
        "diffusion: {mean_teacher: {ramp_up: 4, recipe: {steps: null, epochs: 3}}}",
        "diffusion.mean_teacher.ramp_up",
    ),
    ("detect: {shards: 9999}", "detect.shards"),
    ("priors: {ofa-world: {shards: 9999}}", "priors.ofa-world.shards"),
    ("refine: {steps: 300}", "refine.timestep"),
    ("refine: {timestep: {'5': 600, default: 250}}", "refine.timestep"),
    ("sweep: {timesteps: [100, 9000]}", "sweep.timesteps"),
    ("report: {student_timesteps: [9000]}", "report.student_timesteps"),
    ("diffusion: {timesteps: 100}", "refine.timestep"),
    ("diffusion: {mean_teacher: {steps: 501}}", "diffusion.mean_teacher.steps"),
    ("gaze: {recipe: {batch: 4}}", "gaze.labelled_per_batch"),
    ("gaze: {labelled_per_batch: 32}", "gaze.labelled_per_batch"),
    ("gaze: {labelled_per_batch: {'5': 40, default: 8}}", "gaze.labelled_per_batch"),
    ("gaze: {models: {vat: {recipe: {batch: 4}}}}", "gaze.labelled_per_batch"),
    ("gaze: {models: {vat: {labelled_per_batch: 40}}}", "gaze.models.vat.labelled_per_batch"),
    ("gaze: {recipe: {steps: null}}", "gaze.recipe"),
    ("gaze: {recipe: {epochs: 3}}", "gaze.recipe"),
    ("diffusion: {recipe: {epochs: 3}}", "diffusion.recipe"),
    (
        "report: {methods: [vat-mt]}\ngaze: {mean_teacher: {labelled_per_batch: 99}}",
        "gaze.mean_teacher",
    ),
    (
        "report: {methods: [vat-te]}\ngaze: {unlabelled: {labelled_per_batch: 99}}",
        "gaze.unlabelled.labelled_per_batch",
    ),
    (
        "report: {methods: [vat-pi]}\n"
        "gaze: {unlabelled: {ramp_up: 4, recipe: {steps: null, epochs: 3}}}",
        "gaze.unlabelled.ramp_up",
    ),
    (
        "report: {methods: [vat-fixmatch]}\ngaze: {unlabelled: {recipe: {decay_at: [5, 3]}}}",
        "gaze.unlabelled.recipe.decay_at",
    ),
    ("samples: {size: 64}", "samples.size"),
    ("samples: {size: 224}", "samples.size"),
    ("heatmap: {size: 64}", "heatmap.size"),
    ("diffusion: {model: paper}", "samples.size"),
    ("gaze: {models: {vat: {size: paper}}}", "heatmap.size"),
    ("gaze: {models: {vat: {size: large}}}", "gaze.models.vat.size"),
    ("gaze: {models: {vat: {kind: vta}}}", "gaze.models.vat.kind"),
    ("gaze: {models: {vat: {options: {patch_weight: 0}}}}", "gaze.models.vat.options.patch_weight"),
    ("gaze: {models: {vat: {keep: 0.5}}}\nrefine: {redraw: online}", "gaze.models.vat.keep"),
    ("report: {methods: [vat]}\ngaze: {models: {vat: {keep: 0.5}}}", "gaze.models.vat.keep"),
    (
        "report: {methods: [semi-vat-gaussian]}\ngaze: {models: {vat: {keep: 0.5}}}",
        "gaze.models.vat.keep",
    ),
    (
        "gaze: {models: {p: {kind: pdp, size: world, in_frame: 1, options: {patch_weight: 0}}}}",
        "gaze.models.p.options.patch_weight",
    ),
    (
        "gaze: {models: {p: {kind: pdp, size: world, depth: shuffled}}}\ndiffusion: {init: p, depth: true}",
        "diffusion.init",
    ),
    ("gaze: {models: {vat: {depth: shuffled}}}", "gaze.models.vat.depth"),
    ("gaze: {models: {vat: {in_frame_rate: 5}}}", "gaze.models.vat.in_frame_rate"),
    (
        "gaze: {in_frame: 1, models: {p: {kind: pdp, size: world, in_frame_rate: 5}}}",
        "gaze.models.p.in_frame_rate",
    ),
    (
        "gaze: {models: {s: {kind: semgaze, size: world, names: detected}}}",
        "gaze.models.s.names",
    ),
    (
        "report: {methods: [{method: vat-mt, gaze: s}]}\n"
        "gaze: {models: {s: {kind: semgaze, size: world, names: given}}}",
        "report.methods, vat-mt",
    ),
    ("gaze: {models: {gazelle: {backbone: null}}}", "gaze.models.gazelle.backbone"),
    ("diffusion: {init: gazelle}", "diffusion.init"),
    ("gaze: {models: {gazelle: {labeller: gazelle}}}", "gaze.models.gazelle.labeller"),
    ("gaze: {models: {gazelle: {labeller: nowhere}}}", "gaze.models.gazelle.labeller"),
    ("gaze: {models: {vat: {labeller: gazelle}}}", "gaze.models.vat.labeller"),
    (
        "gaze: {models: {tower: {kind: gazelle-tower, size: world, labeller: vat}}}",
        "gaze.models.tower.labeller",
    ),
    (
        "report: {methods: [{method: token-student, gaze: tower}]}\n"
        "gaze: {models: {tower: {kind: gazelle-tower, size: world}}}",
        "report.methods, token-student",
    ),
    ("report: {methods: [token-student]}", "report.methods, token-student"),
    (
        "report: {methods: [{method: semi-vat-gc, gaze: tower}]}\n"
        "gaze: {models: {tower: {kind: gazelle-tower, size: world, labeller: gazelle}}}",
        "report.methods, semi-vat-gc",
    ),
    (
        "report: {methods: [{method: semi-vat-gc, gaze: alone}]}\n"
        "gaze: {models: {alone: {kind: gazelle, size: world, backbone: assets/world/frozen}}}",
        "report.methods",
    ),
    ("heatmap: {sigma: 17}", "heatmap.sigma"),
    ("priors: {p: {kind: points, tables: {smoke: a}, size: 8, sigma: 5}}", "priors.p.sigma"),
    ("priors: {p: {kind: boxes, tables: {smoke: a}, size: 8, blur: 5}}", "priors.p.blur"),
    ("priors: {ofa-world: {layer: 3}}", "priors.ofa-world"),
    ("priors: {ofa-world-body: {kind: maps, stores: {smoke: a}}}", "priors.ofa-world-body"),
    ("split: {share: 100}", "split.share"),
    ("split: {share: null}", "split.share"),
    ("split: {share: 50, unlabelled: 60}", "split.unlabelled"),
    ("datasets: {smoke: {train_people: 1}}", "split.share"),
    ("studies: {data: {dataset: smoke, seed: 0}}", "studies.data"),
    ("studies: {weights: {dataset: smoke, seed: 0}}", "studies.weights"),
    ("studies: {benchmarks: {dataset: smoke, seed: 0}}", "studies.benchmarks"),
    ("studies: {report: {dataset: smoke, seed: 0}}", "studies.report"),
    ("studies: {Data: {dataset: smoke, seed: 0}}", "studies.Data"),
    ("studies: {Report: {dataset: smoke, seed: 0}}", "studies.Report"),
    ("studies: {Smoke: {dataset: smoke, seed: 0}}", "studies.Smoke"),
    ("datasets: {Smoke: {kind: folder, images: assets}}", "datasets.Smoke"),
    ("gaze: {models: {Vat: {kind: vat}}}", "gaze.models.Vat"),
    (
        "priors: {P: {kind: maps, stores: {smoke: a}}, p: {kind: maps, stores: {smoke: a}}}",
        "priors.p",
    ),
    ("report: {name: Benchmarks}", "report.name"),
    ("report: {name: data}", "report.name"),
    ("report: {name: world-weights}", "report.name"),
    ("report: {studies: [smoke, smoke]}", "report.studies"),
    ("galleries: [smoke, smoke]", "galleries"),
    ("galleries: [smoke]", "studies.smoke.teacher"),
    ("report: {methods: [vat, vat]}", "report.methods"),
    ("report: {methods: [vat, {method: vat, gaze: vat}]}", "report.methods[1]"),
    ("report: {methods: [gcdr, {method: gcdr, prior: ofa-world}]}", "report.methods[1]"),
    ("report: {methods: [{method: vat-gc, gaze: gazelle}]}", "report.methods, vat-gc"),
    (
        "studies: {smoke: {share: 10}, demo: {share: 5}}\nreport: {studies: [smoke, demo]}",
        "report.studies",
    ),
    ("studies: {smoke: {labelled: [smoke]}}", "studies.smoke"),
    (
        "studies: {p: {labelled: [demo], unlabelled: [smoke], test: demo, seed: 0}}\n"
        "datasets: {demo--smoke--demo: {kind: folder, images: assets}}",
        "datasets.demo--smoke--demo",
    ),
    (
        "studies: {p: {labelled: [demo], unlabelled: [smoke], test: demo, seed: 0}}\n"
        "datasets: {Demo--smoke--DEMO: {kind: folder, images: assets}}",
        "datasets.Demo--smoke--DEMO",
    ),
    (
        f"studies: {{p: {{labelled: [demo, {A}], unlabelled: [{A}], test: {A}, seed: 0}}}}\n"
        f"datasets: {{{A}: {{kind: folder, images: assets}}}}",
        "studies.p",
    ),
    (
        "studies: {p: {labelled: [demo, smoke], unlabelled: [demo], test: demo, seed: 0},"
        " q: {labelled: [demo.smoke], unlabelled: [demo], test: demo, seed: 0}}\n"
        "datasets: {demo.smoke: {kind: folder, images: assets}}",
        "studies.q",
    ),
    ("studies: {smoke: {init: {study: smoke, model: vat}}}", "studies.smoke.init"),
    ("studies: {smoke: {pretrained: {raw: assets/world/backbone}}}", "studies.smoke.pretrained"),
    ("studies: {smoke: {init: {vta: assets/world/backbone}}}", "studies.smoke.init.vta"),
    ("studies: {smoke: {init: {gazelle: nowhere.pt}}}", "studies.smoke.init.gazelle"),
    ("studies: {smoke: {init: {study: demo}}}", "studies.smoke.init.model"),
    ("studies: {smoke: {init: {study: demo, model: vat, vat: x}}}", "studies.smoke.init.vat"),
    (
        "studies: {smoke: {init: {gazelle: {study: nope, model: vat}}}}",
        "studies.smoke.init.gazelle.study",
    ),
    ("studies: {smoke: {init: {gazelle: {study: smoke, model: vat}}}}", "studies.smoke.init"),
    (
        "studies: {smoke: {init: {gazelle: {study: demo, model: nope}}}}",
        "studies.smoke.init.gazelle.model",
    ),
    (
        "studies: {smoke: {init: {gazelle: {study: demo, model: vat-gc}}}}",
        "studies.smoke.init.gazelle.model",
    ),
    ("studies: {smoke: {pretrained: {gcdr: {vta: a.pt}}}}", "studies.smoke.pretrained.gcdr.vta"),
    (
        "studies: {smoke: {pretrained: {gcdr: {gazelle: no.pt}}}}",
        "studies.smoke.pretrained.gcdr.gazelle",
    ),
    (
        "studies: {smoke: {pretrained: {diffusion: {vat: no.pt}}}}",
        "studies.smoke.pretrained.diffusion",
    ),
    (
        "studies: {smoke: {pretrained: {vat-gc: {gazelle: no.pt}}}}",
        "studies.smoke.pretrained.vat-gc.gazelle",
    ),
    (
        "world_weights: {vqa: {lessons: [{kinds: [gaze], steps: 9, horizon: 8, batch: 2, lr: 0.1}]}}",
        "world_weights.vqa",
    ),
]
"""Values that are each right by themselves and senseless together."""
