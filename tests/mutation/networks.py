"""Sources of networks of four families, in which faults of their shapes can be planted line by line.

A network is written twice: once to learn where which faults can be planted, and once with the chosen ones.
Every line that is to be reported ends in a comment with the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ODD = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)
"""By how much wrong numbers differ from the right ones: no two make up for each other."""


@dataclass
class Source:
    """The text of a model as it is written, with the faults that it has and could have."""

    inputs: str
    chosen: Mapping[str, str] = field(default_factory=dict)
    offers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)

    def fault(self, site: str, *kinds: str) -> str:
        """Offer ``kinds`` at ``site``; the one that was chosen, or nothing."""
        self.offers[site] = kinds
        chosen = self.chosen.get(site, "")
        return chosen if chosen in kinds else ""

    def wrong(self, right: int) -> int:
        """Another number than ``right``, different each time."""
        self.planted.append("")
        return right + ODD[len(self.planted) % len(ODD)]

    def layer(self, name: str, made_by: str) -> None:
        self.layers.append(f"self.{name} = nn.{made_by}")

    def run(self, text: str, code: str = "") -> None:
        self.forward.append(f"{text}  # {code}" if code else text)

    @property
    def text(self) -> str:
        indent = "\n" + " " * 8
        return (
            "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
            "class Network(nn.Module):\n    def __init__(self):\n        super().__init__()"
            f"{indent}{indent.join(self.layers)}\n\n"
            f"    def forward(self, x):{indent}{indent.join([*self.forward, 'return x'])}\n\n\n"
            f"model = Network()\ninputs = ({self.inputs},)\n"
        )


Writer = Callable[[Source], None]


def resnet(plan: list[tuple[int, int]]) -> Writer:
    """Residual blocks with these widths and strides."""

    def write(net: Source) -> None:
        net.layer("stem", "Conv2d(3, 8, 3, padding=1)")
        net.run("x = torch.relu(self.stem(x))")
        inside = 8
        for place, (outside, stride) in enumerate(plan):
            _residual_block(net, str(place), inside, outside, stride)
            inside = outside
        net.run("x = F.adaptive_avg_pool2d(x, 1).flatten(1)")
        head = net.fault("head", "in")
        net.layer("head", f"Linear({net.wrong(inside) if head else inside}, 5)")
        net.run("x = self.head(x)", "SKL102" if head else "")

    return write


def _residual_block(net: Source, tag: str, inside: int, outside: int, stride: int) -> None:
    changed = inside != outside or stride != 1
    kinds = ["padding", "branch"]
    if changed:
        kinds += ["missing", "channels"]
    if stride != 1:
        kinds += ["unstrided"]
    join = net.fault(f"{tag}.join", *kinds)
    first = net.fault(f"{tag}.conv1", "in")
    counted = net.wrong(inside) if first else inside
    net.layer(f"conv1_{tag}", f"Conv2d({counted}, {outside}, 3, stride={stride}, padding=1)")
    net.run(f"y = self.conv1_{tag}(x)", "SKL102" if first else "")
    norm = net.fault(f"{tag}.norm", "features")
    net.layer(f"norm_{tag}", f"BatchNorm2d({net.wrong(outside) if norm else outside})")
    net.run(f"y = torch.relu(self.norm_{tag}(y))", "SKL102" if norm else "")
    second = net.fault(f"{tag}.conv2", "in")
    counted = net.wrong(outside) if second else outside
    made = net.wrong(outside) if join == "branch" else outside
    padding = "" if join == "padding" else ", padding=1"
    net.layer(f"conv2_{tag}", f"Conv2d({counted}, {made}, 3{padding})")
    net.run(f"y = self.conv2_{tag}(y)", "SKL102" if second else "")
    shortcut = "x"
    if changed and join != "missing":
        made = net.wrong(outside) if join == "channels" else outside
        step = 1 if join == "unstrided" else stride
        net.layer(f"shortcut_{tag}", f"Conv2d({inside}, {made}, 1, stride={step})")
        net.run(f"s = self.shortcut_{tag}(x)")
        shortcut = "s"
    net.run(f"x = torch.relu(y + {shortcut})", "SKL101" if join else "")


def unet(levels: int, base: int) -> Writer:
    """An encoder and a decoder with concatenations between them."""

    def write(net: Source) -> None:
        inside = 3
        for level in range(levels):
            width = base << level
            down = net.fault(f"{level}.down", "in")
            net.layer(
                f"down{level}", f"Conv2d({net.wrong(inside) if down else inside}, {width}, 3, padding=1)"
            )
            net.run(f"skip{level} = torch.relu(self.down{level}(x))", "SKL102" if down else "")
            net.run(f"x = F.max_pool2d(skip{level}, 2)")
            inside = width
        bottom = base << levels
        net.layer("bottom", f"Conv2d({inside}, {bottom}, 3, padding=1)")
        net.run("x = torch.relu(self.bottom(x))")
        below = bottom
        unpadded = False
        for level in reversed(range(levels)):
            unpadded = _decoder(net, level, below, base << level, unpadded)
            below = base << level

    return write


def _decoder(net: Source, level: int, below: int, width: int, unpadded: bool) -> bool:
    join = net.fault(f"{level}.join", "dim", "scale")
    if unpadded:
        join = "unpadded below"
    up = net.fault(f"{level}.up", "in")
    counted = net.wrong(below) if up else below
    step = 3 if join == "scale" else 2
    net.layer(f"up{level}", f"ConvTranspose2d({counted}, {width}, {step}, stride={step})")
    net.run(f"x = self.up{level}(x)", "SKL102" if up else "")
    net.run(f"x = torch.cat([x, skip{level}], dim={2 if join == 'dim' else 1})", "SKL101" if join else "")
    kinds = ("in",) if join != "dim" else ()
    kinds += ("unpadded",) if level and join != "dim" else ()
    decode = net.fault(f"{level}.decode", *kinds)
    counted = net.wrong(2 * width) if decode == "in" else 2 * width
    padding = "" if decode == "unpadded" else ", padding=1"
    net.layer(f"decode{level}", f"Conv2d({counted}, {width}, 3{padding})")
    net.run(f"x = torch.relu(self.decode{level}(x))", "SKL102" if decode == "in" else "")
    return decode == "unpadded"


def densenet(layers: int, growth: int, width: int) -> Writer:
    """One dense block and a transition."""

    def write(net: Source) -> None:
        net.layer("stem", f"Conv2d(3, {width}, 3, padding=1)")
        net.run("x = self.stem(x)")
        inside, misdirected = width, False
        for place in range(layers):
            norm = "" if misdirected else net.fault(f"{place}.norm", "features")
            net.layer(f"norm{place}", f"BatchNorm2d({net.wrong(inside) if norm else inside})")
            net.run(f"y = torch.relu(self.norm{place}(x))", "SKL102" if norm else "")
            conv = net.fault(f"{place}.conv", "in")
            join = net.fault(f"{place}.join", "dim", "padding")
            padding = "" if join == "padding" else ", padding=1"
            net.layer(
                f"conv{place}", f"Conv2d({net.wrong(inside) if conv else inside}, {growth}, 3{padding})"
            )
            net.run(f"y = self.conv{place}(y)", "SKL102" if conv else "")
            net.run(f"x = torch.cat([x, y], dim={2 if join == 'dim' else 1})", "SKL101" if join else "")
            # Two of one shape concatenate along any axis: the next layer tells, if it counts right itself.
            misdirected = join == "dim" and inside == growth
            inside += growth
        last = "" if misdirected else net.fault("transition", "in")
        net.layer("transition", f"Conv2d({net.wrong(inside) if last else inside}, 8, 1)")
        net.run("x = self.transition(x)", "SKL102" if last else "")

    return write


def transformer(layers: int, heads: int, depth: int, wide: int) -> Writer:
    """Pre-norm blocks of attention, written out, and an MLP."""

    def write(net: Source) -> None:
        width = heads * depth
        net.layer("embed", f"Linear(6, {width})")
        net.run("x = self.embed(x)")
        for place in range(layers):
            _attention(net, str(place), heads, depth)
            _mlp(net, str(place), width, wide)
        head = net.fault("head", "in")
        net.layer("head", f"Linear({net.wrong(width) if head else width}, 5)")
        net.run("x = self.head(x)", "SKL102" if head else "")

    return write


def _norm(net: Source, name: str, width: int) -> None:
    norm = net.fault(name, "features")
    net.layer(name, f"LayerNorm({net.wrong(width) if norm else width})")
    net.run(f"h = self.{name}(x)", "SKL102" if norm else "")


def _attention(net: Source, tag: str, heads: int, depth: int) -> None:
    width = heads * depth
    _norm(net, f"norm1_{tag}", width)
    for name in "qkv":
        fault = net.fault(f"{name}_{tag}", "in", "view", "width")
        counted = net.wrong(width) if fault in ("in", "width") else width
        net.layer(f"{name}_{tag}", f"Linear({counted}, {counted if fault == 'width' else width})")
        net.run(f"{name} = self.{name}_{tag}(h)", "SKL102" if fault in ("in", "width") else "")
        split = net.wrong(depth) if fault == "view" else depth
        net.run(f"{name} = {name}.view(2, 10, {heads}, {split})", "SKL102" if fault == "view" else "")
        net.run(f"{name} = {name}.transpose(1, 2)")
    turned = net.fault(f"{tag}.scores", "untransposed")
    net.run(f"a = q @ {'k' if turned else 'k.transpose(-2, -1)'}", "SKL102" if turned else "")
    net.run("a = a.softmax(-1) @ v")
    net.run(f"a = a.transpose(1, 2).reshape(2, 10, {width})")
    join, first = net.fault(f"{tag}.add1", "out"), net.fault(f"{tag}.out", "in")
    made, counted = (net.wrong(width) if join else width), (net.wrong(width) if first else width)
    net.layer(f"out_{tag}", f"Linear({counted}, {made})")
    net.run(f"a = self.out_{tag}(a)", "SKL102" if first else "")
    net.run("x = x + a", "SKL101" if join else "")


def _mlp(net: Source, tag: str, width: int, wide: int) -> None:
    _norm(net, f"norm2_{tag}", width)
    up, down, join = (net.fault(f"{tag}.{name}", kind) for name, kind in _MLP_FAULTS)
    net.layer(f"up_{tag}", f"Linear({net.wrong(width) if up else width}, {wide})")
    net.run(f"h = F.gelu(self.up_{tag}(h))", "SKL102" if up else "")
    counted, made = (net.wrong(wide) if down else wide), (net.wrong(width) if join else width)
    net.layer(f"down_{tag}", f"Linear({counted}, {made})")
    net.run(f"h = self.down_{tag}(h)", "SKL102" if down else "")
    net.run("x = x + h", "SKL101" if join else "")


_MLP_FAULTS = (("up", "in"), ("down", "in"), ("add2", "out"))
