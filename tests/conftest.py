"""Options and fixtures that several test files share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["download_server", "workflow_runs"]

# No test depends on the machine's speed. In continuous integration the same commit tries the same
# examples; elsewhere every run tries new ones.
settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--goldens",
        type=Path,
        default=Path(__file__).parent / "goldens",
        help="folder of stored reference values",
    )
    parser.addoption(
        "--real",
        type=Path,
        default=os.environ.get("GCDR_REAL"),
        help="folder of real annotations (or the environment variable GCDR_REAL)",
    )


LONGEST = ("test_workflow.py", "test_own_labels.py", "test_label.py", "test_data_rules.py")


def _turn(item: pytest.Item) -> int:
    """The longest files first, each minutes long; then whatever else starts Snakemake."""
    if item.path.name in LONGEST:
        return LONGEST.index(item.path.name)
    return len(LONGEST) + (item.path.parent.name != "workflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who makes a workspace, or has a fixture that does, starts Snakemake; every start takes seconds.

    The longest files come first, so that processes which share the files end together.
    """
    items.sort(key=_turn)
    for item in items:
        fixtures = [made for known in item._fixtureinfo.name2fixturedefs.values() for made in known]
        functions = [item.function, *(fixture.func for fixture in fixtures)]
        if any("Workspace" in function.__code__.co_names for function in functions):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def goldens(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """``goldens("ofa/nano.npz")`` is that file; where it is missing the test is skipped."""
    folder = request.config.getoption("--goldens")

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"no reference values: {folder / name} is missing")
        return folder / name

    return find


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """``real("gazefollow_test2/...")`` is that file of the folder of real data; else the test is skipped."""
    folder = request.config.getoption("--real")

    def find(name: str) -> Path:
        if folder is None:
            pytest.skip("no folder of real data: give one with --real or in GCDR_REAL")
        if not Path(folder, name).exists():
            pytest.skip(f"no real data: {Path(folder, name)} is missing")
        return Path(folder, name)

    return find
