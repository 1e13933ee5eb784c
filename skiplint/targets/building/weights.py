"""Leave out weights that constructors load, which do not matter for the structure of a model.

``resnet50(pretrained=True)`` inside a constructor, a backbone whose weights are loaded by default or a
checkpoint would otherwise be fetched or read, or fail where they are not there. A constructor that looks into
a checkpoint fails here, and is then run with the files that are there. This module is only imported while a
model is built.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from skiplint.sources.owners import owner
from skiplint.targets.building.hubs import hub_models
from skiplint.targets.environment.stand_ins import NotAvailableError

Note = Callable[[str], None]


class AbsentWeights(dict[str, Any]):
    """A state dictionary that was not loaded; loading it changes nothing."""

    def __missing__(self, key: str) -> AbsentWeights:
        return AbsentWeights()

    def state_dict(self) -> AbsentWeights:
        """Itself: a checkpoint may be a whole model."""
        return self


class AbsentFile(str):
    """The path of a file of weights that was not fetched."""

    __slots__ = ()


@contextlib.contextmanager
def weights_left_out(notes: list[str], *, files: bool = True) -> Iterator[None]:
    """Inside, no function fetches weights, and with ``files`` none reads them from a file.

    Args:
        notes: gets what is left out, one line each.
        files: leave out what is in files too.
    """

    def note(what: str) -> None:
        if f"{what} left out" not in notes:
            notes.append(f"{what} left out")

    replacements = list(_replacements(note, files=files))
    load_state_dict = nn.Module.load_state_dict
    _swap(replacements)
    nn.Module.load_state_dict = _tolerant(load_state_dict)  # type: ignore[method-assign]
    try:
        with hub_models(note):
            yield
    finally:
        nn.Module.load_state_dict = load_state_dict  # type: ignore[method-assign]
        # Also where a module was imported meanwhile.
        _swap([(name, stand_in, original) for name, original, stand_in in replacements])


def _replacements(note: Note, *, files: bool) -> Iterator[tuple[str, Any, Any]]:
    """(name, function, stand-in) of every function that fetches or reads weights and is already imported."""
    for module, name, what, stand_in in (
        ("torch.hub", "load_state_dict_from_url", "weights from {}", AbsentWeights),
        ("huggingface_hub", "hf_hub_download", "a file of {}", lambda: AbsentFile("absent")),
        ("huggingface_hub", "snapshot_download", "the files of {}", lambda: AbsentFile("absent")),
        ("timm.models._builder", "load_pretrained", "pretrained weights of timm", lambda: None),
        ("timm.models._builder", "load_custom_pretrained", "pretrained weights of timm", lambda: None),
    ):
        original = getattr(sys.modules.get(module), name, None)
        if original is not None:
            yield name, original, _LeftOut(note, what, stand_in)
    for module, name in (("torch", "load"), ("safetensors.torch", "load_file")):
        original = getattr(sys.modules.get(module), name, None)
        if original is not None:
            yield name, original, _unless_absent(original, note, files=files)
    hub = sys.modules.get("torch.hub")
    if hub is not None:
        yield "load", hub.load, _local_only(hub.load)


class _LeftOut:
    """A function of any arguments that fetches nothing, notes what, and gives a stand-in."""

    def __init__(self, note: Note, what: str, make: Callable[[], Any]) -> None:
        self._note = note
        self._what = what
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        source = next(iter((*args, *kwargs.values())), "a hub")
        self._note(self._what.format(source))
        return self._make()


def _swap(pairs: list[tuple[str, Any, Any]]) -> None:
    """Put other functions in place of some, wherever those were imported to; each pair has its name first.

    In the user's modules they may have another name.
    """
    others = {id(old): new for _, old, new in pairs}
    for module in list(sys.modules.values()):
        with contextlib.suppress(AttributeError, TypeError):  # not everything in sys.modules is a module
            known = vars(module)
            for name, old, new in pairs:
                if known.get(name) is old:
                    setattr(module, name, new)
            if module.__name__ == "torch.utils.model_zoo" or owner(known.get("__file__") or "<>") == "user":
                for name in [name for name, value in known.items() if id(value) in others]:
                    setattr(module, name, others[id(known[name])])


def _unless_absent(original: Any, note: Note, *, files: bool) -> Any:
    def load(*args: Any, **kwargs: Any) -> Any:
        source = args[0] if args else next(iter(kwargs.values()), "")
        if isinstance(source, AbsentFile):
            return AbsentWeights()
        if files and owner(sys._getframe(1).f_code.co_filename) != "torch":  # which loads programs with it
            note(f"weights of {getattr(source, 'name', source)}")
            return AbsentWeights()
        return original(*args, **{**kwargs, "map_location": "cpu"} if "map_location" in kwargs else kwargs)

    return load


def _local_only(original: Any) -> Any:
    def load(repository: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("source") == "local":
            return original(repository, model, *args, **kwargs)
        raise NotAvailableError(
            f"{model} of torch.hub ({repository})", "nothing is fetched; build it from its package"
        )

    return load


def _tolerant(original: Any) -> Any:
    def load_state_dict(self: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        # An empty one is what a constructor makes of the absent one, entry by entry.
        if isinstance(state_dict, AbsentWeights) or not state_dict:
            return nn.modules.module._IncompatibleKeys([], [])
        return original(self, state_dict, *args, **kwargs)

    return load_state_dict
