"""How functions of rules want to be called, found out once. No rules here.

Snakemake looks up the parameters of every function anew for every job, a tenth of planning a thousand shards.
"""

from inspect import isfunction

from snakemake.common import get_function_params, overwrite_function_params
from snakemake.resources import Resource


def keep_parameters(function):
    """Let Snakemake take a function's parameters as it finds them now."""
    overwrite_function_params(function, get_function_params(function))


keep_parameters(Resource.evaluate)
for one in workflow.modifier.rules:
    for value in (*one.input, *one.params):
        function = getattr(getattr(value, "_file", value), "callable", value)
        if isfunction(function):
            keep_parameters(function)
