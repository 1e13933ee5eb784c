"""What is known of torch's functions by name stands in ``skiplint/operators`` and nowhere else.

A sweep over the syntax of all other modules: none compares with, looks up or lists the name of a torch
function. Docstrings, messages and the examples of rules are no such places.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from skiplint.operators import OPS
from skiplint.operators.names import base_name, recorded_name

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("skiplint", "rules")
    for path in (ROOT / folder).rglob("*.py")
    if not path.is_relative_to(ROOT / "skiplint" / "operators")
)
NAMES = {spelling for op in OPS for spelling in op.spellings} | {
    name
    for namespace in (torch, torch.Tensor, torch.nn.functional, torch._C._nn)
    for name in dir(namespace)
    if name.islower() and callable(getattr(namespace, name, None)) and not name.startswith("__")
}
ENGLISH = set(
    "alias align all and any bool copy data device dim dot double dtype empty fill float full half index int "
    "inner is_tensor kind long max mean min mode name new norm normal not or outer pad parameter power "
    "random range real repeat save seed select set shape short size slice sort split stack sum t tensor to "
    "trace triplet type unique update value values view where xor zero layout backward classes default "
    "diff register hash has_torch_function cpu cuda load compile matmul special export fold join overrides "
    "functional linear attention embedding histogram numpy complex H T B compile add_module".split()
)
"""Names that are words as well: they count only where something that is called a name is asked for them."""

DESCRIPTORS = ("__get__", "__set__", "__delete__", "__len__")
LOOK_UPS = ("startswith", "endswith", "named", "removeprefix", "removesuffix", "get")

REASONS: dict[tuple[str, str], str] = {
    ("rules/impeded_identity.py", "self.options.allow"): "the user names functions in the option `allow`",
    ("skiplint/reporting/record.py", "extra_json_schema"): "keywords of JSON Schema",
    ("skiplint/graph.py", "operation.base_name == name"): "part of the public graph: users ask by name",
    ("skiplint/targets/arguments/ideas.py", '"activation": ('): "values of a parameter of the user's",
    ("skiplint/targets/arguments/making.py", "inner.role in ("): "what a parameter of the user's means",
    ("skiplint/targets/arguments/modules.py", 'role == "norm"'): "names of parameters and of attributes",
    ("skiplint/targets/arguments/modules.py", '"linear" in name'): "names of parameters and of attributes",
    ("skiplint/targets/arguments/repairs.py", "_OF_TENSORS ="): "attributes that the user's code reads",
    ("skiplint/targets/arguments/roles.py", "Role = Literal["): "what a parameter of the user's means",
    ("skiplint/targets/arguments/uses.py", "known in ("): "Python's own functions",
    ("skiplint/targets/arguments/uses.py", 'known in ("int"'): "Python's own functions",
    ("skiplint/targets/environment/stand_ins.py", "for _name in ("): "Python's own operators",
    ("skiplint/targets/environment/stand_ins.py", '"lt le gt'): "Python's own operators",
    ("skiplint/targets/evaluation/calls.py", "inner.name in ("): "Python's own methods",
    ("skiplint/targets/evaluation/expressions.py", "cuda cpu eval train"): "calls in the user's source code",
    ("skiplint/targets/evaluation/expressions.py", 'name == "to"'): "calls in the user's source code",
    ("skiplint/targets/evaluation/expressions.py", 'name == "device"'): "calls in the user's source code",
    ("skiplint/targets/inputs/reading.py", "to cuda cpu float"): "calls in the user's source code",
    ("skiplint/targets/models/composition.py", "_MOVING ="): "calls in the user's source code",
    ("skiplint/targets/models/losses.py", "_REDUCTIONS ="): "calls in the user's source code",
    ("skiplint/targets/models/demo.py", '"compile"'): "calls in the user's source code",
    ("skiplint/targets/models/demo.py", "to cuda cpu eval"): "calls in the user's source code",
    ("skiplint/tracing/recording/composites.py", "is_check"): "functions that torch calls in its own bodies",
    ("skiplint/tracing/execution/errors.py", "_ASSERTING"): "frames of a traceback",
}
"""Places that may name a function: the module and a part of the line, with the reason."""


def is_function(word: object, *, sure: bool = False) -> bool:
    """Whether a literal is the name of a torch function (``sure``: and no English word)."""
    if not isinstance(word, str) or not word.isidentifier() or word in DESCRIPTORS:
        return False
    name = base_name(recorded_name(word))
    return name in NAMES and not (sure and name in ENGLISH)


def constants(node: ast.AST) -> list[object]:
    """The literals that ``node`` is or lists."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [each.value for each in node.elts if isinstance(each, ast.Constant)]
    return []


def asks_for_a_name(node: ast.AST) -> bool:
    """Whether an expression is a function's name: ``operation.name``, ``base_name``, ``func.__name__``."""
    if isinstance(node, ast.Call):
        return asks_for_a_name(node.func) or any(map(asks_for_a_name, node.args))
    word = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return word in ("name", "base_name", "__name__", "function_name", "callee", "named")


def lists_functions(words: list[object]) -> bool:
    """Whether most of a list of two or more are torch functions, and one is no English word."""
    known = [word for word in words if is_function(word)]
    return len(known) >= 2 and 2 * len(known) > len(words) and any(is_function(w, sure=True) for w in known)


def only_functions(words: list[object]) -> bool:
    """Whether all words of a list are torch functions, and no English words."""
    return bool(words) and all(is_function(word, sure=True) for word in words)


def holds_arguments(node: ast.AST) -> bool:
    """Whether an expression is a mapping of arguments, whose keys are no functions."""
    word = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return word in ("kwargs", "settings", "bound", "arguments", "given")


def exempt(tree: ast.Module) -> set[int]:
    """The ids of docstrings, and of what is only shown."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Raise, ast.JoinedStr)):
            found.update(map(id, ast.walk(node)))
    return found


def compared(node: ast.AST) -> Iterator[tuple[ast.AST, list[object]]]:
    """What is asked, and the literals with which it is compared or under which it is looked up."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for side in sides:
            for other in sides:
                if other is not side:
                    yield side, constants(other)
    elif isinstance(node, ast.Subscript):
        yield node.value, constants(node.slice)
    elif isinstance(node, ast.Match):
        patterns = [each for case in node.cases for each in ast.walk(case.pattern)]
        yield node.subject, [w for p in patterns if isinstance(p, ast.MatchValue) for w in constants(p.value)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOK_UPS:
        asked = node.func if node.func.attr == "named" else node.func.value
        for argument in node.args[:1]:
            yield asked, constants(argument)


def listed(node: ast.AST) -> list[object]:
    """The words of a literal collection, of the keys of a table, or of ``"...".split()``."""
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        return constants(node)
    if isinstance(node, ast.Dict):
        return [key for each in node.keys if each is not None for key in constants(each)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
        return [word for each in constants(node.func.value) for word in str(each).split()]
    return []


def decides_by_base_name(node: ast.AST) -> bool:
    """Whether it compares the name of a call with anything but that of another call."""
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
    names = [isinstance(side, ast.Attribute) and side.attr == "base_name" for side in sides]
    return any(names) and not all(names)


def violations(source: str) -> Iterator[tuple[int, str]]:
    """The lines of a module that know a function by its name, with what they know."""
    tree = ast.parse(source)
    skipped = exempt(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        line = getattr(node, "lineno", 0)
        for asked, words in compared(node):
            found = [word for word in words if is_function(word, sure=not asks_for_a_name(asked))]
            if found and not holds_arguments(asked):
                yield line, f"asks for {found}"
        words = listed(node)
        if lists_functions(words) or (isinstance(node, ast.Dict) and only_functions(words)):
            yield line, f"lists {words[:3]}"
        if decides_by_base_name(node):
            yield line, "decides by base_name"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_knows_a_function_by_its_name(path):
    source, place = path.read_text(), str(path.relative_to(ROOT))
    lines = source.splitlines()
    found = [
        f"{place}:{line}: {what}: {lines[line - 1].strip()}"
        for line, what in sorted(set(violations(source)))
        if not any(where == place and part in lines[line - 1] for where, part in REASONS)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("place", "part"), REASONS)
def test_every_exception_is_needed(place, part):
    lines = (ROOT / place).read_text().splitlines()
    assert any(part in lines[line - 1] for line, _ in violations("\n".join(lines)))


@pytest.mark.parametrize(
    "code",
    [
        "operation.base_name == 'add'",
        "name in {'relu', 'gelu'}",
        "NAMES = frozenset('relu gelu silu'.split())",
        "TABLE = {'conv2d': 1, 'linear': 2}",
        "name.startswith(('conv', 'conv2d'))",
        "graph.named('embedding')",
        "operation.base_name in JOINS",
        "TABLE.get('conv2d')",
        "match operation.name:\n    case 'sum':\n        pass",
        "pair = ('max_pool2d', 'avg_pool2d')",
    ],
)
def test_the_sweep_sees_every_way_to_know_one(code):
    assert list(violations(code))


@pytest.mark.parametrize(
    "code",
    [
        "'''Adds, as torch.add does.'''",
        "raise ValueError('conv2d' if name == 'conv2d' else name)",
        "message = f'{operation.base_name} adds'",
        "one.base_name == other.base_name",
        "operation.kind == 'parameter'",
        "operation.setting('stride')",
        "kwargs['size']",
    ],
)
def test_the_sweep_leaves_the_rest_alone(code):
    assert not list(violations(code))
