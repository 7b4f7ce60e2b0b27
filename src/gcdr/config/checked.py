"""A configuration from its files to one that stages may be planned from, all of it here."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gcdr.base.plain import JsonTable
from gcdr.config.generated import read_schema
from gcdr.config.preflight import check_references
from gcdr.config.schema import Schema, read_values, validate_config
from gcdr.config.yamlfiles import check_duplicates, read_yaml

SCHEMA = "workflow/schemas/config.schema.yaml"


def check_config(config: JsonTable, files: Sequence[Path], schema: Path) -> None:
    """Check a configuration, and turn, in place, what is written otherwise into what it means.

    Args:
        config: as the files together say it.
        files: the files, for what is lost when they are read: keys that stand twice.
        schema: file of the schema.

    Raises:
        InputError: names every problem of the first check that finds one, by its dotted path.
    """
    check_duplicates(files)
    check_values(config, read_schema(schema))


def check_values(config: JsonTable, schema: Schema) -> None:
    """The same of the values alone, with a schema that is read already.

    Raises:
        InputError: see :func:`check_config`.
    """
    read_values(config, schema)
    validate_config(config, schema)
    check_references(config)


def read_config(files: Iterable[Path]) -> JsonTable:
    """Configuration files laid over one another as Snakemake does: tables are joined, other values replaced.

    Raises:
        InputError: a file cannot be read or is no table of YAML; the line is named.
    """
    config: JsonTable = {}
    for file in files:
        lay_over(config, read_yaml(file))
    return config


def lay_over(config: JsonTable, changes: JsonTable) -> None:
    """Lay changes over a configuration, in place."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            lay_over(config[key], value)
        else:
            config[key] = value
