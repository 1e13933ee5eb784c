"""Vision, audio and multimodal models."""

from __future__ import annotations

from typing import Any

from .transformers_spec import Spec, image

_TEXT = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_IMAGE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
_SPEECH: dict[str, Any] = {
    "conv_dim": [32, 32, 32],
    "conv_kernel": [10, 3, 3],
    "conv_stride": [5, 2, 2],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def _pair(**overrides: Any) -> Spec:
    """A text tower and an image tower."""
    settings = {"text_config": _TEXT, "vision_config": _IMAGE, "projection_dim": 32} | overrides
    return Spec("AutoModel", settings, "ids and pixels", 32)


def _speech(**overrides: Any) -> Spec:
    return Spec("AutoModel", _SPEECH | overrides, "waveform", 2000)


VISION: dict[str, Spec] = {
    "beit": image(32, image_size=32, patch_size=8),
    "bit": image(64, embedding_size=32, hidden_sizes=[32, 64], depths=[2, 2], num_groups=4),
    "convnext": image(64, hidden_sizes=[16, 32, 48, 64], depths=[2, 2, 2, 2]),
    "convnextv2": image(64, hidden_sizes=[16, 32, 48, 64], depths=[2, 2, 2, 2]),
    "cvt": image(64, embed_dim=[16, 32, 64], num_heads=[1, 2, 4], depth=[1, 2, 3]),
    "data2vec-vision": image(32, image_size=32, patch_size=8),
    "deit": image(32, image_size=32, patch_size=8),
    "dinov2": image(28, image_size=28, patch_size=14),
    "dinov2_with_registers": image(28, image_size=28, patch_size=14),
    "dinov3_vit": image(32, image_size=32, patch_size=8),
    "dpt": Spec(
        "DPTForDepthEstimation",
        {
            "image_size": 32,
            "patch_size": 8,
            "neck_hidden_sizes": [16, 16, 32, 32],
            "backbone_out_indices": [0, 1, 2, 3],
            "num_hidden_layers": 4,
            "fusion_hidden_size": 16,
            "is_hybrid": False,
        },
        "pixels",
        32,
    ),
    "efficientnet": image(64, width_coefficient=0.5, depth_coefficient=0.5, hidden_dim=640),
    "focalnet": image(64, image_size=64, embed_dim=16, depths=[1, 1, 2, 1], hidden_sizes=[16, 32, 64, 128]),
    "glpn": image(64, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 4]),
    "hiera": image(64, image_size=[64, 64], embed_dim=16, depths=[1, 1, 2, 1], num_heads=[1, 2, 4, 8]),
    "ijepa": image(32, image_size=32, patch_size=8),
    "imagegpt": Spec("AutoModel", {"vocab_size": 128}),
    "levit": image(224, num_attention_heads=[4, 8, 12]),
    "mobilenet_v1": image(64),
    "mobilenet_v2": image(64),
    "mobilevit": image(
        64, image_size=64, hidden_sizes=[32, 48, 64], neck_hidden_sizes=[8, 16, 16, 24, 32, 40, 64]
    ),
    "mobilevitv2": image(64, image_size=64),
    "poolformer": image(64, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 2, 1]),
    "pvt": image(
        64,
        image_size=64,
        hidden_sizes=[16, 32, 48, 64],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 2, 4],
    ),
    "pvt_v2": image(
        64,
        image_size=64,
        hidden_sizes=[16, 32, 48, 64],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 2, 4],
    ),
    "regnet": image(
        64, embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 2, 2, 1], groups_width=8
    ),
    "resnet": image(64, embedding_size=16, hidden_sizes=[32, 64, 96, 128], depths=[1, 2, 2, 1]),
    "sam_vision_model": image(
        64,
        image_size=64,
        patch_size=8,
        output_channels=32,
        num_pos_feats=16,
        window_size=4,
        global_attn_indexes=[1],
    ),
    "segformer": image(64, hidden_sizes=[16, 32, 48, 64], num_attention_heads=[1, 2, 2, 4]),
    "swiftformer": image(64),
    "swin": image(
        128, image_size=128, window_size=4, embed_dim=16, depths=[1, 2, 2, 1], num_heads=[1, 2, 2, 4]
    ),
    "swinv2": image(
        128, image_size=128, window_size=4, embed_dim=16, depths=[1, 2, 2, 1], num_heads=[1, 2, 2, 4]
    ),
    "swin2sr": image(64, image_size=64, embed_dim=16, depths=[2, 2], num_heads=[2, 2]),
    "timesformer": Spec("AutoModel", {"image_size": 32, "patch_size": 8, "num_frames": 4}, "frames", 32),
    "upernet": Spec(
        "UperNetForSemanticSegmentation", {"hidden_size": 16, "pool_scales": [1, 2, 3, 6]}, "pixels", 64
    ),
    "videomae": Spec("AutoModel", {"image_size": 32, "patch_size": 8, "num_frames": 4}, "frames", 32),
    "vit": image(32, image_size=32, patch_size=8),
    "vit_mae": image(32, image_size=32, patch_size=8),
    "vit_msn": image(32, image_size=32, patch_size=8),
    "vitdet": image(32, image_size=32, patch_size=8, pretrain_image_size=32),
    "vivit": Spec("AutoModel", {"image_size": 32, "num_frames": 4, "tubelet_size": [2, 8, 8]}, "frames", 32),
    "yolos": image(64, image_size=[64, 64], patch_size=16, num_detection_tokens=5),
    "detr": Spec("DetrModel", {"num_queries": 5}, "pixels", 64),
    "table-transformer": Spec("TableTransformerModel", {"num_queries": 5}, "pixels", 64),
}

AUDIO: dict[str, Spec] = {
    "audio-spectrogram-transformer": Spec("AutoModel", {"max_length": 64}, "spectrogram", 64),
    "data2vec-audio": _speech(conv_pos_kernel_size=5),
    "hubert": _speech(),
    "sew": _speech(squeeze_factor=2),
    "sew-d": _speech(squeeze_factor=2),
    "speech_to_text": Spec("Speech2TextModel", {}, "frames of features and ids", 64),
    "unispeech": _speech(),
    "unispeech-sat": _speech(),
    "wav2vec2": _speech(),
    "wav2vec2-conformer": _speech(),
    "wavlm": _speech(),
    "whisper": Spec(
        "WhisperModel", {"max_source_positions": 32, "max_target_positions": 32}, "features and ids", 64
    ),
    "moonshine": Spec(
        "MoonshineModel",
        {"encoder_num_hidden_layers": 2, "decoder_num_hidden_layers": 2},
        "waveform and ids",
        16000,
    ),
    "patchtst": Spec("PatchTSTModel", {"num_input_channels": 1, "context_length": 32}, "series", 32),
    "patchtsmixer": Spec("PatchTSMixerModel", {"num_input_channels": 1, "context_length": 32}, "series", 32),
}

MULTIMODAL: dict[str, Spec] = {
    "altclip": _pair(),
    "blip": _pair(text_config=_TEXT | {"encoder_hidden_size": 64}, image_text_hidden_size=32),
    "chinese_clip": _pair(),
    "clip": _pair(),
    "clipseg": _pair(),
    "git": Spec("AutoModelForCausalLM", {"vision_config": _IMAGE}, "ids and pixels", 32),
    "groupvit": Spec("AutoModel", {"text_config": _TEXT, "projection_dim": 32}, "ids and pixels", 224),
    "metaclip_2": _pair(),
    "owlvit": _pair(),
    "siglip": _pair(),
    "vilt": Spec(
        "AutoModel", {"image_size": 32, "patch_size": 8, "max_image_length": -1}, "ids and pixels", 32
    ),
}
