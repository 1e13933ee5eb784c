"""Find choices for each parameter of forward by probes. Imported only while inputs are searched."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from skiplint.operators import Family
from skiplint.targets.inputs.annotations import open_names, shape_template
from skiplint.targets.inputs.by_name import is_graph, is_state, named_templates, target_templates
from skiplint.targets.inputs.choices import Choice, constant, several
from skiplint.targets.inputs.diagnosis import numbers, unpacked_rank
from skiplint.targets.inputs.forms import Form, last_part
from skiplint.targets.inputs.layers import Use
from skiplint.targets.inputs.probing import Probe, mark, probe
from skiplint.targets.inputs.signatures import Slot, SlotKind, kind_of
from skiplint.targets.inputs.templates import PROBES, UNKNOWN, Template, image, of_rank, templates_for

_START_SIZES = {"B": 1, "S": 224, "T": 16, "L": 1024, "V": 32, "E": 40}
_LIST_LENGTH = 5
_ROUNDS = 4
_ALTERNATIVES = 4
"""The number of templates that are tried for each part of a structure."""
_CHANNELS = re.compile(
    r"^\?(c|ch|chans?|channels?|c_?in|in_?(c|ch|channels|dim|features)|d|dim|f|feats?|features?|e|emb\w*|"
    r"n_?mels?|d_model|hidden\w*|input_(size|dim))$",
    re.IGNORECASE,
)
"""Names in written shapes for the axis that the first layer reads."""


class Survey:
    """Probes ``model`` until every tensor of ``slots`` has reached a layer, or a probe shows nothing new."""

    def __init__(
        self,
        model: nn.Module,
        slots: list[Slot],
        given: Mapping[str, Template],
        forms: Mapping[str, Form] | None = None,
    ) -> None:
        """Prepare a survey.

        Args:
            model: the model.
            slots: the parameters of forward to fill.
            given: templates that the annotations of parameters give.
            forms: what else is known of the parameters.
        """
        self._model = model
        self._slots = [_listed(slot, forms or {}) for slot in slots]
        self._given = given
        self._forms = {slot.name: _form_of(slot, forms or {}) for slot in slots}
        self._leaves = [leaf for slot in slots for leaf in self._forms[slot.name].leaves(slot.name)]
        self._device = next((p.device for p in model.parameters()), torch.device("meta"))
        self._uses: dict[str, Use] = {}
        self._ranks = {name: form.rank for name, form in self._leaves if form.rank is not None}
        self._written = {name: form.written for name, form in self._leaves}
        self._graph = is_graph([name for name, _ in self._leaves])
        self._keys: dict[str, list[str]] = {}
        self._sizes = dict(_START_SIZES)

    def run(self) -> None:
        """Make the probes."""
        for start in PROBES:
            for _ in range(_ROUNDS):
                found = self._probe(start)
                if not self._learn(found):
                    break
            if self._complete():
                return
        if self._uses:
            alike = self._probe(self._like_others()[0])
            self._uses = {**alike.uses, **self._uses}

    def choices(self, slot: Slot) -> list[Choice]:
        """Return the choices for one parameter, the likeliest first."""
        slot = next(each for each in self._slots if each.name == slot.name)
        if slot.kind == "scalar":
            return [constant(slot.scalar)]
        if slot.name in self._keys:
            return [Choice({key: self._best(f"{slot.name}[{key}]") for key in self._keys[slot.name]})]
        form = self._forms[slot.name]
        if form.kind != "tensor":
            return [*self._structures(slot.name, form), *([] if form.kind != "tuple" else self._plain(slot))]
        if slot.kind == "tensors":
            plain = [] if _says_list(slot) else self._plain(replace(slot, kind="tensor"))
            return [*self._list_choices(slot), *plain]
        return self._plain(slot)

    def _plain(self, slot: Slot) -> list[Choice]:
        """Choices of one value for a parameter."""
        found = [Choice(value) for value in self._values(slot.name, slot.kind)]
        if slot.optional and constant(None) not in found:
            found.append(constant(None))
        return found

    def _values(self, name: str, kind: SlotKind) -> list[Any]:
        """Templates and constants for one value, the likeliest first."""
        found: list[Any] = [*self._by_name(name), *self._templates(name)]
        if kind == "mask":
            shapes = (("B", "T"), ("B", 1, "T", "T"), ("T", "T"))
            return [None, *[Template(shape, "bool") for shape in shapes], *found]
        if kind == "moment":
            return [*self._moments(name), *found]
        return [None, *found] if is_state(name) and name not in self._uses else found

    def _structures(self, name: str, form: Form) -> list[Choice]:
        """Choices for a structure: the likeliest template for each part, then others one at a time."""
        options = {leaf: self._values(leaf, kind_of(last_part(leaf))) for leaf, _ in form.leaves(name)}
        for leaf, values in options.items():
            tensors = [value for value in values if value is not None]  # what is read is there
            inside = [_of_one(value) for value in tensors[:2]] if "[*]" in leaf else []
            options[leaf] = [*inside, *tensors][:_ALTERNATIVES]
        first = {leaf: values[0] for leaf, values in options.items()}
        variants = [first]
        for number in range(1, _ALTERNATIVES):
            for leaf, values in options.items():
                variants += [{**first, leaf: values[number]}] if number < len(values) else []
        return [Choice(form.built(name, chosen.__getitem__)) for chosen in variants]

    # -- probing ----------------------------------------------------------------------------------

    def _probe(self, start: Template) -> Probe:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for slot in self._slots:
            value = self._probe_value(slot, start)
            if slot.keyword:
                kwargs[slot.name] = value
            else:
                args.append(value)
        return probe(self._model, args, kwargs)

    def _probe_value(self, slot: Slot, start: Template) -> Any:
        if slot.kind == "scalar":
            return slot.scalar
        if slot.kind == "mask" and slot.name not in self._given:
            return None
        form = self._forms[slot.name]
        if form.kind != "tensor":
            return form.built(slot.name, lambda leaf: self._marked(leaf, start))
        if slot.kind == "tensors":
            return [self._marked(f"{slot.name}[{index}]", start) for index in range(_LIST_LENGTH)]
        return self._marked(slot.name, Template(("B",)) if slot.kind == "moment" else start)

    def _marked(self, name: str, start: Template) -> torch.Tensor:
        template = start
        if name in self._given:
            template = self._given[name]
        elif name in self._uses:
            template = self._best(name)
        elif named := self._by_name(name):
            template = named[0]
        elif name in self._ranks:
            template = of_rank(self._ranks[name])
        shape = template.plan(
            {**self._sizes, **{size: 16 for size in map(str, template.shape) if size[0] == "?"}}
        )
        dtype = getattr(torch, shape.dtype)
        return mark(torch.zeros(shape.shape, dtype=dtype, device=self._device), name)

    def _learn(self, found: Probe) -> bool:
        """Keep what a probe has shown, and return whether it was new."""
        before = (dict(self._uses), dict(self._ranks), dict(self._keys), dict(self._sizes))
        self._uses.update(found.uses)  # a later probe knows more of the other inputs
        for name, keys in found.keys.items():
            self._keys[name] = list(dict.fromkeys([*self._keys.get(name, []), *keys]))
        rank = unpacked_rank(found.error) if found.error is not None else None
        if rank is not None and found.last_shape is not None:
            self._ranks[found.last_shape] = max(rank - found.added, 1)
            self._uses.pop(found.last_shape, None)  # seen with the wrong rank
        self._sizes["S"] = _wanted_side(found.error, self._sizes["S"])
        return before != (self._uses, self._ranks, self._keys, self._sizes)

    def _complete(self) -> bool:
        return all(self._is_known(slot) for slot in self._slots)

    def _is_known(self, slot: Slot) -> bool:
        if slot.kind in ("scalar", "mask", "moment"):
            return True
        if self._forms[slot.name].kind != "tensor":
            return all(name in self._uses for name, _ in self._forms[slot.name].leaves(slot.name))
        return any(name == slot.name or name.startswith(f"{slot.name}[") for name in self._uses)

    # -- templates --------------------------------------------------------------------------------

    def _use(self, name: str) -> Use | None:
        """The first layer of an input; of several that are joined, the first takes what does not divide."""
        use = self._uses.get(name)
        if use is None or use.shared_by < 2 or use.channels % use.shared_by == 0:
            return use
        first = next(other for other, each in self._uses.items() if each.layer == use.layer)
        share, rest = divmod(use.channels, use.shared_by)
        return replace(use, channels=(share + (rest if name == first else 0)) * use.shared_by)

    def _templates(self, name: str) -> list[Template]:
        use = self._use(name)
        rank = self._ranks.get(name)
        if name in self._given:
            return _filled(self._given[name], templates_for(use, None) if use else [])
        found = templates_for(use, rank) if use else []
        found = list(dict.fromkeys([*self._as_written(name), *found]))
        usual = sorted(UNKNOWN, key=lambda template: rank is not None and len(template.shape) != rank)
        if not use:
            alike = self._like_others() if rank is None else []
            usual = [*alike, *(target_templates(name) if self._uses else []), *usual]
        return [*found, *[template for template in usual if template not in found][: 4 if found else None]]

    def _by_name(self, name: str) -> list[Template]:
        found = named_templates(self._model, name, self._uses.get(name), graph=self._graph)
        rank = self._ranks.get(name)
        if rank is None or not found:
            return found
        fitting = [template for template in found if len(template.shape) == rank]
        if fitting or found[0].dtype != "int64":
            return fitting
        return [replace(found[0], shape=("B", *["T"] * (rank - 1)))]  # integers, in the rank that is unpacked

    def _as_written(self, name: str) -> list[Template]:
        """The shapes that the source gives for an input, with what is known of its first layer."""
        use, found = self._use(name), []
        for text in self._written.get(name, ()):
            template = shape_template(text, use.dtype if use else "float32", {}, f'written as "{text}"')
            alike = templates_for(use, len(template.shape)) if use else []
            if use is not None and use.kind is not Family.EMBEDDING and not use.reshaped:
                named = [str(size) for size in template.shape if _CHANNELS.match(str(size))]
                channels = max(use.channels // use.shared_by, 1)
                found += [_fill(template, dict.fromkeys(named[-1:], channels))] if named else []
            found += _filled(template, alike)
        complete = [each for each in found if not open_names(each)]
        return list(dict.fromkeys(complete))[:_ALTERNATIVES]

    def _best(self, name: str) -> Template:
        return self._templates(name)[0]

    def _like_others(self) -> list[Template]:
        """Another input's template: an input without a layer is often added to, or compared with, another."""
        return [templates_for(use, None)[0] for use in self._uses.values()][:1]

    def _moments(self, name: str) -> list[Template]:
        use = self._uses.get(name)
        if use is not None and use.kind is Family.EMBEDDING:
            return [Template(("B",), "int64", use.channels, "a time step")]
        shapes = (Template(("B",), "int64", 1000, "a time step"), Template(("B",), why="a time"))
        return [*shapes, Template(("B", 1), why="a time")]

    def _list_choices(self, slot: Slot) -> list[Choice]:
        names = [f"{slot.name}[{index}]" for index in range(_LIST_LENGTH)]
        used = [name for name in names if name in self._uses]
        pictures = several([Template((3, "S", "S"), why="a list of images of any size")])
        features = [several([self._best(name) for name in used])] if used else []
        usual = [several([image()] * count) for count in (2, 3, 4, 5, 1)]
        return [*features, pictures, *usual] if len(used) > 1 else [pictures, *features, *usual]


def _form_of(slot: Slot, forms: Mapping[str, Form]) -> Form:
    """The form of a parameter; a list of tensors is a kind of parameter of its own."""
    form = forms.get(slot.name, Form())
    if slot.kind == "scalar" or _is_list(form) or (slot.is_tensor and form.kind != "tensor"):
        return Form()
    return form


def _listed(slot: Slot, forms: Mapping[str, Form]) -> Slot:
    """The parameter, as one that takes tensors where forward loops over it."""
    loops = _is_list(forms.get(slot.name, Form())) and slot.kind == "tensor" and not slot.is_tensor
    return replace(slot, kind="tensors") if loops else slot


def _of_one(template: Template) -> Template:
    """The template of one item of a batch that is given as a list."""
    batched = len(template.shape) > 2 and template.shape[0] == "B"
    return replace(template, shape=template.shape[1:]) if batched else template


def _is_list(form: Form) -> bool:
    return form.kind == "list" and form.parts[0][1].kind == "tensor"


def _says_list(slot: Slot) -> bool:
    return slot.annotation is not None and slot.annotation is not inspect.Parameter.empty


def _wanted_side(error: BaseException | None, side: int) -> int:
    """The side that a check in forward names, as in ``Input height (224) doesn't match model (32)``."""
    named = numbers(error) if isinstance(error, AssertionError | ValueError) else []
    others = [number for number in named if number != side]
    return others[0] if side in named and others and len(set(others)) == 1 else side


def _filled(given: Template, alike: list[Template]) -> list[Template]:
    """Templates from an annotation, with its open names set from what the layer takes."""
    names = [size for size in given.shape if isinstance(size, str) and size.startswith("?")]
    if not names:
        return [_with_dtype(given, alike)]
    found = []
    for other in [template for template in alike if len(template.shape) == len(given.shape)]:
        values = {
            str(mine): theirs if isinstance(theirs, int) else 16
            for mine, theirs in zip(given.shape, other.shape, strict=True)
            if str(mine).startswith("?")
        }
        found.append(_fill(given, values))
    found += [_fill(given, dict.fromkeys(names, guess)) for guess in (3, 1, 16, 64)]
    return [_with_dtype(template, alike) for template in dict.fromkeys(found)]


def _fill(given: Template, values: Mapping[str, int]) -> Template:
    shape = tuple(values.get(str(size), size) for size in given.shape)
    return Template(shape, given.dtype, given.high, given.why)


def _with_dtype(template: Template, alike: list[Template]) -> Template:
    """The template with the number of rows of the table that its integers index."""
    if template.dtype != "int64":
        return template
    high = next((other.high for other in alike if other.high is not None), None)
    return Template(template.shape, template.dtype, high, template.why)
