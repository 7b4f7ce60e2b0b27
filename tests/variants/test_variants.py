"""Names of variants and teachers: they say all that identifies a result, and are read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.methods import METHODS, TEACHERS
from gcdr.variants import (
    ONLINE,
    PATTERN,
    STORED,
    TOKENS,
    Variant,
    averaged,
    choice_name,
    parse_choice_name,
    parse_teacher,
    parse_variant,
    pseudo_variant,
    teacher_name,
    variant,
)

STORES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,15}", fullmatch=True)
RECIPES = st.builds(
    variant,
    st.sampled_from(sorted(METHODS)),
    st.integers(1, 1000),
    st.integers(1, 50),
    st.integers(1, 20),
    st.sampled_from(["mean", "sampled", ONLINE]),
    STORES,
    STORES,
    st.none() | STORES,
)


@given(RECIPES)
def test_a_choice_is_named_after_what_a_variant_refines_with(made: Variant) -> None:
    """Choices of several numbers of draws lie side by side; a single one goes without saying."""
    sampler, draws = parse_choice_name(choice_name(made))
    assert (sampler, draws) == (made.about.sampler, made.draws or 1)
    assert ("-k" in choice_name(made)) == (draws > 1)


@given(RECIPES)
def test_a_variant_is_read_back_from_its_name(made: Variant) -> None:
    for one in (made, averaged(made), pseudo_variant(made)):
        assert parse_variant(str(one)) == one
        assert re.fullmatch(PATTERN, str(one))
        stored = one.redraw != ONLINE and not one.about.tokens
        assert bool(re.fullmatch(STORED, str(one))) == stored
        assert bool(re.fullmatch(TOKENS, str(one))) == one.about.tokens


@given(RECIPES)
def test_a_name_holds_what_its_method_uses_and_no_more(made: Variant) -> None:
    about = METHODS[made.method]
    assert made.labeller is None or (about.teacher_apart and made.labeller != made.gaze)
    assert (made.prior is None) != about.gradcam
    assert (made.gaze is None) != (about.student or about.family == "gaze")
    assert (made.steps is None) != (about.family == "diffusion")
    assert (made.timestep is None) != (about.family == "diffusion" and about.gradcam)


@given(RECIPES, STORES, STORES)
def test_other_priors_and_gaze_models_are_other_results(
    made: Variant, prior: str, gaze: str
) -> None:
    numbers = (made.timestep or 1, made.steps or 1, made.draws or 1, made.redraw or "mean")
    other = variant(made.method, *numbers, prior, gaze)
    used = [
        (made.prior, other.prior),
        (made.gaze, other.gaze),
        (made.labeller, other.labeller),
    ]
    assert (str(made) == str(other)) == all(one == two for one, two in used)
    if not METHODS[made.method].labels_by_gaze and made.prior == other.prior:
        assert pseudo_variant(made) == pseudo_variant(other), "students of two models share labels"
        assert averaged(made) == averaged(other)


@given(st.sampled_from(sorted(TEACHERS)), STORES, STORES)
def test_a_teacher_is_read_back_from_its_name(name: str, prior: str, gaze: str) -> None:
    about = TEACHERS[name]
    first, found, seen, model = parse_teacher(teacher_name(name, prior, gaze))
    assert first == name and found is about
    assert seen == (prior if about.gradcam else None)
    assert model == (gaze if about.family == "gaze" else None)


@pytest.mark.parametrize(
    ("method", "expected", "teacher"),
    [
        ("gcdr", "gcdr-t250-n2-k1+ofa-world-body+vat", "diffusion"),
        ("no-gradcam", "no-gradcam-n2-k1+vat", "diffusion"),
        ("gcdr-mt", "gcdr-mt-t250-n2-k1+ofa-world-body+vat", "diffusion-mt"),
        ("vat", "vat+vat", "vat+vat"),
        ("vat-gc", "vat-gc+ofa-world-body+vat", "vat-gc+ofa-world-body+vat"),
        ("semi-vat", "semi-vat+vat", "vat+vat"),
        ("raw", "raw+ofa-world-body+vat", None),
        ("direct-mapping", "direct-mapping+ofa-world-body+vat", "mapping+ofa-world-body"),
    ],
)
def test_names_as_they_stand_in_paths(method: str, expected: str, teacher: str | None) -> None:
    made = variant(method, 250, 2, 1, "mean", "ofa-world-body", "vat")
    assert str(made) == expected and made.model == teacher


def test_a_student_that_sees_no_prior_shares_the_labels_of_another_gaze_models_teacher() -> None:
    numbers = (250, 2, 1, "mean", "ofa-world-body")
    made = variant("semi-vat-gc", *numbers, "gazelle", "vat")
    assert str(made) == "semi-vat-gc+ofa-world-body+vat+gazelle"
    assert made.model == "vat-gc+ofa-world-body+vat"
    assert pseudo_variant(made) == averaged(made) == variant("semi-vat-gc", *numbers, "vat")
    for method in METHODS:
        if not METHODS[method].teacher_apart:
            assert variant(method, *numbers, "gazelle", "vat").labeller is None
    assert variant("semi-vat-gc", *numbers, "vat", "vat") == variant("semi-vat-gc", *numbers, "vat")


def test_a_student_of_tokens_is_named_after_its_teachers_gaze_model() -> None:
    made = variant("token-student", 250, 2, 1, "mean", "ofa-world-body", "tower", "gazelle")
    assert str(made) == "token-student+gazelle+tower" and made.model == "vat+gazelle"
    assert parse_variant(str(made)) == made


def test_online_labels_are_the_raw_maps_of_the_same_prior() -> None:
    made = variant("gcdr", 250, 2, 4, ONLINE, "ofa-world-body", "vat")
    assert str(made) == "gcdr-t250-n2-online+ofa-world-body+vat"
    assert str(pseudo_variant(made)) == "raw+ofa-world-body"
    assert str(averaged(made)) == "gcdr-t250-n2-k1+ofa-world-body"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gcrd",
        "gcdr-t250",
        "gcdr-t250-n2-q1",
        "gcdr++vat",
        "gcdr+a+b+c",
        "vat+a/b",
        "vat+vat+more",
        "vat-gc+store+vat+gazelle",
        "semi-vat-gc+store+vat+vat",
    ],
)
def test_what_is_no_variant_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"^variant: found {re.escape(repr(name))}"):
        parse_variant(name)


def test_an_unknown_method_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="method: found 'gcrd', expected one of vat, vat-gc"):
        variant("gcrd", 250, 2, 1, "mean")
