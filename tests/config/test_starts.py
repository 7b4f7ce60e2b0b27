"""What a study starts from and is given, by gaze model."""

from typing import Any

import pytest

from gcdr.config.asked import (
    DIFFUSION,
    models_of_studies,
    pretrained_models,
    study_starts,
    used_studies,
)

GAZE = {"model": "vat", "models": {"vat": {}, "gazelle": {}}}
EARLIER = {"study": "first", "model": "gcdr"}


def config(**study: Any) -> dict[str, Any]:
    studies = {"first": {"seed": 0}, "second": {"seed": 1, **study}}
    return {"gaze": GAZE, "studies": studies, "report": {"studies": ["second"]}, "galleries": []}


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("a.pt", {"vat": "a.pt"}),
        (EARLIER, {"vat": EARLIER}),
        ({"gazelle": "a.pt"}, {"gazelle": "a.pt"}),
        ({"gazelle": EARLIER, "vat": "b"}, {"gazelle": EARLIER, "vat": "b"}),
    ],
)
def test_one_value_is_for_the_default_gaze_model(init: Any, expected: dict[str, Any]) -> None:
    made = config(init=init)
    assert study_starts(made, "second") == expected
    assert study_starts(made, "first") == {}
    assert ("first" in used_studies(made)) == (EARLIER in expected.values())


def test_another_study_s_model_is_started_from_or_taken() -> None:
    still = {**EARLIER, "gaze": "vat"}
    made = config(init={"gazelle": still, "diffusion": EARLIER}, pretrained={"vat": {"vat": still}})
    assert models_of_studies(made, "second") == [
        ("gazelle", still), (DIFFUSION, EARLIER), ("vat", still),
    ]  # fmt: skip
    assert pretrained_models(config(pretrained={"vat": EARLIER}), "second") == {
        ("vat", "vat"): EARLIER
    }
    assert used_studies(config(pretrained={"vat": EARLIER})) == ["second", "first"]


def test_given_models_are_of_a_gaze_model_or_of_none() -> None:
    given = {"diffusion": "d.pt", "vat": "v.pt", "gcdr": {"vat": "s.pt", "gazelle": "g.pt"}}
    assert pretrained_models(config(pretrained=given), "second") == {
        ("diffusion", None): "d.pt",
        ("vat", "vat"): "v.pt",
        ("gcdr", "vat"): "s.pt",
        ("gcdr", "gazelle"): "g.pt",
    }
