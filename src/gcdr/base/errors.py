"""The one exception that is meant for people."""


class InputError(ValueError):
    """Bad input: the message names the file, row or key, what was found and what is expected.

    Command lines print the message alone (no traceback) and exit with status 2.
    """


def one_line(error: InputError) -> str:
    """What is said, on one line: of a list of problems of one file the problems, each of which names it."""
    first, *lines = str(error).splitlines()
    return "; ".join(line.strip() for line in lines or [first])
