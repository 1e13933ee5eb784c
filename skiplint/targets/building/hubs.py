"""Models of ``transformers`` that constructors fetch by name: built without their weights."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from skiplint.targets.environment.stand_ins import NotAvailableError

Note = Callable[[str], None]


@contextlib.contextmanager
def hub_models(note: Note) -> Iterator[None]:
    """Inside, ``from_pretrained`` of transformers builds a model from its configuration alone.

    Args:
        note: is told what was left out.

    The configuration comes from the local cache or folder; where it is not there, the default one of the
    architecture that the name says stands for it.
    """
    with contextlib.ExitStack() as stack:
        for owner, replaced in _owners(note):
            stack.callback(setattr, owner, "from_pretrained", vars(owner)["from_pretrained"])
            owner.from_pretrained = classmethod(replaced)
        yield


def _owners(note: Note) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """The classes of transformers that have a ``from_pretrained`` of their own, and what is in its place."""
    models = getattr(sys.modules.get("transformers.modeling_utils"), "PreTrainedModel", None)
    if models is not None:
        yield models, _from_configuration(note)
    base = getattr(sys.modules.get("transformers.models.auto.auto_factory"), "_BaseAutoModelClass", None)
    for each in [base, *base.__subclasses__()] if base is not None else []:
        if "from_pretrained" in vars(each):
            yield each, _from_configuration(note)
    plain = getattr(sys.modules.get("transformers.configuration_utils"), "PretrainedConfig", None)
    if plain is not None:
        yield plain, _local_or_default(vars(plain)["from_pretrained"].__func__, note)
    auto = getattr(sys.modules.get("transformers.models.auto.configuration_auto"), "AutoConfig", None)
    if auto is not None:
        yield auto, _local_or_named(vars(auto)["from_pretrained"].__func__)


def _from_configuration(note: Note) -> Callable[..., Any]:
    def from_pretrained(cls: Any, name: Any, *_: Any, config: Any = None, **options: Any) -> Any:
        note(f"weights of {name}")
        config = config or _configuration(cls, name)
        for key, value in options.items():
            if hasattr(config, key):
                setattr(config, key, value)
        return cls.from_config(config) if hasattr(cls, "from_config") else cls(config)

    return from_pretrained


def _configuration(cls: Any, name: Any) -> Any:
    kind = getattr(cls, "config_class", None) or _kind_named(name)
    return kind.from_pretrained(name)


def _local_or_default(original: Any, note: Note) -> Callable[..., Any]:
    def from_pretrained(cls: Any, name: Any, **options: Any) -> Any:
        if Path(str(name)).exists():
            return original(cls, name, **options)
        cached = _cached(name)
        if cached is not None:
            return original(cls, cached, **options)
        note(f"the configuration of {name} (the default of {cls.__name__} stands for it)")
        return cls(**{key: value for key, value in options.items() if hasattr(cls(), key)})

    return from_pretrained


def _local_or_named(original: Any) -> Callable[..., Any]:
    def from_pretrained(cls: Any, name: Any, **options: Any) -> Any:
        if Path(str(name)).exists():
            return original(cls, name, **options)
        return _kind_named(name).from_pretrained(name, **options)

    return from_pretrained


def _cached(name: Any) -> str | None:
    """The folder in the local cache that holds the configuration of ``name``; None where there is none."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(str(name), "config.json")
    return str(Path(found).parent) if isinstance(found, str) else None


def _kind_named(name: Any) -> Any:
    """The configuration class of the architecture that ``name`` contains, such as ``bert-base-uncased``."""
    from transformers import CONFIG_MAPPING

    text = re.sub(r"[^a-z0-9]+", "-", str(name).lower().rpartition("/")[2])
    kinds = [kind for kind in CONFIG_MAPPING if text.startswith(kind.replace("_", "-"))]
    if not kinds:
        raise NotAvailableError(
            f"{name} of the Hugging Face hub",
            "nothing is fetched; fetch its configuration once, with transformers.AutoConfig.from_pretrained",
        )
    return CONFIG_MAPPING[max(kinds, key=len)]
