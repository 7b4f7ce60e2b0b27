"""The drawings of the documentation are those that their script makes from the code."""

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from warm import warm_python

ROOT = Path(__file__).parents[2]
PICTURE = re.compile(r"data:image/png;base64,[\w+/=]+")  # its bytes are the encoder's matter


@pytest.mark.slow
def test_drawings_are_up_to_date(tmp_path: Path) -> None:
    script = [warm_python(), ROOT / "docs/figures/draw.py", tmp_path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(script, check=True, capture_output=True, env=environment)
    drawn = {path.name: PICTURE.sub("", path.read_text()) for path in tmp_path.glob("*.svg")}
    kept = {path.name: PICTURE.sub("", path.read_text()) for path in ROOT.glob("docs/images/*.svg")}
    assert drawn.keys() == {"pipeline.svg", "diffusion.svg", "structures.svg"}
    assert drawn == kept, "run python docs/figures/draw.py"
    for text in drawn.values():
        drawing = ElementTree.fromstring(text)
        described = [
            drawing.find(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc")
        ]
        assert all(len(element.text) > 10 for element in described)


def test_pictures_of_the_documentation_are_there_and_described() -> None:
    for page in ROOT.glob("docs/*.md"):
        for words, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / target).is_file() and len(words) > 20, (page.name, target)
