"""Every way to the environment has the same versions; conda, Docker and Apptainer files are read, not run."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
LISTS = ("bootstrap", "runtime", "photos", "dev", "nouns")
IMAGES = ("Dockerfile", "gcdr.def")
PYTHON = "3.11"


def entries(name: str) -> list[str]:
    """The packages of a list with their hashes, a line each."""
    text = (ROOT / f"requirements/{name}.txt").read_text().replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def pins(name: str) -> list[str]:
    """Its packages with version and marker."""
    return [HASH.split(line)[0].strip() for line in entries(name)]


def wanted(name: str) -> list[Requirement]:
    lines = (ROOT / f"requirements/{name}.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def versions(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pin in map(Requirement, pins(name)):
        found.setdefault(pin.name, set()).add(str(pin.specifier).removeprefix("=="))
    return found


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_with_hashes_to_what_is_wanted(name: str) -> None:
    assert entries(name) and all(HASH.search(line) for line in entries(name))
    assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.+]+( ; .+)?", pin) for pin in pins(name))
    found = versions(name)
    for asked in wanted(name):
        assert all(asked.specifier.contains(one) for one in found[asked.name]), asked


@pytest.mark.parametrize("name", ["dev", "nouns"])
def test_lists_that_are_installed_together_agree(name: str) -> None:
    ours, runtime = versions(name), versions("runtime")
    shared = ours.keys() & runtime
    assert len(shared) > 10
    assert {one: ours[one] for one in shared} == {one: runtime[one] for one in shared}


def test_the_package_s_own_ranges_hold_what_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = versions("runtime")
    for asked in map(Requirement, project["dependencies"]):
        assert all(asked.specifier.contains(one) for one in found[asked.name]), asked


def test_conda_installs_the_pins() -> None:
    environment = yaml.safe_load((ROOT / "envs/gcdr.yaml").read_text())
    python, pip, packages = environment["dependencies"]
    assert (python, pip) == (f"python={PYTHON}", "pip")
    assert packages == {"pip": pins("runtime")}
    lines = (ROOT / "envs/gcdr.post-deploy.sh").read_text().splitlines()
    installed = [shlex.split(line) for line in lines if line.startswith("python")]
    assert installed == [["python", "-m", "pip", "install", "--no-deps", *pins("photos")]]


def image(name: str) -> tuple[str, dict[str, str], list[list[str]]]:
    """Base, copied files by their place inside, and the pip commands of an image's recipe."""
    text = (ROOT / "envs" / name).read_text().replace("\\\n", "")
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    base = next(line.split()[1] for line in lines if line.lower().startswith("from"))
    copied = {}
    for line in lines:
        *sources, place = line.removeprefix("COPY ").split()
        if sources and sources[0].startswith("requirements/"):
            inside = [f"{place}{Path(one).name}" if place[-1] == "/" else place for one in sources]
            copied |= dict(zip(inside, sources, strict=True))
    commands = " && ".join(line.removeprefix("RUN ") for line in lines).split("&&")
    return base, copied, [shlex.split(one) for one in commands if one.split()[:1] == ["pip"]]


@pytest.mark.parametrize("name", IMAGES)
def test_images_install_the_lists_with_hashes(name: str) -> None:
    base, copied, commands = image(name)
    assert base.startswith(f"python:{PYTHON}-")
    options = ["pip", "install", "--no-cache-dir", "--require-hashes"]
    lists = []
    for command in commands:
        assert command[: len(options)] == options and command[-2] == "--requirement"
        lists.append((copied[command[-1]], *command[len(options) : -2]))
    assert lists == [("requirements/runtime.txt",), ("requirements/photos.txt", "--no-deps")]
    assert all((ROOT / source).is_file() for source in copied.values())


def test_no_list_names_where_packages_come_from() -> None:
    files = [*ROOT.glob("requirements/*"), *ROOT.glob("envs/*")]
    assert len(files) >= 14
    assert not [path.name for path in files if "://" in path.read_text()]
