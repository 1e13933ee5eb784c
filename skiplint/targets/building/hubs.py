"""Models of ``transformers`` that constructors fetch by name: built without their weights."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from skiplint.targets.environment.stand_ins import NotAvailableError


@contextlib.contextmanager
def hub_models(note: Callable[[str], None]) -> Iterator[None]:
    """Inside, ``from_pretrained`` of transformers builds a model from its configuration alone.

    Args:
        note: is told what was left out.

    The configuration comes from the local cache or folder; where it is not there, the default one of the
    architecture that the name says stands for it.
    """
    with contextlib.ExitStack() as stack:
        for module, name in (
            ("transformers.modeling_utils", "PreTrainedModel"),
            ("transformers.models.auto.auto_factory", "_BaseAutoModelClass"),
        ):
            owner = getattr(sys.modules.get(module), name, None)
            if owner is not None:
                stack.callback(setattr, owner, "from_pretrained", vars(owner)["from_pretrained"])
                owner.from_pretrained = classmethod(_from_configuration(note))
        configuration = getattr(sys.modules.get("transformers.configuration_utils"), "PretrainedConfig", None)
        if configuration is not None:
            original = vars(configuration)["from_pretrained"]
            stack.callback(setattr, configuration, "from_pretrained", original)
            configuration.from_pretrained = classmethod(_local_or_default(original.__func__, note))
        yield


def _from_configuration(note: Callable[[str], None]) -> Callable[..., Any]:
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


def _local_or_default(original: Any, note: Callable[[str], None]) -> Callable[..., Any]:
    def from_pretrained(cls: Any, name: Any, **options: Any) -> Any:
        if Path(str(name)).exists():
            return original(cls, name, **options)
        try:
            return original(cls, name, **{**options, "local_files_only": True})
        except (OSError, ValueError):
            note(f"the configuration of {name} (the default of {cls.__name__} stands for it)")
            known = {key: value for key, value in options.items() if hasattr(cls(), key)}
            return cls(**known)

    return from_pretrained


def _kind_named(name: Any) -> Any:
    """The configuration class of the architecture that ``name`` contains, such as ``bert-base-uncased``."""
    from transformers import CONFIG_MAPPING

    text = re.sub(r"[^a-z0-9]+", "-", str(name).lower().rpartition("/")[2])
    kinds = [kind for kind in CONFIG_MAPPING if text.startswith(kind.replace("_", "-"))]
    if not kinds:
        raise NotAvailableError(
            f"{name} of the Hugging Face hub is used, but nothing is fetched; fetch its configuration once, "
            "with transformers.AutoConfig.from_pretrained"
        )
    return CONFIG_MAPPING[max(kinds, key=len)]
