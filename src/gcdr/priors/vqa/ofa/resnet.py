"""OFA's image stem: a ResNet v1.5 cut after its third stage (He et al., CVPR 2016)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gcdr.models.folding import rectified


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride), 1x1 convolutions with a residual connection; four-fold output."""

    def __init__(self, channels: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )
            if project
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = rectified(x, self.conv1, self.bn1)
        y = rectified(y, self.conv2, self.bn2)
        shortcut = x if self.downsample is None else self.downsample(x)
        return rectified(y, self.conv3, self.bn3, shortcut)


class ResNet(nn.Module):
    """Image (B, 3, H, W) to features (B, 16 width, H/16, W/16).

    Args:
        blocks: bottleneck blocks in the three stages.
        width: channels of the first convolution (64 in every released model).
    """

    def __init__(self, blocks: tuple[int, int, int], width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, blocks[0], stride=1)
        self.layer2 = _stage(4 * width, 2 * width, blocks[1], stride=2)
        self.layer3 = _stage(8 * width, 4 * width, blocks[2], stride=2)

    def forward(self, images: Tensor) -> Tensor:
        # Channels last: pooling and normalisation run several times faster on a CPU.
        images = images.contiguous(memory_format=torch.channels_last)
        x = rectified(images, self.conv1, self.bn1)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.layer3(self.layer2(self.layer1(x)))


def _stage(channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(channels, width, stride, project=True)
    rest = [Bottleneck(4 * width, width, 1, project=False) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)
