"""What is taken from timm, imported without torch's compiler."""

from gcdr.base.compiler_later import compiler_later

with compiler_later():
    from timm import create_model, is_model
    from timm.layers import LayerNorm2d
    from timm.models.resnet import BasicBlock, ResNet
    from timm.models.vision_transformer import Block

__all__ = ["BasicBlock", "Block", "LayerNorm2d", "ResNet", "create_model", "is_model"]
