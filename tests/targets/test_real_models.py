"""Published models need no configuration: built on the meta device, inputs found, and a forward that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from skiplint.targets import ExampleInputs, ModelTarget, build, find_inputs, resolve
from tests.targets.conftest import trial

TORCHVISION = {
    "alexnet": 224,
    "vgg16": 224,
    "squeezenet1_0": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "resnet18": 224,
    "resnet152": 224,
    "wide_resnet50_2": 224,
    "resnext50_32x4d": 224,
    "densenet121": 224,
    "mobilenet_v2": 224,
    "mobilenet_v3_small": 224,
    "mnasnet0_5": 224,
    "shufflenet_v2_x0_5": 224,
    "efficientnet_b0": 224,
    "efficientnet_v2_s": 224,
    "regnet_y_128gf": 224,
    "vit_b_16": 224,
    "vit_h_14": 224,
    "swin_t": 224,
    "swin_v2_t": 224,
    "maxvit_t": 224,
    "convnext_tiny": 224,
    "segmentation:fcn_resnet50": 224,
    "segmentation:deeplabv3_resnet50": 224,
    "video:r3d_18": 112,
    "video:mvit_v1_b": 224,
    "video:s3d": 224,
    "optical_flow:raft_small": 224,
}

TIMM = {
    "resnet50": 224,
    "vit_base_patch16_224": 224,
    "swin_tiny_patch4_window7_224": 224,
    "convnext_atto": 224,
    "efficientnet_b3": 288,
    "inception_v4": 299,
    "nfnet_f0": 192,
    "cait_xxs24_224": 224,
    "xcit_nano_12_p16_224": 224,
    "coat_tiny": 224,
    "deit3_small_patch16_224": 224,
    "eva02_tiny_patch14_224": 224,
    "mixer_b16_224": 224,
    "levit_128": 224,
    "hrnet_w18_small": 224,
    "dla34": 224,
    "maxvit_tiny_rw_224": 224,
    "tresnet_m": 224,
}

SMP = [
    "Unet",
    "UnetPlusPlus",
    "MAnet",
    "Linknet",
    "FPN",
    "PSPNet",
    "DeepLabV3",
    "DeepLabV3Plus",
    "PAN",
    "UPerNet",
    "Segformer",
]

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
TEXT = {**SMALL, "vocab_size": 120}
SEQ2SEQ = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "vocab_size": 120,
}
TRANSFORMERS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("BertModel", TEXT, {"input_ids"}),
    ("BertForMultipleChoice", TEXT, {"input_ids"}),
    ("RobertaForMaskedLM", TEXT, {"input_ids"}),
    ("GPT2LMHeadModel", {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 120}, {"input_ids"}),
    ("LlamaForCausalLM", {**TEXT, "num_key_value_heads": 2}, {"input_ids"}),
    (
        "T5Model",
        {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2},
        {"input_ids", "decoder_input_ids"},
    ),
    ("BartModel", SEQ2SEQ, {"input_ids", "decoder_input_ids"}),
    (
        "WhisperModel",
        {**SEQ2SEQ, "pad_token_id": 0, "decoder_start_token_id": 1},
        {"input_features", "decoder_input_ids"},
    ),
    ("ViTModel", {**SMALL, "image_size": 64}, {"pixel_values"}),
    ("VideoMAEModel", {**SMALL, "image_size": 32}, {"pixel_values"}),
    ("SegformerModel", {}, {"pixel_values"}),
    (
        "CLIPModel",
        {"text_config": TEXT, "vision_config": {**SMALL, "image_size": 64}},
        {"input_ids", "pixel_values"},
    ),
    ("Wav2Vec2Model", SMALL, {"input_values"}),
    ("ASTModel", SMALL, {"input_values"}),
    ("MambaModel", {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 120}, {"input_ids"}),
    ("PatchTSTModel", {}, {"past_values"}),
]


def inputs_of(target: ModelTarget) -> ExampleInputs:
    model = build(target).model
    return find_inputs(model, target, runs=trial(model))


def made(make: Callable[[], Any]) -> ModelTarget:
    return ModelTarget("package:model", "model", None, None, make)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision(name: str) -> None:
    pytest.importorskip("torchvision")
    module, _, attribute = name.rpartition(":")
    (target,) = resolve(f"torchvision.models{'.' + module if module else ''}:{attribute}")
    assert isinstance(target, ModelTarget)
    found = inputs_of(target)
    assert found.source == "module"
    assert found.verified
    assert found.args[0].shape[-1] == TORCHVISION[name]


def test_torchvision_detectors_take_lists_of_images() -> None:
    pytest.importorskip("torchvision")
    (target,) = resolve("torchvision.models.detection:fasterrcnn_resnet50_fpn")
    assert isinstance(target, ModelTarget)
    found = inputs_of(target)
    assert [list(image.shape) for image in found.args[0]] == [[3, 224, 224]]
    assert not found.verified  # the meta device has no boxes to choose from


@pytest.mark.parametrize("name", TIMM)
def test_timm(name: str) -> None:
    timm = pytest.importorskip("timm")
    found = inputs_of(made(lambda: timm.create_model(name)))
    assert (found.source, found.args[0].shape[-1]) == ("module", TIMM[name])


def test_pretrained_weights_are_not_downloaded() -> None:
    timm = pytest.importorskip("timm")
    build(made(lambda: timm.create_model("resnet18", pretrained=True)), device="cpu")


@pytest.mark.parametrize("name", SMP)
def test_segmentation_models_pytorch(name: str) -> None:
    smp = pytest.importorskip("segmentation_models_pytorch")
    found = inputs_of(made(lambda: getattr(smp, name)(in_channels=4)))
    assert (found.source, list(found.args[0].shape)) == ("inferred", [1, 4, 224, 224])


@pytest.mark.parametrize(
    ("name", "settings", "expected"), TRANSFORMERS, ids=[case[0] for case in TRANSFORMERS]
)
def test_transformers(name: str, settings: dict[str, Any], expected: set[str]) -> None:
    transformers = pytest.importorskip("transformers")
    model_class = getattr(transformers, name)
    found = inputs_of(made(lambda: model_class(model_class.config_class(**settings))))
    assert found.source == "module"
    assert set(found.kwargs) - {"use_cache"} == expected
