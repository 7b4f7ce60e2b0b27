"""What a user types outside the workflow: ``gcdr COMMAND``, or ``python -m gcdr COMMAND``.

A command is a function that adds its own parser and sets ``run``, which takes the parsed arguments
and returns the exit status; ``COMMANDS`` names them. Heavy imports belong into ``run``, so that
``--help`` is quick.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gcdr import __version__
from gcdr.errors import InputError

COMMANDS: tuple[Callable[[Any], None], ...] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse a command line and run its command.

    Returns:
        the exit status: 0, what the command says, or 2 after bad input (one message, no traceback).
    """
    parser = argparse.ArgumentParser(prog="gcdr", description="Gaze following from few labels.")
    parser.add_argument("--version", action="version", version=f"gcdr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    args = parser.parse_args(arguments)
    try:
        return args.run(args)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
