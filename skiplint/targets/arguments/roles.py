"""What a number or word among a model's arguments stands for, read from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

WholeRole = Literal[
    "width",
    "input",
    "inner",
    "features",
    "classes",
    "vocabulary",
    "length",
    "image",
    "patch",
    "dimensions",
    "window",
    "heads",
    "head width",
    "depth",
    "kernel",
    "stride",
    "padding",
    "one",
    "groups",
    "factor",
    "reduction",
    "scale",
    "zero",
]
"""What a whole number means."""

Role = Literal[
    WholeRole,
    "rate",
    "ratio",
    "epsilon",
    "flag",
    "off",
    "activation",
    "norm",
    "device",
    "dtype",
    "pooling",
    "word",
    "path",
    "real",
]
"""What an argument means for the model."""

_NAMES: tuple[tuple[Role, str], ...] = (
    ("dtype", r"(\w+_)?dtype | data_type"),
    ("dimensions", r"dimensions? | dimensionality | (spatial|conv|n|num)_?(dims?|dimensions?) | nd"),
    ("device", r"(\w+_)?device"),
    (
        "path",
        r"""(\w+_)?(path|file|filename|ckpt|checkpoint|weights|url|cache_dir|root|dir) | pretrained_\w+""",
    ),
    (
        "off",
        r"""(use|is|with|has|do|add|enable|return|apply|include|freeze|no|if|should|need|only)_\w+ |
        pretrained | inplace | verbose | debug | causal | bidirectional | bidirect | training | share\w* |
        tie\w* | \w+_only | freeze\w* | (\w+_)?checkpointing | \w*_checkpoint | distillation |
        deterministic | logits | conditional | class_cond | attention_bias | torchscript | last | first |
        symmetric | cuda | gpu | fp16 | half""",
    ),
    (
        "flag",
        r"(\w+_)?(bias|affine|batch_first|residual|bilinear|learnable|trainable|skip)",
    ),
    (
        "norm",
        r"""(\w+_)?(norm|normalization|normalize)
        _?(layer|type|fn|func|class|cls|name|module|cfg|method)?""",
    ),
    (
        "activation",
        r"""(\w+_)?(activation|activ|nonlinearity|nonlin|non_linearity)s?(_?\w+)? |
        act_?(layer|type|fn|func|name|cls|cfg)? | hidden_act | relu_type | (\w+_)?act_fn""",
    ),
    (
        "pooling",
        r"(\w+_)?(pool|pooling|aggregat\w+|aggr|readout|reduce|global_pool)(_?(type|mode|method|fn))?",
    ),
    (
        "zero",
        r"""(\w+_)?(padding_idx|pad_idx|pad_token(_id)?|pad_id|start_\w+|seed|rank|offset) |
        num_extra_tokens | pad_index""",
    ),
    (
        "one",
        r"(\w+_)?(token_id|idx|index|id|bos|eos|sos|unk|dilations?|dilation_rate|cardinality|output_stride)",
    ),
    (
        "epsilon",
        r"""(\w+_)?(eps|epsilon|std|lr|learning_rate|initializer_range) | layer_scale\w* | init_values? |
        weight_decay""",
    ),
    (
        "width",
        r"""growth(_rate)? | width | n_embd | n_embed | n_hidden | num_?hidden(_units|_size|_dim)? |
        (num|n)_(filters|units|kernels|maps) | context_dim | cond_dim | time_dim |
        (\w+_)?(embed\w*|hidden|latent|model|code)_?(dims?|sizes?|channels?|features)""",
    ),
    ("depth", r"block_(config|setting|counts?) | layer_(config|nums?|counts?)"),
    (
        "rate",
        r"""p | (\w+_)?(drop\w*|dp\w*|prob(ability)?|pdrop|dpr|rate|dropout\w*) | momentum | bn_mom\w* |
        stochastic_depth\w* | survival_prob | noise""",
    ),
    (
        "head width",
        r"""(dim|d|head)_?(per_?)?head(_dim|_size)? | head_(dim|size|width|channels?) | d_[kqv] | key_dim |
        attn_dim_head | dim_(key|value) | num_head_channels""",
    ),
    (
        "heads",
        r"""(\w+_)?n?_?heads? | (\w+_)?(num|n|nb|no)_?(\w+_)?heads?(_\w+)? | nheads? |
        (num|n)_(kv|query|q)_\w+ | h | heads_num""",
    ),
    (
        "factor",
        r"""(\w+_)?(mlp|ffn|ff|expand|expansion|expanse|hidden|widen|growth|wide|width)
        _?(ratio|factor|rate|mult|multiplier|expansion) |
        expansion | expand | (\w+_)?mult | multiplier | mult_chan | (width|depth)_mult\w* | exp_ratio | t""",
    ),
    (
        "reduction",
        r"(\w+_)?(reduction|squeeze|se_?ratio|r|rd_ratio|sr_ratio|compress\w*)(_?(ratio|factor|rate))?",
    ),
    (
        "ratio",
        r"""(\w+_)?(ratio|fraction|weight|alpha|beta|gamma|lambd?a?|theta|threshold|tau|margin|sigma|
        temperature|smoothing)""",
    ),
    (
        "scale",
        r"""(\w+_)?(upscale|scale|up_?scale_factor|scale_factor|upsample_?\w*|downsample_?\w*|up|down|down_?rate|
        sf|pool_?size|sampling_?\w*)""",
    ),
    (
        "inner",
        r"""(\w+_)?(mlp_?(dim|hidden\w*|size|channels|width)|d_?ff\w*|ff_?(dim|size|hidden\w*)|ffn\w*|
        intermediate\w*|feedforward\w*|dim_?feedforward|inner\w*|d_?inner|dim_ff|pf_dim|hidden_features|d_hid)""",
    ),
    ("groups", r"(num|n|norm|gn|resnet)_?(norm_?)?groups | (\w+_)?num_groups"),
    (
        "one",
        r"""(conv_?)?groups? | in_stride | ndf_mult |
        num_(experts_per\w*|segments|views|input_frames|stacks)""",
    ),
    (
        "kernel",
        r"(\w+_)?(kernel\w*|ksizes?|k_size|ks|filter_?(size|length|width)|receptive_field|radius) | k",
    ),
    ("stride", r"(\w+_)?(strides?) | stride_\w+"),
    ("padding", r"(\w+_)?(pad|padding)s?"),
    (
        "patch",
        r"(\w+_)?patch(_?(size|sizes|len|length|height|width))? | p1 | p2 | ps | tubelet_size",
    ),
    (
        "window",
        r"(\w+_)?(window|win)(_?(size|sizes))? | ws | num_(mem|landmark)\w* | top_?k | num_neighbors",
    ),
    (
        "vocabulary",
        r"""(\w+_)?(vocab\w*|vocabulary\w*|n_?vocab|dict(ionary)?_(size|len)|voc_size|alphabet_size) |
        codebook_size | n_?tokens? | n_e | max_z |
        (num|n|nb)_?(embeddings?|words?|chars?|symbols?|items?|users?|entit\w+|relations?|tokens?|codes?|
        phonemes?|speakers?|characters?|embed|buckets|rel\w*|ent|atoms?_types?|species)""",
    ),
    (
        "length",
        r"""(\w+_)?(seq_?len\w*|max_?(seq_?)?len\w*|sequence_?len\w*|block_size|context_?(len\w*|size)|n_?ctx|
        lookback|max_position\w*|n_positions|num_patches|max_?seq\w*|horizon|pred_?len\w*|label_len|h_len|
        n_?frames?|num_?frames?|time_?(steps?|len\w*)|num_timesteps|timesteps|clip_len|chunk_(size|len\w*)|
        max_(tokens|nodes|positions?|text\w*)|positions|num_positions|length|n_steps|seqlen|input_len\w*|
        output_len\w*|forecast_len\w*|num_points|n_?points|samples?|num_samples|max_t\w*|fft_?(size|len)|n_fft|
        hop_?(size|len\w*)|win_len\w*|sr|sample_rate|fs)""",
    ),
    (
        "image",
        r"""(\w+_)?(image|img|im|input|crop|spatial|grid|feat|feature|map|resolution|in|roi)
        _?(size|sizes|shape|res|resolution|hw|height|width|h|w) |
        (\w+_)?resolution | height | img | h_w | imsize | isize""",
    ),
    (
        "classes",
        r"""(\w+_)?(n|num|nb|no|number_of)?_?(class|classes|labels?|categor\w+|targets?|actions?|tags?|outputs?|
        outs?|cls)(_?(num|size|dim|count|number|channels?))? |
        nclass\w* | nlabels? | ncls | act(ion)?_(dim|size|space) | out(put)?_(dim|size|features|feat|feats) |
        dim_out | c_out | outdim | noutput | n_?out | num_anchors? | n_targets | nout | num_out\w* |
        num_queries""",
    ),
    (
        "input",
        r"""(\w+_)?(in|input|img|image|im|num|n|color|n_?in)_?(put_)?
        (chans?|channels?|nc|c|bands|dim_channels) |
        nc | c_in | inc | in_c | (\w+_)?input_c | ch_in | n_channels | nchannels | colors? | n_colors""",
    ),
    (
        "features",
        r"""(\w+_)?(in|input|n|num|obs\w*|state\w*|feat\w*|node\w*|edge\w*|n_?in|data|numeric\w*|action|cond|x|
        point)_?(put_)?(dim|dims|features?|feats?|size|in|inputs?|shape) |
        n_?inputs? | num_inputs? | enc_in | dec_in | nfeat | nfeature | n_mels? | num_mels | mel_\w+ | idim |
        input_d | dim_in | d_in | n_vars |
        num_(nodes|variables|joints|sensors|numeric\w*|continuous|features) |
        freq_bins | n_freqs? | n_bins | feature_size | obs_shape | n_series | c""",
    ),
    (
        "depth",
        r"""(\w+_)?(depths?|n_?layers?|num_?layers?|layers?_num|n_?blocks?|num_?blocks?|repeats?|nb_layers|n_?res\w*|
        stages?|blocks?|layers?|num_?stages|levels?|num_?levels?|n_?levels?|num_?\w*layers?|n_\w*layers?|
        num_?\w*blocks?|n_\w*blocks?|num_stacks?|n_stacks?|iters?|num_iters?|n_?flows?|num_flows|hops|steps?|
        n_downs\w*|num_downs\w*|nlayers?|nblocks?|n_encoder\w*|n_decoder\w*|(num|n|nb)_\w+|order|num|n|l|b|rounds|
        e_layers|d_layers|k_hops)""",
    ),
    ("epsilon", r"min_\w+"),
    (
        "word",
        r"""(\w+_)?(mode|name|type|arch|architecture|variant|method|kind|version|style|format|init|scheme|
        task)""",
    ),
    (
        "width",
        r"""(\w+_)?(dims?|d_?model|hidden\w*|embed\w*|emb\w*|channels?|planes|inplanes|features?|feats?|
        filters?|nf|ngf|ndf|nef|n_?feats?|units|d|ch|chan|chans|size|hid\w*|latent\w*|z_dim|nz|code|context\w*|
        nhid|ninp|nemb\w*|ndim|neurons|n_hidden\w*|n_units|bottleneck|in|out|inp|oup|outp|c1|c2|cin|
        cout|in_planes|out_planes|proj\w*|growth\w*|n_state|state|base_?\w*|stem\w*|out_c|ch_out|output_nc|outc|
        output_c|outplanes|nfilters|hdim|edim|h_dim|e_dim|d_\w+) | dim_\w+ | n_f""",
    ),
    ("real", r"(lower|upper|low|high|min|max)(_\w+)?"),
)
_COMPILED = tuple((role, re.compile(pattern, re.VERBOSE)) for role, pattern in _NAMES)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


_FIXED: dict[Role | None, Any] = {
    "dimensions": 2,
    "stride": 1,
    "one": 1,
    "zero": 0,
    "flag": True,
    "off": False,
    "rate": 0.1,
    "ratio": 0.5,
    "real": 0.5,
    "epsilon": 1e-5,
    "path": None,
    "activation": "relu",
    "norm": "batch",
    "pooling": "mean",
    "word": "base",
}


@dataclass(frozen=True)
class Sizes:
    """Small numbers that fit together: heads divide widths, patches and windows divide images."""

    width: int = 64
    input: int = 3
    features: int = 32
    classes: int = 10
    vocabulary: int = 128
    length: int = 64
    image: int = 64
    patch: int = 4
    window: int = 4
    heads: int = 4
    depth: int = 2
    kernel: int = 3
    groups: int = 8
    reduction: int = 4
    factor: int = 2
    scale: int = 2
    stages: int = 4
    """Entries of a list whose length nothing says."""
    growing: bool = True
    """Whether the widths in a list double."""

    def of(self, role: Role | None) -> Any:
        """The value of an argument that plays ``role``; that of a width where the role is not known."""
        computed = {None: self.width, "inner": self.width * self.factor, "padding": self.kernel // 2}
        if role in computed:
            return computed[role]
        if role == "head width":
            return self.width // self.heads
        if role == "device":
            return _device()
        if role == "dtype":
            import torch

            return torch.float32
        return _FIXED[role] if role in _FIXED else getattr(self, str(role))


FIRST = Sizes()
SECOND = Sizes(
    width=96,
    input=4,
    features=40,
    classes=7,
    vocabulary=160,
    length=96,
    image=128,
    patch=8,
    heads=6,
    depth=3,
    kernel=5,
    groups=4,
    reduction=2,
    factor=3,
    scale=4,
    stages=3,
)
"""Other numbers than :data:`FIRST` in every place where more than one will do."""

WHOLE: frozenset[Role | None] = frozenset(get_args(WholeRole))
"""Roles of whole numbers."""


def role_of(name: str) -> Role | None:
    """The role that an argument called ``name`` plays; None where the name says nothing."""
    plain = _CAMEL.sub("_", name.strip("_")).lower()
    names = (plain, plain[:-1]) if plain.endswith("s") else (plain,)
    return next(
        (role for name in names for role, pattern in _COMPILED if name and pattern.fullmatch(name)), None
    )


def _device() -> Any:
    import torch

    return torch.get_default_device()
