"""Expected joins of Transformers models, from the number of layers in their small configurations."""

from __future__ import annotations

from ..catalogue.transformers_models import SMALL  # noqa: TID252 - the tests are no installed package
from .counts import Counts

# Attention and feed-forward, one join each, before or after the norm; mixtures of experts as well: the
# experts are parallel branches, and a shared expert is one more.
_TWO_A_LAYER = [
    "bert",
    "big_bird",
    "biogpt",
    "bitnet",
    "bloom",
    "apertus",
    "arcee",
    "camembert",
    "convbert",
    "ctrl",
    "data2vec-text",
    "deberta",
    "deberta-v2",
    "deepseek_v2",
    "deepseek_v3",
    "diffllama",
    "distilbert",
    "doge",
    "electra",
    "ernie",
    "ernie4_5",
    "esm",
    "eurobert",
    "exaone4",
    "flaubert",
    "gemma",
    "gemma2",
    "gemma3_text",
    "glm",
    "glm4",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox_japanese",
    "gpt_oss",
    "granite",
    "granitemoe",
    "helium",
    "jamba",
    "jetmoe",
    "layoutlm",
    "lfm2",
    "llama",
    "longformer",
    "markuplm",
    "megatron-bert",
    "minimax",
    "mistral",
    "mixtral",
    "modernbert",
    "modernbert-decoder",
    "mpnet",
    "mpt",
    "nanochat",
    "nemotron",
    "nomic_bert",
    "nystromformer",
    "olmo",
    "olmo2",
    "olmo3",
    "olmoe",
    "openai-gpt",
    "opt",
    "persimmon",
    "phi3",
    "phimoe",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "qwen3_next",
    "recurrent_gemma",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roformer",
    "seed_oss",
    "smollm3",
    "splinter",
    "squeezebert",
    "stablelm",
    "starcoder2",
    "tapas",
    "xglm",
    "xlm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xlnet",
    "audio-spectrogram-transformer",
    "beit",
    "yoso",
    "xlstm",
    "roc_bert",
    "ibert",
    "bamba",
    "data2vec-vision",
    "deit",
    "dinov2",
    "dinov2_with_registers",
    "dinov3_vit",
    "ijepa",
    "imagegpt",
    "sam_vision_model",
    "videomae",
    "vilt",
    "vit",
    "vit_mae",
    "vit_msn",
    "vitdet",
    "vivit",
    "yolos",
]

# Attention and feed-forward in parallel: ``x + attention(x) + mlp(x)`` is one join of three.
_ONE_A_LAYER = [
    "codegen",
    "cohere",
    "cohere2",
    "falcon",
    "gpt_neox",
    "gptj",
    "phi",
    "falcon_mamba",
    "mamba",
    "mamba2",
    "fnet",
]

# Self-attention and feed-forward in the encoder; in the decoder cross-attention as well.
_FIVE_A_PAIR = [
    "bart",
    "bigbird_pegasus",
    "blenderbot",
    "blenderbot-small",
    "fsmt",
    "led",
    "longt5",
    "m2m_100",
    "marian",
    "mbart",
    "moonshine",
    "mt5",
    "mvp",
    "nllb-moe",
    "pegasus",
    "plbart",
    "speech_to_text",
    "switch_transformers",
    "t5",
    "umt5",
    "whisper",
]

# A text and an image encoder, the same layers in both.
_TWO_ENCODERS = ["altclip", "blip", "chinese_clip", "clip", "git", "metaclip_2", "owlvit"]

# Two a layer, and the convolutional position encoding added to what it is computed from.
_SPEECH = ["data2vec-audio", "sew-d", "hubert", "sew", "unispeech", "unispeech-sat", "wav2vec2", "wavlm"]

_N: int = SMALL["num_hidden_layers"]

EXPECTED: dict[str, Counts] = {
    **{name: Counts(additive=2 * _N) for name in _TWO_A_LAYER},
    **{name: Counts(additive=_N) for name in _ONE_A_LAYER},
    **{name: Counts(additive=5 * _N) for name in _FIVE_A_PAIR},
    **{name: Counts(additive=4 * _N) for name in _TWO_ENCODERS},
    **{name: Counts(additive=2 * _N + 1) for name in _SPEECH},
    # Three calls of one shared layer.
    "albert": Counts(additive=2 * 3),
    # The adapter of the language as a third.
    "xmod": Counts(additive=3 * _N),
    # The feed-forward's output is multiplied by its receptance gate and added at once.
    "rwkv": Counts(additive=_N, gated=_N),
    # Global tokens beside the text in the encoder, two more a layer, but the first one's shortcut is a
    # parameter, no fork.
    "pegasus_x": Counts(additive=5 * _N + 2 * _N - 1),
    # Two mambas and two hybrids, in which attention reads the hidden state beside the embeddings.
    "zamba": Counts(additive=2 + 2 * 2, concatenative=2),
    # Text and layout streams, each with its own attention and feed-forward.
    "lilt": Counts(additive=4 * _N),
    # Attention, three stacked and one last feed-forward, and the layer past its two bottlenecks; inside
    # these the attention's shortcut is the bottleneck's linear layer.
    "mobilebert": Counts(additive=6 * _N, projections=_N),
    # Two half feed-forwards, attention, convolution.
    "wav2vec2-conformer": Counts(additive=4 * _N),
    # Attention over time, over space, feed-forward.
    "timesformer": Counts(additive=3 * _N),
    # The attention pooling on top of the image encoder has a feed-forward with a shortcut.
    "siglip": Counts(additive=4 * _N + 1),
    # One a block, four or six blocks with these depths; the first of each stage projects.
    "convnext": Counts(additive=8),
    "convnextv2": Counts(additive=8),
    "resnet": Counts(additive=6, projections=4),
    "regnet": Counts(additive=6, projections=4),
    # The pooling mixer has no weights: only the feed-forward of five blocks.
    "poolformer": Counts(additive=5),
    "bit": Counts(additive=4, projections=2),
    "focalnet": Counts(additive=2 * 5, gated=5),
    "hiera": Counts(additive=2 * 5, projections=3),
    "mobilenet_v1": Counts(),
    "mobilenet_v2": Counts(additive=10),
    # Two a block, one around each stage, one around all.
    "swin2sr": Counts(additive=2 * 4 + 2 + 1),
    # Two a block.
    "cvt": Counts(additive=2 * 6),
    "glpn": Counts(additive=2 * 4),
    "pvt": Counts(additive=2 * 4),
    "pvt_v2": Counts(additive=2 * 4),
    "segformer": Counts(additive=2 * 8),
    "swin": Counts(additive=2 * 6),
    "swinv2": Counts(additive=2 * 6),
    # A ResNet-50, the encoder, and the decoder, whose first self- and cross-attention have shortcuts that
    # start from the learned queries: no fork.
    "detr": Counts(additive=16 + 2 * _N + 3 * _N - 2, projections=4),
    "table-transformer": Counts(additive=16 + 2 * _N + 3 * _N - 2, projections=4),
}
