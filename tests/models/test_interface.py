"""What every gaze model is given: images held once, inputs by name, kinds by name."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.cache import Pictures
from gcdr.models.build import build_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeInputs, SeesPeople, TrackMemory
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import kind_of
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT

torch.set_num_threads(1)
IMAGE_OF = [1, 0, 1, 1, 2, 0]
PER_PERSON = ("image_of", "head_box", "head_crop", "head_mask", "prior", "track", "time")
PER_IMAGE = ("images", "tokens", "depth", "memory")


def crowd(each: bool = False) -> Pictures:
    """Six people in three pictures; with ``each`` everybody in a copy of their own."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 56, 56, generator=rng)
    heads = torch.rand(6, 3, 78, 78, generator=rng)
    corner = 0.6 * torch.rand(6, 2, generator=rng)
    boxes = torch.cat([corner, corner + 0.2], 1)
    image_of = torch.tensor(IMAGE_OF)
    if each:
        return Pictures(images[image_of], torch.arange(6), heads, boxes)
    return Pictures(images, image_of, heads, boxes)


def inputs_of(model: SeesPeople, each: bool = False) -> GazeInputs:
    prior = torch.rand(6, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    return gaze_inputs(crowd(each), model, prior=prior)


def vat(gradcam: bool) -> VAT:
    torch.manual_seed(0)
    return VAT(replace(VATConfig.world(gradcam), inout=True)).eval()


@pytest.mark.parametrize("gradcam", [False, True])
@torch.inference_mode()
def test_an_image_held_once_gives_what_one_a_person_gives(gradcam: bool) -> None:
    model = vat(gradcam)
    once, each = inputs_of(model), inputs_of(model, each=True)
    assert len(once) == len(each) == 6 and (len(once.images), len(each.images)) == (3, 6)
    assert torch.equal(once.scene, each.images)
    for name in ("head_box", "head_crop", "head_mask"):
        assert torch.equal(getattr(once, name), getattr(each, name)), name
    first, second = model(once), model(each)
    assert torch.equal(first.heatmap, second.heatmap)
    assert torch.equal(first.in_frame, second.in_frame)
    assert not torch.allclose(first.heatmap[0], first.heatmap[2]), "two people of one image"


@torch.inference_mode()
def test_context_of_an_image_held_once() -> None:
    torch.manual_seed(0)
    model = Denoiser(DenoiserConfig.world()).eval()
    once, each = (model.context(inputs_of(model, each)) for each in (False, True))
    assert all(torch.equal(*levels) for levels in zip(once, each, strict=True))


def filled() -> GazeInputs:
    """Inputs with every field, whose values tell rows apart."""
    people, images = torch.arange(6.0), torch.arange(3.0)[:, None, None, None]
    tall = people[:, None, None, None]
    return GazeInputs(
        images=images.expand(3, 3, 4, 4),
        image_of=torch.tensor(IMAGE_OF),
        head_box=people[:, None].expand(6, 4),
        head_crop=tall.expand(6, 3, 4, 4),
        head_mask=tall.expand(6, 1, 4, 4),
        prior=tall.expand(6, 1, 2, 2),
        tokens=images.expand(3, 8, 2, 2),
        depth=images.expand(3, 1, 4, 4),
        track=people.long(),
        time=people,
        memory=TrackMemory(people.long(), {"hidden": tall}),
    )


@settings(max_examples=30)
@given(st.one_of(st.lists(st.booleans(), min_size=6, max_size=6), st.lists(st.integers(0, 5))))
def test_people_are_chosen_by_mask_or_index_and_images_stay(chosen: list) -> None:
    whole, pick = filled(), torch.tensor(chosen, dtype=None if chosen else torch.long)
    part = whole.people(pick)
    rows = pick.nonzero().flatten() if pick.dtype == torch.bool else pick
    assert len(part) == len(rows) == len(part.scene)
    for name in PER_PERSON:
        assert torch.equal(getattr(part, name), getattr(whole, name)[rows]), name
    for name in PER_IMAGE:
        assert getattr(part, name) is getattr(whole, name), name
    assert torch.equal(part.scene, whole.scene[rows])
    assert {*PER_PERSON, *PER_IMAGE} == set(GazeInputs.__dataclass_fields__), "a field is new"


def test_what_was_not_given_stays_away() -> None:
    given = filled()
    bare = GazeInputs(images=given.images, image_of=given.image_of, head_box=given.head_box)
    part = bare.people(torch.tensor([2]))
    assert part.head_crop is part.head_mask is part.prior is part.track is part.time is None


@torch.inference_mode()
def test_some_people_are_seen_as_among_all() -> None:
    model = vat(gradcam=True)
    whole, chosen = inputs_of(model), torch.tensor([4, 0])
    torch.testing.assert_close(
        model(whole.people(chosen)).heatmap, model(whole).heatmap[chosen], atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("head_crop", "head crop: found none, the model needs one of each person"),
        ("head_mask", "head mask: found none, the model needs one of each person"),
        ("prior", "Grad-CAM map: found none, the model takes one"),
    ],
)
def test_what_a_model_needs_and_lacks_is_named(missing: str, said: str) -> None:
    model = vat(gradcam=True)
    with pytest.raises(InputError, match=said):
        model(replace(inputs_of(model), **{missing: None}))


def test_no_more_is_made_than_a_model_needs() -> None:
    plain, with_map = inputs_of(vat(gradcam=False)), inputs_of(vat(gradcam=True))
    assert plain.prior is None and with_map.prior is not None

    class Blind(VAT):
        @property
        def needs(self):
            return replace(super().needs, crop=False, mask=False)

    bare = inputs_of(Blind(VATConfig.world()))
    assert bare.head_crop is bare.head_mask is bare.prior is None and len(bare.head_box) == 6


def test_an_unknown_kind_lists_the_known_ones() -> None:
    known = ", ".join(GAZE_MODELS)
    with pytest.raises(InputError, match=f"^gaze model: found 'cat', expected one of {known}$"):
        kind_of("cat")
    with pytest.raises(InputError, match=r"model.json: found model 'cat', .*'denoiser'.*'vat'"):
        build_model({"model": "cat", "config": {}}, "model.json")


@pytest.mark.parametrize("name", GAZE_MODELS)
def test_every_kind_fills_its_place(name: str) -> None:
    kind = kind_of(name)
    assert {"world", "paper"} <= kind.sizes.keys()
    config = kind.sizes["world"](False)
    assert GAZE_MODELS[name].sizes.keys() == kind.sizes.keys()
    model, told = kind.build(config), kind.build(kind.with_in_frame(config))
    assert GAZE_MODELS[name].sizes["world"] == (model.input_size, model.map_size)
    for size, (pixels, cells) in GAZE_MODELS[name].sizes.items():
        sized = kind.sizes[size](False)
        assert (getattr(sized, "towers", sized).input_size, sized.map_size) == (pixels, cells)
    assert model.kind == name and model.config == config == kind.config.from_json(config.to_json())
    assert told.tells_in_frame
    assert not model.needs.prior
    if GAZE_MODELS[name].prior:
        assert kind.build(kind.sizes["world"](True)).needs.prior
    else:
        with pytest.raises(InputError, match="sees no prior map"):
            kind.sizes["world"](True)
