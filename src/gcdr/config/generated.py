"""Schemas of settings, made from their dataclasses, which alone say descriptions, defaults and bounds."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, Literal

from gcdr.base.jsonconfig import JsonConfig, required
from gcdr.base.texts import NAME, SHARE
from gcdr.config.schema import Schema, inline_references
from gcdr.config.yamlfiles import read_yaml
from gcdr.data.chosen import ChosenLabels
from gcdr.data.split import Split
from gcdr.detection.choices import Detect, Heads
from gcdr.priors.kinds.registry import PRIOR_KINDS
from gcdr.video.film_settings import Films
from gcdr.world.dataset import ShowSettings, WorldSettings
from gcdr.world.lessons import BackboneRecipe, DetectorRecipe, FrozenRecipe, VQARecipe

TABLES: dict[str, tuple[type[JsonConfig], str]] = {
    "split": (Split, "Who keeps their label."),
    "labels": (ChosenLabels, "Whose labels the study keeps, in place of a share: one of the keys."),
    "detect": (Detect, "Person detection and the match of heads to bodies."),
    "heads": (Heads, "Detection of heads, for own images without a table of head boxes."),
    "world_vqa": (VQARecipe, "Recipe of the VQA model."),
    "world_detector": (DetectorRecipe, "Recipe of a detector."),
    "world_backbone": (BackboneRecipe, "Recipe of the towers of gaze models."),
    "world_frozen": (FrozenRecipe, "Recipe of the frozen backbone."),
}
KEYS = {"NAME": NAME, "SHARE": SHARE}
"""Patterns of keys that the schema's file refers to by name."""

TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}


def read_schema(path: Path) -> Schema:
    """The schema of the configuration, with what is made from dataclasses, and without references.

    Raises:
        InputError: see :func:`read_table`.
    """
    schema = _with_patterns(read_yaml(path))
    schema.setdefault("$defs", {}).update(generated())
    inlined = inline_references(schema)
    del inlined["$defs"]
    return inlined


def _with_patterns(schema: Any) -> Any:
    """A copy of a schema in which names of patterns in ``KEYS`` are replaced by them."""
    if isinstance(schema, list):
        return [_with_patterns(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    keys = KEYS if set(schema) <= set(KEYS) else {}
    return {keys.get(key, key): _with_patterns(value) for key, value in schema.items()}


def generated() -> dict[str, Schema]:
    """Schemas made from dataclasses, by the names under which the file refers to them."""
    kinds = [object_schema(kind, kind.TITLE, kind.KIND) for kind in PRIOR_KINDS.values()]
    tables = {name: object_schema(cls, text) for name, (cls, text) in TABLES.items()}
    sources = {
        "world": object_schema(WorldSettings, "The demo world, drawn by this package.", "world"),
        "world_show": object_schema(
            ShowSettings, "Clips of a show of the demo world, which moves.", "world-show"
        ),
        "films": object_schema(Films, "Your own films, and a CSV of the heads in them.", "video"),
    }
    return {**tables, **sources, "prior": {"description": "A prior.", "oneOf": kinds}}


def object_schema(cls: type[JsonConfig], description: str = "", kind: str = "") -> Schema:
    """The schema of a table that :meth:`JsonConfig.from_json` reads.

    Args:
        cls: fields made by :func:`gcdr.base.jsonconfig.setting`; those with a default may be left out.
        description: what the table is.
        kind: value of a key ``kind`` that tells it from others; empty for none.
    """
    hints = typing.get_type_hints(cls)
    entries = sorted(dataclasses.fields(cls), key=lambda entry: not required(entry))
    fields = {entry.name: entry for entry in entries if entry.metadata}
    properties = {name: _field(entry, hints[name]) for name, entry in fields.items()}
    needed = [name for name, entry in fields.items() if required(entry)]
    if kind:
        properties = {"kind": {"const": kind, "description": description}} | properties
        needed.insert(0, "kind")
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        "properties": properties,
    }


def _field(entry: dataclasses.Field, hint: Any) -> Schema:
    limits = dict(entry.metadata["limits"])
    schema = _of_type(hint)
    if "items" in limits:
        inner = schema["items"] if "items" in schema else schema["patternProperties"][NAME]
        inner |= limits.pop("items")
    schema |= {**limits, "description": entry.metadata["description"]}
    if not required(entry) and schema.get("type") != "object":
        default = entry.default
        schema["default"] = list(default) if isinstance(default, tuple) else default
    return schema


def _of_type(hint: Any) -> Schema:
    if isinstance(hint, type) and issubclass(hint, JsonConfig):
        return object_schema(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is types.UnionType:
        inner = _of_type(arguments[0])
        return inner | {"type": [inner["type"], "null"]}
    if origin is tuple:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        named = {"description": "Of this data set."} | _of_type(arguments[1])
        return {"type": "object", "additionalProperties": False, "patternProperties": {NAME: named}}
    return {"type": TYPES[hint]}
