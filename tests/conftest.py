"""Options and fixtures that several test files share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# In continuous integration the same commit tries the same examples; elsewhere every run tries new ones.
settings.register_profile("same examples", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same examples")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--goldens",
        type=Path,
        default=Path(__file__).parent / "goldens",
        help="folder of stored reference values",
    )


@pytest.fixture(scope="session")
def goldens(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """``goldens("ofa/nano.npz")`` is that file; where it is missing the test is skipped."""
    folder = request.config.getoption("--goldens")

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"no reference values: {folder / name} is missing")
        return folder / name

    return find
