"""Models are built and read without what that needs not: torch's compiler, and random weights."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gcdr.models.weights import Undrawn

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from gcdr.models.from_timm import create_model
from gcdr.models.weights import Undrawn
with Undrawn():
    create_model("vit_tiny_patch16_224", num_classes=0)
print(any(name.startswith("torch._dynamo") for name in sys.modules))
import torchvision.ops
question = sys.modules["torchvision.ops.roi_align"].is_compile_supported
import torch
print(question("cpu") == torch._dynamo.utils.is_compile_supported("cpu"))
print(type(torch._dynamo).__name__, torch.compiler.disable(abs)(-3))
"""


AGAIN = """
import torch
from torch.nn.init import trunc_normal_
from gcdr.models.weights import Undrawn
ends = ((0, 0.02, -2, 2), (1, 0.5, 0.9, 1.4), (0, 1, 1.5, 2), (0, 1, -2, -1.5), (0, 1, 0.1, 3))
for mean, std, low, high in ends:
    left = torch.nn.Parameter(torch.full((64, 8), 1e9))  # as what stands in memory may be
    with Undrawn():
        trunc_normal_(left, mean, std, low, high)
    print(bool((left >= low).all() and (left <= high).all()))
"""


@pytest.mark.slow
def test_what_stands_in_memory_is_never_waited_for_to_be_within_bounds() -> None:
    command = [sys.executable, "-c", AGAIN]
    env = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["True"] * 5, done.stderr


TRAINING = """
import sys
from pathlib import Path
from torch import nn, ones
from gcdr.training.loop import fit
from gcdr.training.recipes import Recipe
model = nn.Linear(4, 1)
recipe = Recipe(steps=3, batch=2, lr=0.001)
fit(model, lambda step: model(ones(2, 4)).pow(2).mean(), recipe, Path(sys.argv[1]), "a model")
print(any(name.startswith("torch._dynamo") for name in sys.modules))
"""


def test_a_training_does_without_the_compiler(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "log.csv")]
    env = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["False"], done.stderr


@pytest.mark.slow
def test_the_compiler_is_imported_when_it_is_asked_and_no_sooner() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:3] == ["False", "True", "module 3"], done.stderr


def test_undrawn_weights_take_no_random_numbers_and_constants_stay() -> None:
    before = torch.get_rng_state()
    with Undrawn():
        made = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.Linear(8, 8), nn.LayerNorm(8), nn.BatchNorm2d(8)
        )
        nn.init.trunc_normal_(made[1].weight)
        nn.init.xavier_normal_(made[1].weight)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(bool((norm.weight == 1).all() and (norm.bias == 0).all()) for norm in made[2:])
    nn.Linear(8, 8)
    assert not torch.equal(torch.get_rng_state(), before)
