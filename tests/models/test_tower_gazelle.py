"""A small tower with Gaze-LLE's decoder: what a student of a frozen backbone's tokens is, and its loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gcdr.base.errors import InputError
from gcdr.models.backbone import SceneTower
from gcdr.models.build import load_model, save_model
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import TowersConfig, VATConfig
from gcdr.models.token_loss import take_heads, token_loss
from gcdr.models.tower_gazelle import KIND, TowerGazelle, start_tower
from gcdr.models.vat import VAT

WORLD = KIND.sized("world", prior=False)


def people(side: int) -> GazeInputs:
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[0.1, 0.1, 0.4, 0.4], [0.6, 0.1, 0.9, 0.4], [0.2, 0.3, 0.5, 0.6]])
    return GazeInputs(images=images, image_of=torch.tensor([0, 0, 1]), head_box=boxes)


def test_the_loss_is_that_of_a_computation_by_hand() -> None:
    """Of two places, one person and two tokens of two channels; only the student gets a gradient."""
    student = [
        torch.tensor([[[1.0, 0], [0, 2]]], requires_grad=True),
        torch.tensor([[[3.0, 4], [1, 0]]], requires_grad=True),
    ]
    teacher = [torch.tensor([[[1.0, 0], [2, 0]]]), torch.tensor([[[4.0, 3], [-1, 0]]])]
    first = (0 + 0 + 2 + 2) / 4 + 1 - (1 + 0) / 2
    second = (1 + 1 + 2 + 0) / 4 + 1 - (24 / 25 - 1) / 2
    loss = token_loss(student, teacher)
    assert loss.item() == pytest.approx((first + second) / 2)
    loss.backward()
    assert all(tokens.grad is not None for tokens in student)
    assert token_loss(teacher, teacher).item() == pytest.approx(0, abs=1e-6)


def test_tokens_of_other_shapes_are_named_in_one_line() -> None:
    one, other = [torch.zeros(1, 4, 8)], [torch.zeros(1, 9, 8)]
    expected = r"^tokens: found \[\[4, 8\]\], expected \[\[9, 8\]\], as the teacher's are$"
    with pytest.raises(InputError, match=expected):
        token_loss(one, other)


@pytest.mark.parametrize("inout", [False, True])
def test_a_student_has_its_teachers_tokens_and_heads(inout: bool) -> None:
    torch.manual_seed(0)
    teacher = Gazelle(GazelleConfig.world(inout)).eval()
    student = TowerGazelle(replace(WORLD, inout=inout)).eval()
    take_heads(student, teacher, "teacher")
    for name, head in teacher.output_heads.items():
        mine = student.output_heads[name].state_dict()
        assert mine.keys() == head.state_dict().keys()
        assert all(torch.equal(mine[part], value) for part, value in head.state_dict().items())
        assert not any(p.requires_grad for p in student.output_heads[name].parameters())
    assert ("inout_head" in student.output_heads) == inout
    tokens = [m.decoder_tokens(people(m.input_size)) for m in (student, teacher)]
    assert [t.shape for t in tokens[0]] == [t.shape for t in tokens[1]] == [(3, 49 + inout, 64)] * 2
    said = student(people(56))
    assert said.heatmap.shape == (3, 32, 32) and (said.in_frame is not None) == inout


def test_a_teacher_that_does_not_fit_is_named_in_one_line() -> None:
    student = TowerGazelle(WORLD)
    wide = Gazelle(replace(GazelleConfig.world(), width=128))
    said = r"^here: heatmap_head.0.weight: found \[128, 128, 4, 4\], expected \[64, 64, 4, 4\], as the .*"
    with pytest.raises(InputError, match=said):
        take_heads(student, wide, "here")
    told = Gazelle(GazelleConfig.world(inout=True))
    with pytest.raises(InputError, match=r"^here: inout_head\.0\.\w+: found .*, expected none, as"):
        take_heads(student, told, "here")
    with pytest.raises(InputError, match=r"^here: a vat has no tokens that a student could learn$"):
        take_heads(student, VAT(VATConfig.world()), "here")
    with pytest.raises(InputError, match=r"^a vat: has no tokens that a student could learn$"):
        VAT(VATConfig.world()).decoder_tokens(people(56))


def test_the_tower_learns_and_the_frozen_backbone_does_not() -> None:
    student, teacher = TowerGazelle(WORLD).train(), Gazelle(GazelleConfig.world()).train()
    for model, learns in ((student, True), (teacher, False)):
        backbone = model.gazelle.backbone if isinstance(model, TowerGazelle) else model.backbone
        assert backbone.training == learns
        model.decoder_tokens(people(model.input_size))[0].sum().backward()
        found = [p.grad is not None for p in backbone.parameters()]
        assert any(found) == learns and all(found) == learns
    assert not student.eval().gazelle.backbone.training


def test_it_starts_from_towers_or_from_a_whole_model(tmp_path: Path) -> None:
    torch.manual_seed(3)
    student = TowerGazelle(WORLD)
    linear = student.gazelle.linear.weight.clone()
    start_tower(student, "assets/world/backbone")
    from_towers = student.gazelle.backbone.state_dict()
    expected = SceneTower(TowersConfig.world())
    assert from_towers.keys() == expected.state_dict().keys()
    assert torch.equal(student.gazelle.linear.weight, linear), "the decoder keeps its own"
    save_model(tmp_path / "whole", student)
    other = TowerGazelle(WORLD)
    start_tower(other, tmp_path / "whole")
    loaded = load_model(tmp_path / "whole")
    for name, value in student.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
        assert torch.equal(loaded.state_dict()[name], value)
    with pytest.raises(InputError, match="vqa"):
        start_tower(other, "assets/world/vqa")


def test_at_the_published_size_it_stands_on_a_smaller_transformer() -> None:
    paper, teacher = KIND.sized("paper", prior=False), GazelleConfig.paper()
    assert paper.backbone.startswith("vit_small") and paper.channels < teacher.channels
    same = ("width", "grid", "upsample", "map_size")
    assert [getattr(paper, name) for name in same] == [getattr(teacher, name) for name in same]
    with pytest.raises(InputError, match="sees no prior map"):
        KIND.sized("world", prior=True)


def test_people_are_asked_one_by_one_as_together() -> None:
    torch.manual_seed(1)
    model, together = TowerGazelle(WORLD).eval(), people(56)
    with torch.no_grad():
        maps = model(together).heatmap
        alone = [model(together.people(torch.tensor([n]))).heatmap[0] for n in range(3)]
    np.testing.assert_allclose(maps, torch.stack(alone), atol=1e-6)
