"""What is taken from torchvision, imported without torch's compiler."""

from gcdr.base.compiler_later import compiler_later

with compiler_later():
    from torchvision.models.detection import KeypointRCNN, MaskRCNN, maskrcnn_resnet50_fpn_v2
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN, resnet_fpn_backbone
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.models.resnet import BasicBlock
    from torchvision.ops import Conv2dNormActivation, FrozenBatchNorm2d, MultiScaleRoIAlign, box_iou
    from torchvision.transforms.functional import pil_to_tensor

__all__ = [
    "AnchorGenerator",
    "BackboneWithFPN",
    "BasicBlock",
    "Conv2dNormActivation",
    "FastRCNNPredictor",
    "FrozenBatchNorm2d",
    "KeypointRCNN",
    "MaskRCNN",
    "MaskRCNNHeads",
    "MaskRCNNPredictor",
    "MultiScaleRoIAlign",
    "TwoMLPHead",
    "box_iou",
    "maskrcnn_resnet50_fpn_v2",
    "pil_to_tensor",
    "resnet_fpn_backbone",
]
