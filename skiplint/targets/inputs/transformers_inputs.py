"""Inputs for models of the transformers library, from their configuration and the parameters of forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skiplint.targets.inputs.signatures import forward_parameters
from skiplint.targets.inputs.tensors import TensorPlan
from skiplint.targets.records import Arguments

if TYPE_CHECKING:
    from torch import Tensor, nn

_TOKENS = 16


def transformers_arguments(model: nn.Module) -> Iterator[tuple[str, Arguments]]:
    """Yield inputs with reasons for a PreTrainedModel, the likeliest first; none for any other model."""
    if not any(base.__name__ == "PreTrainedModel" for base in type(model).__mro__):
        return
    maker = _Maker(model)
    extras = maker.extras()
    for why, main in maker.mains():
        yield why, ((), {**main, **extras})
    dummy = getattr(model, "dummy_inputs", None)
    if isinstance(dummy, dict):
        yield (
            "its dummy_inputs",
            ((), {name: value for name, value in dummy.items() if name in maker.accepted}),
        )


@dataclass(frozen=True)
class _Maker:
    model: Any

    @cached_property
    def accepted(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in forward_parameters(self.model))

    @property
    def _config(self) -> Any:
        return self.model.config

    def extras(self) -> dict[str, Any]:
        """Arguments that are passed with every input: the decoder's tokens, and no cache."""
        found: dict[str, Any] = {}
        if getattr(self._config, "is_encoder_decoder", False) and "decoder_input_ids" in self.accepted:
            found["decoder_input_ids"] = self._tokens(seed=1)
        if "use_cache" in self.accepted:
            found["use_cache"] = False
        return found

    def mains(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The main input alone, and then together with a second one, for models of several modalities."""
        main = getattr(self.model, "main_input_name", "input_ids")
        names = [name for name in (main, *_MAKERS) if name in self.accepted]
        names = list(dict.fromkeys(names))
        if not names:
            return
        required = self._required()
        if {"input_ids", "pixel_values"} <= set(names):  # both, so that both towers are seen
            for image in self._values("pixel_values"):
                both = {"input_ids": self._tokens(), "pixel_values": image}
                yield "its configuration and its inputs input_ids and pixel_values", {**required, **both}
        for first in names:
            for value in self._values(first):
                together = {first: value, **{name: made for name, made in required.items() if name != first}}
                yield f"its configuration and its input {first}", together
                for second in (name for name in names if name != first):
                    for other in self._values(second):
                        yield (
                            f"its configuration and its inputs {first} and {second}",
                            {**together, second: other},
                        )

    def _required(self) -> dict[str, Any]:
        """Values for parameters of forward that have no default."""
        found = {}
        for parameter in forward_parameters(self.model):
            if parameter.default is parameter.empty and parameter.name in _MAKERS:
                value = next(iter(self._values(parameter.name)), None)
                if value is not None:
                    found[parameter.name] = value
        return found

    def _values(self, name: str) -> Iterator[Tensor]:
        maker = _MAKERS.get(name)
        if maker is not None:
            yield from maker(self)

    # -- one method for each kind of input --------------------------------------------------------

    def _tokens(self, seed: int = 0) -> Tensor:
        vocabulary = self._setting("vocab_size", default=100)
        # The lowest numbers are special tokens (padding, image placeholders) in most vocabularies.
        low = min(10, vocabulary - 1)
        shape = (1, 2, _TOKENS) if "MultipleChoice" in type(self.model).__name__ else (1, _TOKENS)
        return TensorPlan(shape, "int64", low, max(vocabulary // 2, low + 1)).make(seed)

    def _token_values(self) -> Iterator[Tensor]:
        yield self._tokens()

    def _images(self) -> Iterator[Tensor]:
        channels = self._setting("num_channels", "in_channels", "in_chans", default=3)
        sizes = self._sizes()
        frames = self._setting("num_frames", default=0)
        for height, width in sizes:
            if frames:
                yield TensorPlan((1, frames, channels, height, width)).make()
            yield TensorPlan((1, channels, height, width)).make()

    def _sizes(self) -> list[tuple[int, int]]:
        size = self._raw("image_size", "input_size", "img_size", "crop_size")
        if isinstance(size, dict):
            size = (size.get("height", 224), size.get("width", 224))
        if isinstance(size, int):
            size = (size, size)
        known = [tuple(size)] if isinstance(size, list | tuple) and len(size) == 2 else []
        return [*known, (224, 224), (64, 64), (512, 512)]

    def _waveforms(self) -> Iterator[Tensor]:
        bins, frames = self._raw("num_mel_bins"), self._raw("max_length")
        if isinstance(bins, int) and isinstance(frames, int):
            yield TensorPlan((1, frames, bins)).make()  # spectrograms, as AST takes
        yield TensorPlan((1, 16000)).make()
        yield TensorPlan((1, 1, 16000)).make()
        if isinstance(bins, int):
            yield TensorPlan((1, 64, bins)).make()

    def _features(self) -> Iterator[Tensor]:
        bins = self._setting(
            "num_mel_bins",
            "feature_size",
            "input_feat_per_channel",
            "feature_projection_input_dim",
            default=80,
        )
        positions = self._raw("max_source_positions")
        if isinstance(positions, int):
            yield TensorPlan((1, bins, 2 * positions)).make()  # Whisper
        yield TensorPlan((1, 64, bins)).make()
        yield TensorPlan((1, bins, 64)).make()

    def _boxes(self) -> Iterator[Tensor]:
        yield TensorPlan((1, _TOKENS, 4), "int64", 0, 2).make()

    def _series(self) -> Iterator[Tensor]:
        length = self._setting("context_length", default=32)
        lags = self._raw("lags_sequence")
        length += max(lags) if isinstance(lags, list) and lags else 0
        yield TensorPlan((1, length, self._setting("num_input_channels", "input_size", default=1))).make()

    def _vectors(self) -> Iterator[Tensor]:
        yield TensorPlan((1, _TOKENS, self._setting("d_model", "hidden_size", default=64))).make()

    def _setting(self, *names: str, default: int) -> int:
        value = self._raw(*names)
        return value if isinstance(value, int) else default

    def _raw(self, *names: str) -> Any:
        """The first of ``names`` that the configuration, or one of its parts, has."""
        for config in _with_parts(self._config):
            for name in names:
                value = getattr(config, name, None)
                if value is not None:
                    return value
        return None


def _with_parts(config: Any) -> list[Any]:
    parts = [config]
    for name in ("text_config", "vision_config", "audio_config", "encoder", "decoder", "backbone_config"):
        part = getattr(config, name, None)
        if part is not None and hasattr(part, "to_dict"):
            parts.append(part)
    return parts


_MAKERS: dict[str, Callable[[_Maker], Iterator[Any]]] = {
    "input_ids": _Maker._token_values,
    "pixel_values": _Maker._images,
    "input_values": _Maker._waveforms,
    "input_features": _Maker._features,
    "pixel_values_videos": _Maker._images,
    "bbox": _Maker._boxes,
    "past_values": _Maker._series,
    "inputs": _Maker._vectors,
}
