"""What every gaze model takes and gives: named inputs, named outputs, and what a model needs of them.

Whoever trains, labels, judges or predicts asks this interface; which models there are is a table in
:mod:`gcdr.models.named`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.tensors import each_tensor
from gcdr.data.crops import HEAD_PADDING
from gcdr.data.views import IMAGENET, Colours, HeadMask


@dataclass(frozen=True)
class TrackMemory:
    """What a model that follows tracks remembers of T of them, from one chunk of frames to the next.

    Attributes:
        track: (T,) int64, each once.
        tensors: (T, ...) float by the model's own names.
    """

    track: Tensor
    tensors: Mapping[str, Tensor]

    def of(self, track: Tensor) -> Mapping[str, Tensor]:
        """The tensors of some tracks (K,), in their order; zeros of one that is not remembered."""
        same = track[:, None] == self.track[None]
        if not same.any():
            return {k: v.new_zeros(len(track), *v.shape[1:]) for k, v in self.tensors.items()}
        place, known = same.int().argmax(1), same.any(1)
        return {
            name: value[place] * known.view(-1, *[1] * (value.ndim - 1))
            for name, value in self.tensors.items()
        }

    def keep(self, track: Tensor) -> "TrackMemory":
        """The memory of those of the tracks (K,) that it has."""
        kept = torch.isin(self.track, track)
        return TrackMemory(self.track[kept], {k: v[kept] for k, v in self.tensors.items()})


@dataclass(frozen=True, kw_only=True)
class GazeInputs:
    """N people in M images; an image is held once, however many people are in it.

    Tracks are rows too: a person in a frame is one of the N, frames of one track stand in the order of time,
    and tracks may be of any lengths and mixed in any way. A model of single pictures does not look at them.

    Attributes:
        images: (M, 3, S, S) float, colours normalised (``GazeModel.colours``); None with ``tokens``.
        image_of: (N,) int64, which image a person is in.
        head_box: (N, 4) float, x0, y0, x1, y1 in 0..1 of the image as shown; NaN where there is none.
        head_crop: (N, 3, C, C) float, normalised colours of the padded head box; None if not needed.
        head_mask: (N, 1, S, S) float, 1 where the head is; None if not needed.
        prior: (N, 1, G, G) float in [0, 1], a map of where the person may look; None if not needed.
        tokens: (M, C, h, w) float, what a frozen backbone makes of the images, in their place.
        depth: (M, 1, S, S) float, relative depth in [0, 1], 1 nearest.
        track: (N,) int64, whose row of a film this is; None: everybody is a track of one frame.
        time: (N,) float, seconds since its beginning.
        memory: what a model that follows tracks returned with the frames before these; None: they begin.
    """

    images: Tensor | None = None
    image_of: Tensor
    head_box: Tensor
    head_crop: Tensor | None = None
    head_mask: Tensor | None = None
    prior: Tensor | None = None
    tokens: Tensor | None = None
    depth: Tensor | None = None
    track: Tensor | None = None
    time: Tensor | None = None
    memory: TrackMemory | None = None

    def __len__(self) -> int:
        """How many people."""
        return len(self.image_of)

    @property
    def scene(self) -> Tensor:
        """(N, 3, S, S): everybody's image.

        Raises:
            InputError: there are tokens in place of images.
        """
        if self.images is None:
            raise InputError("images: found none, the model needs them")
        return self.images[self.image_of]

    def after(self, memory: TrackMemory | None) -> "GazeInputs":
        """The same people, with what is remembered of their tracks, if anything."""
        kept = None if memory is None or self.track is None else memory.keep(self.track)
        return replace(self, memory=kept)

    def people(self, chosen: Tensor) -> "GazeInputs":
        """Some of the people, by a mask (N,) bool or by indices; images and memory stay."""
        names = ("image_of", "head_box", "head_crop", "head_mask", "prior", "track", "time")
        per_person = {name: getattr(self, name) for name in names}
        selected: dict[str, Any] = {k: v if v is None else v[chosen] for k, v in per_person.items()}
        return replace(self, **selected)


@dataclass(frozen=True, kw_only=True)
class GazeOutput:
    """What a gaze model returns.

    Attributes:
        heatmap: (N, H, W) float; its range is the model's own (``GazeModel.objective`` says which).
        in_frame: (N,) float logits, positive where the target is inside the image, or None.
        gaze_vector: (N, 2) float of unit length, the direction from the head to the target, or None.
        label_embedding: (N, D) float of unit length, what is looked at, in a text encoder's space, or None.
        patches: (N, P + 1) float logits of which patch is looked at, row by row, the last one of looking out
            of the frame, or None.
        memory: of a model that follows tracks, to be given with the frames that come next; of the tracks of
            the call and of those whose memory was given. None of a model of single pictures.
    """

    heatmap: Tensor
    in_frame: Tensor | None = None
    gaze_vector: Tensor | None = None
    label_embedding: Tensor | None = None
    patches: Tensor | None = None
    memory: TrackMemory | None = None

    def people(self, chosen: Tensor) -> "GazeOutput":
        """Of some of the people, by a mask (N,) bool or by indices; without memory."""
        return each_tensor(replace(self, memory=None), lambda tensor: tensor[chosen])


@dataclass(frozen=True)
class Needs:
    """What a model sees beside images and head boxes.

    Attributes:
        crop: head crops.
        mask: head masks.
        prior: a prior map of each person.
        depth: the depth of each image.
        tokens: whether a backbone's tokens may take the place of images.
        tracks: whether what it says of a frame depends on the frames of the track before it.
        per: whether the costly pass over a picture is one a "person" or one an "image".
    """

    crop: bool = False
    mask: bool = False
    prior: bool = False
    depth: bool = False
    tokens: bool = False
    tracks: bool = False
    per: Literal["person", "image"] = "person"


class SeesPeople(nn.Module, ABC):
    """A network about people in pictures: a gaze model, or a denoiser conditioned on what they see.

    Attributes:
        kind: its name in ``model.json``.
        window: of a model that follows tracks, how many frames of one it sees together: a track is asked
            in pieces of so many, from its first frame on.
        head_padding: by how much of its size a head box is grown on each side for the crop, and for a mask
            that shows the same; that of the data which it learned from (:mod:`gcdr.data.crops`).
        rates: by the beginning of parameters' names, what their learning rate is multiplied by.
        config: its sizes.
        objective: how far heatmaps (n, H, W) are from targets (n, H, W) in [0, 1], a scalar.
    """

    kind: ClassVar[str]
    window: ClassVar[int] = 1
    rates: Mapping[str, float] = {}
    head_padding: float = HEAD_PADDING
    config: Any
    precision: Any

    @property
    @abstractmethod
    def needs(self) -> Needs:
        """What it must be given."""

    @property
    def in_time(self) -> tuple[str, ...]:
        """Of a model that follows tracks, how names of the parameters begin that are trained on video."""
        return ()

    @property
    @abstractmethod
    def input_size(self) -> int:
        """Side of pictures and masks in pixels."""

    @property
    def crop_size(self) -> int:
        """Side of head crops in pixels."""
        return self.input_size

    @property
    def squared_heads(self) -> bool:
        """Whether pictures in memory are cut as :mod:`gcdr.data.semgaze_items` does, heads as squares."""
        return False

    @property
    def colours(self) -> Colours:
        """Mean and standard deviation by which colours are normalised."""
        return IMAGENET

    @property
    @abstractmethod
    def map_size(self) -> int:
        """Side of heatmaps in cells."""

    @property
    @abstractmethod
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The objective."""

    def branch_loss(self, output: GazeOutput, target: Tensor) -> Tensor | None:
        """What a further branch is trained by, in units of ``objective``; None of a model that has none.

        Args:
            output: of n people.
            target: (n, H, W) in [0, 1], empty of who looks out of the frame.
        """
        return None

    def branch_distance(
        self, student: GazeOutput, teacher: GazeOutput, distance: Literal["kl", "mse"]
    ) -> Tensor | None:
        """How far a further branch of a student is from its teacher's, a mean over people; None without one.

        Args:
            student, teacher: of the same people.
            distance: what it is measured by, as of heatmaps in Mean Teacher.
        """
        return None

    def attention(self, inputs: GazeInputs) -> Tensor | None:
        """How people share their last look at a picture among its cells, for figures.

        Args:
            inputs: of n people, as for ``forward``.

        Returns:
            (n, rows, columns), the mean over heads, each person's sum 1; None of a model without.
        """
        return None

    @property
    def head_mask(self) -> HeadMask:
        """What a head mask shows, see :class:`gcdr.models.sizes.TowersConfig`."""
        return "box"

    def before_step(self) -> None:
        """What a training does to the weights before each step, when the gradients are there."""

    def stored_state(self) -> dict[str, Tensor]:
        """The tensors that are its own; those of a frozen backbone lie in the backbone's file."""
        return self.state_dict()

    def released_state(self) -> dict[str, Tensor]:
        """All tensors by the names that they have in files of its authors."""
        return self.state_dict()

    @property
    def released_config(self) -> Any:
        """The sizes of the model that ``released_state`` is the weights of."""
        return self.config


class GazeModel(SeesPeople):
    """Anything that turns images and head boxes into heatmaps: ``forward`` takes ``GazeInputs``.

    Attributes:
        tells_in_frame: whether outputs have the in/out logit.
        in_frame_apart: whether that logit is learned by a loss of its own, or by ``branch_loss``.
    """

    in_frame_apart: ClassVar[bool] = True

    @property
    def tells_in_frame(self) -> bool:
        """Whether outputs have the in/out logit."""
        return False

    @property
    def token_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of ``encode``'s tokens.

        Raises:
            InputError: the model stands on no frozen backbone (``needs.tokens``).
        """
        raise InputError(f"a {self.kind}: stands on no frozen backbone, and has no tokens")

    def encode(self, images: Tensor) -> Tensor:
        """Images (M, 3, S, S), normalised colours, to tokens (M, C, rows, columns) that stand for them.

        Raises:
            InputError: as ``token_shape``.
        """
        raise InputError(f"a {self.kind}: stands on no frozen backbone, and has no tokens")

    @property
    def output_heads(self) -> Mapping[str, nn.Module]:
        """What turns the last of ``decoder_tokens`` into outputs, by name; none of a model without tokens."""
        return {}

    def decoder_tokens(self, inputs: GazeInputs) -> tuple[Tensor, ...]:
        """Tokens of the people (N, T, C) at each place where another model's can be held to them.

        Raises:
            InputError: the model has none, or as ``forward``.
        """
        raise InputError(f"a {self.kind}: has no tokens that a student could learn")

    @abstractmethod
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Heatmaps of the people of ``inputs``.

        Raises:
            InputError: something that the model needs is not there.
        """


ReadReleased = Callable[[Mapping[str, Tensor], Any, Any], tuple[GazeModel, dict[str, Any]] | None]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a kind of gaze model is built; what planning must know of it is its ``DESCRIPTION``.

    Attributes:
        config: class of its sizes.
        build: sizes to a model with first weights.
        sizes: the named sizes of its description: (takes a prior map?) -> sizes.
        of_vit: sizes by the name of a vision transformer of timm, for descriptions with ``vits``: (name,
            takes a prior map?) -> sizes.
        with_in_frame: sizes to the same with an in/out head.
        start: takes over the weights of a folder or a file: (model, source).
        load_backbone: the same for a frozen backbone; None for models without one.
        released: model of a checkpoint of others and what it is, or None where the tensors are not of
            this kind: (tensors, file, file of its backbone or None) -> (model, facts); None where there are
            no checkpoints of others.
        from_pretraining: model that starts from several files of others in a folder, and what they are, or
            None where there are none; None for kinds that start from one file.
    """

    config: type[JsonConfig]
    build: Callable[[Any], GazeModel]
    sizes: Mapping[str, Callable[[bool], Any]]
    with_in_frame: Callable[[Any], Any]
    start: Callable[[GazeModel, Any], None]
    load_backbone: Callable[[GazeModel, Any], None] | None = None
    released: ReadReleased | None = None
    from_pretraining: Callable[[Path], tuple[GazeModel, dict[str, Any]] | None] | None = None
    of_vit: Callable[[str, bool], Any] | None = None

    def sized(self, size: str, prior: bool) -> Any:
        """Sizes of a model, by a size that its description has."""
        if size in self.sizes or self.of_vit is None:
            return self.sizes[size](prior)
        return self.of_vit(size, prior)
