"""Real models, and what a real run of them takes on the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Call = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class MeasuredModel:
    """A model with a small input of batch 2."""

    id: str
    make: Callable[[], Call]
    quick: bool = False
    """Part of the subset that runs by default."""

    def build(self) -> Call:
        """The same weights and inputs every time."""
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.make()


def saved_bytes(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """Bytes that a training forward really saves: each storage once, without what the model holds."""
    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor.detach())
        return saved[-1]

    held = _held_by(model.train())
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = model(*args, **kwargs)
    sizes = {_key(tensor): tensor.untyped_storage().nbytes() for tensor in saved}
    del result
    return sum(size for key, size in sizes.items() if key not in held)


def peak_bytes(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int:
    """The most bytes that storages made by a forward in evaluation mode really take at once."""
    held = _held_by(model.eval()) | {_key(tensor) for tensor in tree_leaves((args, kwargs)) if _is(tensor)}
    with torch.no_grad(), _LiveStorages(held) as live:
        model(*args, **kwargs)
    return live.peak


class _LiveStorages(TorchDispatchMode):  # type: ignore[misc]
    def __init__(self, held: set[int]) -> None:
        super().__init__()
        self._held = held
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for key in [key for key, (weak, _) in self._live.items() if weak.expired()]:
            del self._live[key]
        for tensor in filter(_is, tree_leaves(result)):
            if _key(tensor) not in self._held:
                storage = tensor.untyped_storage()
                self._live.setdefault(_key(tensor), (StorageWeakRef(storage), storage.nbytes()))
        self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return result


def _held_by(model: nn.Module) -> set[int]:
    """The storages of parameters, buffers and other tensors that modules keep."""
    attributes = [value for module in model.modules() for value in vars(module).values()]
    plain = [value for value in attributes if isinstance(value, (list, tuple, dict, Tensor))]
    tensors = [*model.parameters(), *model.buffers(), *filter(_is, tree_leaves(plain))]
    return {_key(tensor) for tensor in tensors}


def _is(value: Any) -> bool:
    return isinstance(value, Tensor)


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _image(size: int) -> tuple[Tensor]:
    return (torch.randn(2, 3, size, size),)


def _torchvision(name: str, size: int, arguments: Mapping[str, Any]) -> Call:
    import torchvision

    return torchvision.models.get_model(name, weights=None, **arguments), _image(size), {}


def _timm(name: str, size: int) -> Call:
    import timm

    return timm.create_model(name), _image(size), {}


def _smp(architecture: str, encoder: str) -> Call:
    import segmentation_models_pytorch as smp

    return smp.create_model(architecture, encoder, encoder_weights=None), _image(64), {}


def _transformer(model_class: str, config_class: str, settings: Mapping[str, Any]) -> Call:
    import transformers

    settings = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0, **settings}
    model = getattr(transformers, model_class)(getattr(transformers, config_class)(**settings))
    ids = torch.randint(2, 99, (2, 16))
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    return model, (), inputs


_QUICK = frozenset(
    {
        "torchvision:resnet18",
        "torchvision:densenet121",
        "torchvision:mobilenet_v2",
        "torchvision:convnext_tiny",
        "timm:mobilevit_xxs",
        "smp:Unet-resnet18",
        "transformers:bert",
        "transformers:llama",
    }
)

_TORCHVISION = (
    "alexnet vgg11 vgg16_bn resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121 densenet169 "
    "mobilenet_v2 mobilenet_v3_small mnasnet0_5 shufflenet_v2_x1_0 squeezenet1_0 efficientnet_b0 "
    "efficientnet_v2_s regnet_y_400mf convnext_tiny swin_t swin_v2_t vit_b_16 googlenet fcn_resnet50 "
    "deeplabv3_resnet50 lraspp_mobilenet_v3_large"
).split()
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"init_weights": False},
    **{
        name: {"weights_backbone": None}
        for name in ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")
    },
}
_TIMM = (
    "resnet18d hrnet_w18_small mobilenetv3_small_050 mobilevit_xxs poolformerv2_s12 repvgg_a0 ghostnet_050 "
    "convmixer_768_32 cs3darknet_focus_s dla46x_c dpn48b seresnet18 nf_resnet26 vovnet39a xception41 "
    "inception_next_atto deit_tiny_patch16_224 crossvit_tiny_240 mixer_s32_224 pvt_v2_b0 levit_128s "
    "twins_pcpvt_small"
).split()
_SMP = (
    "Unet-resnet18 UnetPlusPlus-resnet18 MAnet-resnet18 Linknet-resnet18 FPN-resnet18 PSPNet-resnet18 "
    "DeepLabV3Plus-resnet18 UPerNet-resnet18 Segformer-resnet18 Unet-densenet121 Unet-mobilenet_v2 "
    "Unet-mit_b0"
).split()
_SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 100,
}
_GROUPED = {**_SMALL, "num_key_value_heads": 2}
_SEQ2SEQ = {
    "d_model": 64,
    **{
        f"{side}_{key}": value
        for side in ("encoder", "decoder")
        for key, value in {"layers": 2, "attention_heads": 4, "ffn_dim": 128}.items()
    },
    "vocab_size": 100,
}
_TRANSFORMERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertModel", "BertConfig", _SMALL),
    "roberta": ("RobertaModel", "RobertaConfig", _SMALL),
    "electra": ("ElectraModel", "ElectraConfig", _SMALL),
    "deberta-v2": ("DebertaV2Model", "DebertaV2Config", _SMALL),
    "distilbert": (
        "DistilBertModel",
        "DistilBertConfig",
        {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128, "vocab_size": 100},
    ),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 100}),
    "gptj": (
        "GPTJForCausalLM",
        "GPTJConfig",
        {"n_embd": 64, "n_layer": 2, "n_head": 4, "rotary_dim": 8, "vocab_size": 100},
    ),
    "llama": ("LlamaForCausalLM", "LlamaConfig", _GROUPED),
    "mistral": ("MistralForCausalLM", "MistralConfig", _GROUPED),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", _GROUPED),
    "t5": (
        "T5ForConditionalGeneration",
        "T5Config",
        {"d_model": 64, "num_layers": 2, "num_heads": 4, "d_ff": 128, "d_kv": 16, "vocab_size": 100},
    ),
    "bart": ("BartModel", "BartConfig", _SEQ2SEQ),
}


def _side(name: str) -> int:
    """Transformers of images keep the size that they were made for."""
    if "240" in name:
        return 240
    fixed = ("224", "vit_b", "pvt", "levit", "twins")
    return 224 if any(part in name for part in fixed) else 64


def _entry(family: str, name: str, make: Callable[[], Call]) -> MeasuredModel:
    return MeasuredModel(f"{family}:{name}", make, f"{family}:{name}" in _QUICK)


MODELS: tuple[MeasuredModel, ...] = (
    *(
        _entry("torchvision", name, partial(_torchvision, name, _side(name), _ARGUMENTS.get(name, {})))
        for name in _TORCHVISION
    ),
    *(_entry("timm", name, partial(_timm, name, _side(name))) for name in _TIMM),
    *(_entry("smp", name, partial(_smp, *name.split("-", 1))) for name in _SMP),
    *(_entry("transformers", name, partial(_transformer, *spec)) for name, spec in _TRANSFORMERS.items()),
)
