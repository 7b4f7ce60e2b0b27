"""Weights and inputs that the OFA reference values were computed with: functions of names alone."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import EOS, OFA

NANO = {
    "width": 48,
    "ffn": 96,
    "heads": 4,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "token_bucket": 8,
    "image_bucket": 8,
    "image_size": 96,
}
# Names are those of the transformers port; these differ from the released checkpoints'.
PORT_NAMES = (
    (r"\.encoder_attn\.", ".cross_attn."),
    (r"\.encoder_attn_layer_norm\.", ".cross_attn_layer_norm."),
    (r"\.cross_attn_ln\.", ".cross_attn_mid_layer_norm."),
    (r"(layers\.\d+)\.(self_attn_ln|attn_ln)\.", r"\1.self_attn_mid_layer_norm."),
    (r"\.ffn_layernorm\.", ".ffn_layer_norm."),
)


def small_config(**changes: Any) -> OFAConfig:
    """The demo world's architecture with three layers in each stack."""
    return OFAConfig.world(**{"encoder_layers": 3, "decoder_layers": 3, **changes})


class Reference:
    """Draws keyed by the salt beside the stored values and a name."""

    def __init__(self, goldens: Callable[[str], Path]) -> None:
        salt = goldens("ofa") / "salt.txt"
        self.salt = salt.read_text().strip() if salt.exists() else ""

    def draw(self, name: str, *shape: int) -> np.ndarray:
        """Standard-normal float64 array."""
        bits = np.random.PCG64(zlib.crc32((self.salt + name).encode()))
        return np.random.Generator(bits).standard_normal(shape)

    def images(self, name: str, *shape: int) -> Tensor:
        return torch.from_numpy(self.draw(name, *shape).astype(np.float32))

    def fill(self, module: torch.nn.Module, prefix: str = "") -> None:
        """Overwrite all floating-point weights and statistics."""
        with torch.no_grad():
            for name, value in module.state_dict().items():
                if not value.is_floating_point() or name.startswith(
                    ("decoder.embed_tokens", "decoder.output_projection")
                ):
                    continue
                value.copy_(torch.from_numpy(self._weight(prefix + name, tuple(value.shape))))

    def model(self, config: OFAConfig) -> OFA:
        """A filled model in evaluation mode."""
        model = OFA(config)
        self.fill(model)
        return model.eval()

    def nano16(self) -> OFA:
        """The model with 16 tokens, its answers made to end early."""
        model = self.model(OFAConfig.tiny(**NANO, vocabulary=16))
        with torch.no_grad():
            model.decoder.layer_norm.bias += 3.5 * model.encoder.embed_tokens.weight[EOS]
        return model

    def nano(self) -> OFA:
        return self.model(OFAConfig.tiny(**NANO, vocabulary=300))

    def _weight(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        normal = self.draw(port_name(name), *shape)
        if name.endswith("running_var"):
            normal = 1 + 0.1 * np.abs(normal)
        elif name.endswith((".bias", "running_mean")):
            normal = 0.1 * normal
        elif len(shape) == 1:
            normal = 1 + 0.1 * normal
        else:
            normal = normal / np.sqrt(np.prod(shape[1:]))
        return normal.astype(np.float32)


def port_name(name: str) -> str:
    """The name in the transformers port of a parameter of ours."""
    for pattern, replacement in PORT_NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def relative_error(found: Tensor | np.ndarray, expected: np.ndarray) -> float:
    """Largest deviation in units of the expected values' own maximum."""
    difference = np.abs(np.asarray(found, np.float64) - expected).max()
    return float(difference / np.abs(expected).max())
