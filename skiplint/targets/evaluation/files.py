"""Read the configuration files of a project: YAML, JSON and TOML, found as the project's code names them."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import yaml

from skiplint.targets.evaluation.containers import OmegaConf, Settings, settings
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.models.project import Project

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads plain data; of tags that would make objects, the data inside is taken."""


def _untagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        items = loader.construct_sequence(node, deep=True)
        return tuple(items) if suffix.endswith("tuple") else items
    return yaml.safe_load(node.value) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("", _untagged)
# 1e-3 is a number in YAML 1.2 and for the packages that read settings; PyYAML takes it for text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _data_of(project: Project, path: Path) -> Any:
    try:
        return copy.deepcopy(_parsed(path.suffix, project.files.text(path)))
    except KeyError as error:
        raise NotSimpleError(f"{path.name} is no file of the project") from error


@lru_cache(maxsize=512)
def _parsed(suffix: str, text: bytes) -> Any:
    try:
        if suffix == ".json":
            data = json.loads(text)
        elif suffix == ".toml":
            data = tomllib.loads(text.decode())
        else:
            data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a loader of plain data
    except (ValueError, yaml.YAMLError, RecursionError, TypeError, AttributeError) as error:
        raise NotSimpleError(f"not valid: {error}") from error
    return data


def composed(project: Project, path: Path) -> Any:
    """The content of a configuration file; for one of Hydra, the files of its list of defaults laid under it.

    Interpolations such as ``${model.dim}`` are resolved.

    Raises:
        NotSimpleError: it is not valid.
    """
    data = _composed(project, path, 0)
    return _resolved(data, data, 0)


def _composed(project: Project, path: Path, depth: int) -> Any:
    data = _data_of(project, path)
    if not isinstance(data, dict) or not isinstance(data.get("defaults"), list) or depth > 4:
        return data
    result, own = Settings(), Settings(data)
    own.pop("defaults")
    before = True
    for entry in data["defaults"]:
        for group, choice in entry.items() if isinstance(entry, dict) else [("", entry)]:
            if choice == "_self_":
                result, before = result.merged(own), False
            elif isinstance(choice, str) and not str(group).startswith("override"):
                folder = str(group).removeprefix("optional ").lstrip("/")
                place = path.parent / folder / f"{choice.removesuffix('.yaml')}.yaml"
                if place in project.files.of_kind("config"):
                    part: Any = _composed(project, place, depth + 1)
                    for key in reversed([key for key in folder.split("/") if key]):
                        part = {key: part}
                    result = result.merged(part if isinstance(part, Mapping) else {})
    return (result.merged(own) if before else result).to_dict()


def _resolved(value: Any, root: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, root, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, root, depth) for item in value]
    if isinstance(value, str) and "${" in value and depth < 8:
        whole = _INTERPOLATION.fullmatch(value)
        if whole:
            found = _at(root, whole[1])
            return value if found is None else _resolved(found, root, depth + 1)
        return _INTERPOLATION.sub(lambda match: str(_at(root, match[1]) or match[0]), value)
    return value


def _at(root: Any, place: str) -> Any:
    for key in place.split("."):
        if not isinstance(root, Mapping) or key not in root:
            return None
        root = root[key]
    return root


def project_config(project: Project, path: Path, name: str) -> Path | None:
    """The configuration file that ``name`` means in the code of the file ``path``; None without one.

    Relative to the file, to the working directory and to the project, else the only file whose path ends so.
    """
    known = project.files.of_kind("config")
    wanted = PurePath(name)
    for folder in (path.parent, Path.cwd(), project.files.root):
        if (place := (folder / wanted).resolve()) in known:
            return place
    parts = tuple(part for part in wanted.parts if part not in (".", "..", "/"))
    found = [file for file in known if parts and file.parts[-len(parts) :] == parts]
    return found[0] if len(found) == 1 else None


class OpenFile:
    """A configuration file that the project's code opens to read."""

    def __init__(self, project: Project, path: Path) -> None:
        """Open ``path``."""
        self.project, self.path = project, path

    def read(self) -> OpenFile:
        """Itself: what is read is parsed."""
        return self


def _opener(project: Project, path: Path) -> Callable[..., OpenFile]:
    def opened(name: Any, mode: str = "r", *_: Any, **__: Any) -> OpenFile:
        found = None if set(mode) & set("wax+") else project_config(project, path, str(name))
        if found is None:
            raise NotSimpleError(f"opens {name}")
        return OpenFile(project, found)

    return opened


def _loader(project: Project, path: Path) -> Callable[..., Any]:
    def load(source: Any, *_: Any, **__: Any) -> Any:
        if isinstance(source, str | PurePath):
            found = project_config(project, path, str(source))
            if found is None:
                raise NotSimpleError(f"loads {source}")
            return composed(project, found)
        if not isinstance(source, OpenFile):
            raise NotSimpleError("loads something")
        return composed(source.project, source.path)

    return load


def _omegaconf(project: Project, path: Path) -> type[OmegaConf]:
    class Loading(OmegaConf):
        @staticmethod
        def load(source: Any) -> Any:
            return settings(_loader(project, path)(source))

    return Loading


def _config(project: Project, path: Path) -> type[Settings]:
    class Config(Settings):
        @staticmethod
        def fromfile(source: Any, **_: Any) -> Any:
            return settings(_loader(project, path)(source))

    return Config


FILE_FUNCTIONS: dict[str, Callable[[Project, Path], Any]] = {
    "open": _opener,
    **dict.fromkeys(
        [
            "yaml.load",
            "yaml.safe_load",
            "yaml.full_load",
            "json.load",
            "json.loads",
            "toml.load",
            "tomllib.load",
        ],
        _loader,
    ),
    "omegaconf.OmegaConf": _omegaconf,
    "mmengine.Config": _config,
    "mmengine.config.Config": _config,
    "mmcv.Config": _config,
}
"""Functions that read files, as they read those of a project for the code of a file."""
