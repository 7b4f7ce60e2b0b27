"""The gaze models by name. A further one is a module with a ``KIND``, and a line here.

The table holds modules' names and no modules: a job depends on the code of the model that it trains or
asks, not on that of all others; and planning needs no torch.
"""

from importlib import import_module

from gcdr.base.errors import InputError
from gcdr.models.interface import Kind
from gcdr.models.kinds import GAZE_MODELS


def kind_of(name: str, where: str = "gaze model") -> Kind:
    """The kind of a name.

    Raises:
        InputError: there is none of this name; the known ones are listed.
    """
    if name not in GAZE_MODELS:
        known = ", ".join(GAZE_MODELS)
        raise InputError(f"{where}: found {name!r}, expected one of {known}")
    return import_module(GAZE_MODELS[name].module).KIND
