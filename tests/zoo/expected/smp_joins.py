"""Expected joins of segmentation-models-pytorch: the encoder's blocks and the decoder's merges."""

from __future__ import annotations

from .counts import Counts

_RESNET18 = Counts(additive=8, projections=3)
_RESNET34 = Counts(additive=16, projections=3)
# Of its five features the U-Net decoder takes the four that are not the deepest.
_UNET = Counts(concatenative=4)

# The laterals of a feature pyramid: one 1x1 convolution each, added to the upsampled level above.
_PYRAMID = Counts(additive=3, projections=3)

EXPECTED: dict[str, Counts] = {
    "Unet-resnet18": _RESNET18 + _UNET,
    "Unet-resnet34": _RESNET34 + _UNET,
    "Unet-vgg11": _UNET,
    "Unet-mobilenet_v2": Counts(additive=10) + _UNET,
    "Unet-densenet121": Counts(concatenative=58) + _UNET,
    "Unet-efficientnet-b0": Counts(additive=9) + _UNET,
    # Its feature at half resolution is a placeholder without channels.
    "Unet-mit_b0": Counts(additive=2 * 8, concatenative=3),
    "Unet-xception": Counts(additive=12, projections=4) + _UNET,
    "Unet-tu-resnet18": _RESNET18 + _UNET,
    # The nested decoder has 4 + 3 + 2 + 1 nodes with skips; a node's two nested concatenations are one.
    "UnetPlusPlus-resnet18": _RESNET18 + Counts(concatenative=10),
    # The position attention of the bottleneck is added; the skips of the decoder are untouched, their
    # squeeze-and-excitation multiplies the main path.
    "MAnet-resnet18": _RESNET18 + Counts(additive=1) + _UNET,
    "Linknet-resnet18": _RESNET18 + Counts(additive=4),
    # And the sum over the levels' heads: from the top level one convolution through the finer heads,
    # three through its own.
    "FPN-resnet18": _RESNET18 + _PYRAMID + Counts(additive=1, projections=1),
    # Stops at an eighth of the resolution: two of the four stages. The features beside their own poolings,
    # each followed by a convolution.
    "PSPNet-resnet18": Counts(additive=4, concatenative=1, projections=1),
    # Atrous convolutions in parallel.
    "DeepLabV3-resnet18": _RESNET18,
    # The early feature through one convolution.
    "DeepLabV3Plus-resnet18": _RESNET18 + Counts(concatenative=1, projections=1),
    # The attention pyramid adds two coarser levels, one convolution against two and more; the three
    # upsampling steps add one convolution of the encoder's feature times a gate from the deeper one.
    "PAN-resnet18": _RESNET18 + Counts(additive=2, gated=3, projections=5),
    # Pooling as in PSPNet, the laterals, and all levels concatenated, the topmost without a convolution.
    "UPerNet-resnet18": _RESNET18 + _PYRAMID + Counts(concatenative=2),
    # One linear layer on each feature of the encoder, then one concatenation.
    "Segformer-resnet18": _RESNET18 + Counts(concatenative=1, projections=1),
    # Twelve transformer blocks and eight residual units. The features are reassembled by three layers and
    # more before they are added, so that these sums are no skips.
    "DPT-tu-vit_tiny_patch16_224": Counts(additive=2 * 12 + 8),
}
