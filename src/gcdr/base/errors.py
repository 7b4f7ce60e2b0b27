"""The one exception that is meant for people."""


class InputError(ValueError):
    """Bad input: the message names the file, row or key, what was found and what is expected.

    Command lines print the message alone (no traceback) and exit with status 2.
    """
