"""A further gaze model is one new file and one line in a table: everything else takes it as it is."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_gaze import Tiny, TinyConfig
from tiny_study import CPU, GAZE, MAPS, make_study, pictures_of
from workflow_runs import ROOT, SMOKE, Workspace

import gcdr
from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.provenance import modules_behind
from gcdr.data.cache import write_samples
from gcdr.data.manifest import read_annotated, read_people, write_table
from gcdr.data.split import split_labels
from gcdr.models.build import load_model, save_model
from gcdr.models.description import GazeModelSettings, read_description
from gcdr.models.kinds import GAZE_MODELS, model_title
from gcdr.models.named import initial_gaze_model
from gcdr.models.pretrained import take_pretrained
from gcdr.models.pretrained_card import PretrainedSettings
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.report.rows import titled_row
from gcdr.training.gaze import train_gaze_model

TABLE = "src/gcdr/models/kinds.py"
LINE = '        "tiny": "gcdr.models.tiny_gaze",\n'
OVERLAY = """
gaze: {models: {tiny: {kind: tiny, size: world}}}
report: {methods: [vat, gcdr, {method: vat, gaze: tiny}, {method: gcdr, gaze: tiny}]}
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The project with the new file and the new line."""
    workspace = Workspace(tmp_path_factory.mktemp("grown"))
    shutil.copy(Path(__file__).with_name("tiny_gaze.py"), workspace.folder / "src/gcdr/models")
    table = workspace.folder / TABLE
    text = table.read_text()
    last = '        "video-pdp": "gcdr.models.video_pdp",\n'
    assert last in text
    table.write_text(text.replace(last, last + LINE))
    workspace.write("tiny.yaml", OVERLAY)
    return workspace


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line in the table of this process."""
    monkeypatch.setitem(GAZE_MODELS, "tiny", read_description("tiny_gaze"))


def test_it_is_planned_as_teacher_and_student(grown: Workspace) -> None:
    plan = grown.snakemake("-n", "-p", configs=(SMOKE, "tiny.yaml"))
    assert plan.returncode == 0, plan.stdout[-3000:]
    assert "teachers/vat+tiny" in plan.stdout and "+ofa-world-body+tiny" in plan.stdout
    assert "samples-28.h5" in plan.stdout, "its pictures have its own size"
    line = next(line for line in plan.stdout.splitlines() if "--out=" in line and "+tiny" in line)
    assert '"kind": "tiny"' in line


def test_a_checkpoint_of_another_model_is_refused_before_any_job(grown: Workspace) -> None:
    wide = grown.folder / "wide"
    save_model(wide, Tiny(TinyConfig(8)))
    for source, said in (
        ("assets/world/backbone", "holds towers of VAT, expected Tiny"),
        ("wide", "holds Tiny of another size (glance.weight [8, 3, 7, 7], expected [4, 3, 7, 7])"),
    ):
        overlay = OVERLAY.replace("size: world", f"size: world, init: {source}")
        grown.write("foreign.yaml", overlay)
        plan = grown.snakemake("-n", configs=(SMOKE, "foreign.yaml"))
        assert plan.returncode and "gaze.models.tiny.init: " in plan.stdout
        assert said in plan.stdout
    grown.write("taken.yaml", f"{OVERLAY}studies: {{smoke: {{pretrained: {{vat: wide}}}}}}\n")
    plan = grown.snakemake("-n", configs=(SMOKE, "taken.yaml"))
    assert (
        "studies.smoke.pretrained.vat: " in plan.stdout
        and "holds Tiny, expected VAT" in plan.stdout
    )


@pytest.mark.slow
def test_it_trains_labels_and_predicts(listed: None, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", train=12, test=3)
    samples, table = tmp_path / "samples.h5", tmp_path / "labels.parquet"
    write_samples(read_people(study.manifest), study.folder / "images", 28, samples, failures=0)
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), table)
    given = (samples, pictures_of(study, table)[1], table)
    settings = replace(GAZE, model=GazeModelSettings("tiny", "world"))
    teacher, pseudo, student = (tmp_path / name for name in ("teacher", "pseudo.h5", "student"))
    train_gaze_model(*given, None, None, None, settings, 0, CPU, teacher)
    make_labels(
        "semi-vat", study.manifest, table, "unlabelled", samples, None, teacher,
        LabelSettings(MAPS, "gaze"), 0, CPU, pseudo,
    )  # fmt: skip
    train_gaze_model(*given, pseudo, None, teacher, settings, 0, CPU, student)
    assert isinstance(load_model(student), Tiny)
    assert "tiny" in read_json(student / "model.json")["model"]
    picture = np.zeros((48, 64, 3), np.uint8)
    (told,) = gcdr.load(student).predict([picture], [[[4, 5, 24, 25]]])
    assert told.points.shape == (1, 2) and told.heatmap.shape == (1, 32, 32)
    with pytest.raises(InputError, match="Tiny: found size 'paper', expected one of world, wide"):
        initial_gaze_model(GazeModelSettings("tiny", "paper"), False, None, 0)
    with pytest.raises(InputError, match="found a Tiny, expected a VAT as pretrained"):
        ready = PretrainedSettings(56, 32, "vat", 500, "linear")
        take_pretrained("gcdr", student, ready, tmp_path / "taken")
    assert model_title("tiny", False) == "Tiny"
    rows = pd.DataFrame(
        {"method": "gcdr", "variant": "gcdr", "prior": "ofa", "gaze": ["vat", "tiny"]}
    )
    rows["gaze_title"] = [model_title(kind, False) for kind in rows["gaze"]]
    rows["labeller_title"] = None
    assert titled_row(rows.iloc[1], rows) == "GCDR, student Tiny"


def test_other_models_are_not_made_again_for_it() -> None:
    """A job has the module of its own gaze model among its inputs, and not the table."""
    behind = {path.name for path in modules_behind(ROOT / "workflow/scripts/train_gaze.py")}
    assert "kinds.py" not in behind and "named.py" in behind and "vat.py" not in behind


def test_what_a_module_says_must_need_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "says_none.py").write_text("import torch\n")
    (tmp_path / "says_more.py").write_text(
        "import torch\nDESCRIPTION = Description(title=str(torch), sizes={})\n"
    )
    for module, said in (
        ("says_none", "says no DESCRIPTION"),
        ("says_more", "DESCRIPTION uses torch"),
        ("says_nowhere", "no such module"),
    ):
        with pytest.raises(ValueError, match=f"^{module}: {said}"):
            read_description(module)
