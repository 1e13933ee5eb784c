"""Stand-ins for the containers of settings that projects use, whichever package each comes from."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


class Settings(dict[str, Any]):
    """A dictionary whose items are attributes too, as in EasyDict, ConfigDict, DictConfig and CfgNode."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what ``dict`` takes; mappings inside are made settings as well."""
        first = args[:1] if args and isinstance(args[0], Mapping | list | tuple) else ()
        super().__init__({key: settings(value) for key, value in dict(*first, **kwargs).items()})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, settings(value))

    def __deepcopy__(self, memo: dict[int, Any]) -> Settings:
        return Settings({key: copy.deepcopy(value, memo) for key, value in self.items()})

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As ``dict.update``."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def merged(self, other: Mapping[str, Any]) -> Settings:
        """A copy with the items of ``other`` laid over it, nested ones item by item."""
        result = copy.deepcopy(self)
        for key, value in other.items():
            below = result.get(key)
            if isinstance(below, Settings) and isinstance(value, Mapping):
                result[key] = below.merged(value)
            else:
                result[key] = value
        return result

    # What the packages add; nothing is ever locked here.

    def clone(self) -> Settings:
        """A deep copy."""
        return copy.deepcopy(self)

    copy_and_resolve_references = clone

    def to_dict(self) -> dict[str, Any]:
        """As plain dictionaries."""
        return {key: value.to_dict() if isinstance(value, Settings) else value for key, value in self.items()}

    def freeze(self, *_: Any) -> None:
        """Do nothing."""

    defrost = lock = unlock = set_new_allowed = freeze

    def unlocked(self) -> Settings:
        """Itself."""
        return self


def settings(value: Any) -> Any:
    """``value`` with plain dictionaries in it, at any depth, made :class:`Settings`."""
    if type(value) is dict:
        return Settings(value) if all(isinstance(key, str) for key in value) else value
    if type(value) is list or type(value) is tuple:
        return type(value)(settings(item) for item in value)
    return value


class OmegaConf:
    """The functions of ``omegaconf.OmegaConf`` that make and combine settings."""

    @staticmethod
    def create(value: Any = None) -> Any:
        """Settings of a dictionary; a list stays one."""
        return settings(dict(value) if isinstance(value, Mapping) else value or {})

    @staticmethod
    def merge(*parts: Any) -> Settings:
        """The parts laid over each other."""
        result = Settings()
        for part in parts:
            result = result.merged(part if isinstance(part, Mapping) else vars(part))
        return result

    @staticmethod
    def to_container(value: Any, **_: Any) -> Any:
        """As plain dictionaries."""
        return value.to_dict() if isinstance(value, Settings) else value

    to_object = to_container

    @staticmethod
    def structured(value: Any) -> Settings:
        """The fields of a dataclass, or of an instance of one."""
        made = value() if isinstance(value, type) else value
        return Settings(vars(made))

    @staticmethod
    def resolve(*_: Any) -> None:
        """Do nothing: interpolations are resolved as a file is read."""

    set_struct = set_readonly = resolve
