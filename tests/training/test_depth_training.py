"""Training with depth: patches, Mean Teacher on both branches, a denoiser with these towers, a photograph."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_study import CPU, DIFFUSION, GAZE, LABELS, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples, write_samples
from gcdr.data.depth_maps import depth_file, open_depth
from gcdr.data.heatmaps import minmax
from gcdr.data.manifest import BOX, build_manifest, read_annotated, read_people, write_table
from gcdr.data.originals import write_originals
from gcdr.data.pictures import open_image
from gcdr.data.split import split_labels
from gcdr.datasets.world_depth import write_world_depth
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.description import GazeModelSettings
from gcdr.models.interface import GazeOutput
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.pdp_loss import patch_distribution
from gcdr.predictor.predictor import Predictor
from gcdr.refine.labels import make_labels
from gcdr.training.consistency import train_consistency_model
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeConsistency, MeanTeacher, Recipe
from gcdr.world.dataset import DrawnDepth, WorldSettings

pytestmark = pytest.mark.slow

DEEP = replace(GAZE, model=GazeModelSettings("pdp", "world"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = make_study(tmp_path_factory.mktemp("deep"))
    people, images = read_people(study.manifest), study.folder / "images"
    drawn = DrawnDepth(True, stills=WorldSettings(3, "gaze", 24, 6, 4, 96, 72))
    write_world_depth(people, images, drawn, study.folder / "depth")
    samples = study.folder / "deep.h5"
    write_samples(people, images, 56, samples, 0, study.folder / "depth")
    return replace(study, samples=samples)


def given_of(study: Study, folder: Path) -> tuple[Path, Path, Path]:
    labels = folder / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), labels)
    return pictures_of(study, labels)


def test_teacher_denoiser_and_student_see_depth(study: Study, tmp_path: Path) -> None:
    given = given_of(study, tmp_path)
    teacher, diffusion, student = (tmp_path / name for name in ("vat", "diffusion", "student"))
    train_gaze_model(*given, None, None, None, DEEP, 0, CPU, teacher)
    deep = replace(DIFFUSION, network=replace(DIFFUSION.network, depth=True))
    train_diffusion_model(*given, teacher, deep, 0, CPU, diffusion)
    denoiser = load_model(diffusion)
    assert isinstance(denoiser, Denoiser) and denoiser.needs.depth
    assert denoiser.feat_extractor.conv1_scene.weight.shape[1] == 5
    pseudo = tmp_path / "pseudo.h5"
    make_labels(
        "gcdr", study.manifest, given[2], "unlabelled", study.samples, study.prior, diffusion, LABELS, 0,
        CPU, pseudo,
    )  # fmt: skip
    train_gaze_model(*given, pseudo, None, teacher, DEEP, 0, CPU, student)
    assert isinstance(load_model(student), PDP)
    with pytest.raises(InputError, match="a pdp: needs the depth of each image"):
        plain = (study.folder / "samples.h5", *given[1:])
        train_gaze_model(*plain, None, None, None, DEEP, 0, CPU, tmp_path / "plain")


def test_mean_teacher_holds_both_branches(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What consistency asks of the patches changes what they learn, beside that of the maps."""
    given = given_of(study, tmp_path)
    held = MeanTeacher(20.0, 4, ramp_up=0)
    settings = GazeConsistency(DEEP.model, Recipe(3, 8, 0.01), held, 3.0)
    train_consistency_model(*given, None, settings, 0, CPU, tmp_path / "mt")
    both = load_model(tmp_path / "mt")
    assert isinstance(both, PDP)
    monkeypatch.setattr(PDP, "branch_distance", lambda _, student, *__: 0 * student.patches.sum())
    train_consistency_model(*given, None, settings, 0, CPU, tmp_path / "maps")
    maps = load_model(tmp_path / "maps")
    assert not torch.allclose(both.inout_patch_pred.weight, maps.inout_patch_pred.weight, atol=1e-4)


@pytest.mark.parametrize("distance", ["kl", "mse"])
def test_distance_of_branches(distance: str) -> None:
    model = PDP(PDPConfig.world())
    rng = torch.Generator().manual_seed(0)
    maps = torch.zeros(3, 32, 32)
    one, other = (
        GazeOutput(heatmap=maps, patches=torch.randn(3, 50, generator=rng)) for _ in range(2)
    )
    assert model.branch_distance(one, one, distance).item() == pytest.approx(0, abs=1e-6)
    found = model.branch_distance(one, other, distance).item()
    student, teacher = (patch_distribution(output.patches) for output in (one, other))
    expected = {
        "kl": (teacher * (teacher / student).log()).sum(1).mean(),
        "mse": ((student - teacher) ** 2).mean(),
    }[distance]
    assert found == pytest.approx(expected.item(), rel=1e-4) and found > 0


def test_people_outside_teach_the_patches(study: Study, tmp_path: Path) -> None:
    """Where in and out of the frame is learned, the last entry of the distribution tells it."""
    labels, people = tmp_path / "labels.parquet", read_annotated(study.manifest)
    train = people.index[people["split"] == "train"]
    out = train[::3]
    people.loc[out, "in_frame"] = False
    people.loc[out, ["gaze_x", "gaze_y"]] = np.nan
    write_table(split_labels(people, 80, 0, 0), labels)
    given, settings = pictures_of(study, labels), replace(DEEP, in_frame=1.0)
    train_gaze_model(*given, None, None, None, settings, 0, CPU, tmp_path / "out")
    trained = load_model(tmp_path / "out")
    card = json.loads((tmp_path / "out/model.json").read_text())
    assert trained.tells_in_frame and card["people"]["out_of_frame"] > 0


def test_pictures_in_memory_are_asked_with_their_depth(study: Study, tmp_path: Path) -> None:
    """And give what the cache gives."""
    torch.manual_seed(0)
    predictor = Predictor(PDP(PDPConfig.world()).eval(), CPU)
    people, samples = read_people(study.manifest), Samples.open(study.samples)
    first = people[people["image"] == people["image"].iloc[0]]
    expected = predictor.of_people(samples, first["sample_id"].to_numpy(), None).heatmap
    name, size = first["image"].iloc[0], (96, 72)
    image = open_image(study.folder / "images" / name)
    depth = np.asarray(open_depth(depth_file(study.folder / "depth", name), size))
    (found,) = predictor.predict([image], [first[[*BOX]].to_numpy()], depths=[depth])
    assert np.abs(found.heatmap - minmax(expected)[0].clamp(0, 1).numpy()).max() < 1e-3
    wrong = (
        (None, "none"),
        (depth.T, r"shape \(96, 72\)"),
        (65535 * depth, "0 to 65535"),
        (0 * depth, "0 to 0"),
        ("x", "no numbers"),
    )
    for bad, said in wrong:
        with pytest.raises(
            InputError, match=rf"picture 0: depth: found {said}, expected \(72, 96\)"
        ):
            predictor.predict(
                [image], [first[[*BOX]].to_numpy()], depths=None if bad is None else [bad]
            )


@pytest.mark.slow
def test_the_papers_size_learns_from_a_photograph(tmp_path: Path) -> None:
    """With depth from a file, as other people give it."""
    data = pytest.importorskip("skimage.data")
    (tmp_path / "images").mkdir()
    Image.fromarray(data.astronaut()).save(tmp_path / "images/a.jpg")
    depth = (np.indices((512, 512))[0] * 127).astype(np.uint16)
    (tmp_path / "depth").mkdir()
    Image.fromarray(depth).save(depth_file(tmp_path / "depth", "a.jpg"))
    boxes = [(170.0, 30.0, 280.0, 190.0), (180.0, 40.0, 290.0, 200.0)]
    rows = pd.DataFrame(boxes, columns=BOX).assign(
        image="a.jpg", width=512, height=512, split="train", gaze_x=[0.8, 0.2], gaze_y=0.6,
        in_frame=True, label=None,
    )  # fmt: skip
    manifest = build_manifest(rows, "photograph")
    write_table(manifest, tmp_path / "manifest.parquet")
    people = read_people(tmp_path / "manifest.parquet")
    write_samples(people, tmp_path / "images", 224, tmp_path / "s.h5", 0, tmp_path / "depth")
    labels = split_labels(read_annotated(tmp_path / "manifest.parquet"), 100, 0, 0)
    write_table(labels, tmp_path / "l.parquet")
    write_originals(people, labels, tmp_path / "images", 224, tmp_path / "o.h5")
    recipe = Recipe(1, 2, 2.5e-4, weight_decay=0, ema=None, optimiser="adam", loss_scale=10000.0)
    settings = replace(DEEP, model=GazeModelSettings("pdp", "paper"), recipe=recipe)
    given = (tmp_path / "s.h5", tmp_path / "o.h5", tmp_path / "l.parquet")
    train_gaze_model(*given, None, None, None, settings, 0, CPU, tmp_path / "out")
    trained = load_model(tmp_path / "out")
    assert trained.config == PDPConfig.paper() and trained.needs.depth
    assert json.loads((tmp_path / "out/model.json").read_text())["people"] == {"labelled": 2}
