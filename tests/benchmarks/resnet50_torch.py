"""ResNet-50 in PyTorch on the meta device, and its shapes by torchinfo: what shapecheck is compared with."""

import torch
import torchinfo
from torch import Tensor, nn


class Bottleneck(nn.Module):
    def __init__(self, before: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.BatchNorm2d(4 * width),
        )
        skip = nn.Sequential(nn.Conv2d(before, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
        self.skip = skip if project else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.path(x) + self.skip(x))


def build() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    channels = 64
    for stage, (width, copies) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
        for copy in range(copies):
            layers.append(Bottleneck(channels, width, 2 if stage and not copy else 1, not copy))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


if __name__ == "__main__":
    with torch.device("meta"):
        found = torchinfo.summary(build().eval(), input_data=torch.empty(1, 3, 224, 224), device="meta", verbose=0)
        assert found.summary_list[-1].output_size == [1, 1000]
