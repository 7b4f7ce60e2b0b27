"""What every script of the workflow shares: arguments in, one clear line out when the input is bad.

:func:`gcdr.base.command_line.options` writes what :func:`arguments` reads. Scripts alone import this
file: while the rest is imported, Python does not look for garbage.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcdr.base.endings import START_UP, TROUBLE, closing_line, end_with, small_gpu
from gcdr.base.errors import InputError
from gcdr.base.files import disk_trouble
from gcdr.base.stopping import answer_signals

# Importing torch makes 200,000 objects and hardly any garbage, for which Python would look 500 times: a
# fifth of the import. `run` sets the interval again.
USUAL = gc.get_threshold()
gc.set_threshold(100_000)

TRAINING = ("samples:path", "originals:path", "labels:path", "seed:int", "device", "out:path")


def arguments(description: str, *names: str, **optional: Any) -> argparse.Namespace:
    """Parse a script's command line.

    Args:
        description: what the script does.
        names: required options. A name ending in ``:int``, ``:float``, ``:json`` or ``:path`` is
            converted, ``:paths`` and ``:texts`` take several, after one name or each after its own (with a
            star none will do); without an ending it is text. ``--name=value`` is safe for values that begin
            with a dash.
            ``device`` becomes what :func:`gcdr.base.device.pick_device` makes of it.
        optional: options with a default; their type is the default's; None means an optional path, and
            a dictionary JSON. A class of settings makes a required option that takes them as JSON.

    Raises:
        InputError: the device is unknown, or this machine lacks it; settings that do not fit.
    """
    parser = argparse.ArgumentParser(description=description)
    kinds: dict[str, Any] = {"int": int, "float": float, "json": json.loads, "path": Path, "": str}
    for entry in names:
        name, _, kind = entry.partition(":")
        many = kind.rstrip("*") in ("paths", "texts")
        several = {"nargs": "*" if "*" in kind else "+", "action": "extend"} if many else {}
        kind = {"paths": "path", "texts": ""}.get(kind.rstrip("*"), kind)
        parser.add_argument(f"--{name}", type=kinds[kind], required=True, **several)
    typed: dict[str, Any] = {
        name: settings for name, settings in optional.items() if isinstance(settings, type)
    }
    for name in typed:
        parser.add_argument(f"--{name.replace('_', '-')}", type=json.loads, required=True)
    for name, default in optional.items():
        if name in typed:
            continue
        converter: Any = Path if default is None else type(default)
        converter = json.loads if converter is dict else converter
        parser.add_argument(f"--{name.replace('_', '-')}", type=converter, default=default)
    found = parser.parse_args()
    for name, settings in typed.items():
        setattr(found, name, settings.from_json(getattr(found, name), name))
    if "device" in found:
        from gcdr.base.device import pick_device  # not above: some scripts do without torch

        found.device = pick_device(found.device)
    return found


def run(main: Callable[[], None]) -> None:
    """Run a script's main function; bad input or a full disk ends it with one line and exit status 2.

    So does a signal that asks it to stop (:mod:`gcdr.base.stopping`); temporary files are removed on the way
    out.
    """
    answer_signals()
    gc.freeze()  # what was imported stays: nobody looks through it for garbage, nor at the end
    gc.set_threshold(*USUAL)
    print(f"{START_UP} {time.process_time():.2f} CPU seconds", file=sys.stderr, flush=True)
    try:
        main()
        sys.stdout.flush()
    except InputError as error:
        end_with(closing_line(error), 2)
    except Exception as error:
        if line := small_gpu(error):
            end_with(line, 2)
        if not (reason := disk_trouble(error)):
            raise
        named = getattr(error, "filename", None) or "the log, or a file of this job"
        end_with(f"{TROUBLE}{named}: cannot be written ({reason})", 2)
