"""Vision-language models that answer with points, through the package transformers.

Which they are, and how each writes a place, is :data:`FAMILIES`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.transformers_models import load_transformers
from gcdr.priors.answers import Answer, clean, parse_json

Size = tuple[float, float]
# By the ``model_type`` of config.json: reads an answer, given width and height of the picture as the
# model saw it. Qwen3-VL writes thousandths, Qwen2.5-VL pixels of that picture.
FAMILIES: dict[str, Callable[[str, Size], Answer]] = {
    "qwen3_vl": lambda text, seen: parse_json(text),
    "qwen2_5_vl": parse_json,
}
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FILES = ("config.json", "*.safetensors", "tokenizer and processor files", "a chat template")


class PointingModel:
    """A model of :data:`FAMILIES` with its processor; decodes greedily.

    Args:
        model: a transformers model for generation, in evaluation mode.
        processor: its processor, with a chat template.
        family: its ``model_type``.
        max_new_tokens: longest answer in tokens.
        max_pixels: pictures are shrunk to this many pixels; each 32 x 32 (Qwen3-VL) or 28 x 28
            (Qwen2.5-VL) of them are a token.
    """

    def __init__(
        self, model: Any, processor: Any, family: str, max_new_tokens: int, max_pixels: int
    ) -> None:
        self.model = model
        self.processor, self.family = processor, family
        self.processor.tokenizer.padding_side = "left"  # answers begin in the same column
        least = min(processor.image_processor.size["shortest_edge"], max_pixels)
        self._size = {"shortest_edge": least, "longest_edge": max_pixels}
        # The folder's own settings may ask for sampling and penalties: they are not taken.
        usual = model.generation_config
        model.generation_config = type(usual)(
            do_sample=False,
            num_beams=1,
            max_new_tokens=max_new_tokens,
            eos_token_id=usual.eos_token_id,
            pad_token_id=processor.tokenizer.pad_token_id,
        )

    @property
    def made_by(self) -> dict[str, str]:
        """Its architecture and the version of transformers, which decide answers too."""
        return {"model": self.family, "transformers": self.model.config.transformers_version}

    @classmethod
    def load(
        cls,
        folder: Path,
        device: torch.device,
        precision: str,
        max_new_tokens: int,
        max_pixels: int,
    ) -> "PointingModel":
        """Read a folder in transformers' layout; nothing is downloaded and no code of it is run.

        Raises:
            InputError: transformers is not installed, the architecture is none of those known here, or
                the folder does not hold a whole model.
        """
        family = _family(folder)
        names = ("AutoModelForImageTextToText", "AutoProcessor")
        called, dtype = f"{family} model", DTYPES[precision]
        model, processor = load_transformers(folder, called, *names, FILES, dtype)
        if not getattr(processor, "chat_template", None):
            raise InputError(f"{folder}: found no chat template, expected {', '.join(FILES)}")
        return cls(model.to(device), processor, family, max_new_tokens, max_pixels)

    def point(self, pictures: Sequence[Image.Image], prompt: str) -> list[tuple[str, Answer]]:
        """Ask the same about each picture.

        Args:
            pictures: B RGB images of any size.
            prompt: the text; the model's chat template is put around it.

        Returns:
            B texts without outer blanks, each with what it points at.
        """
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = self.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        read = self.processor(
            text=[text] * len(pictures),
            images=list(pictures),
            images_kwargs={"size": self._size},
            padding=True,
            return_tensors="pt",
        ).to(self.model.device, self.model.dtype)
        tokens = self.model.generate(**read)[:, read["input_ids"].shape[1] :]
        texts = self.processor.tokenizer.batch_decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return [
            (clean(text), FAMILIES[self.family](text, seen))
            for text, seen in zip(texts, self._seen(read["image_grid_thw"]), strict=True)
        ]

    def _seen(self, grids: torch.Tensor) -> list[Size]:
        """Width and height in pixels of pictures after resizing, from their (time, rows, columns)."""
        side = self.processor.image_processor.patch_size
        return [(columns * side, rows * side) for _, rows, columns in grids.tolist()]


def _family(folder: Path) -> str:
    config = read_json(folder / "config.json")
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in FAMILIES:
        raise InputError(
            f"{folder / 'config.json'}: found model_type {found!r}, expected one of "
            f"{', '.join(FAMILIES)}, whose answers are known here"
        )
    return found
