"""What a parameter of a function, or an attribute of ``self``, is, as the rest of the project shows it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from typing import Any

from skiplint.targets.evaluation.containers import Settings
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.evaluation.files import composed, project_config
from skiplint.targets.evaluation.frames import Frame, parameters_of
from skiplint.targets.evaluation.functions import Function
from skiplint.targets.evaluation.reading import Instance, Reading
from skiplint.targets.models.syntax import FileSyntax

_MOST_CALLERS = 12


class ProjectReading(Reading):
    """An evaluation that asks the rest of the project for what is passed to the code around a call."""

    def parameter(self, frame: Frame, name: str) -> Any:
        """The value of a parameter in a function that is not called here: a default, or what callers pass."""
        with self.asking(frame.node, name):
            return _parameter(self, frame, name)

    def instance_attribute(self, instance: Instance, name: str) -> Any:
        """An attribute of ``self`` in a method that is not called here: what the class assigns to it."""
        with self.asking(instance.node, f"self.{name}"):
            return _instance_attribute(self, instance, name)


def _parameter(reading: Reading, frame: Frame, name: str) -> Any:
    """The value of a parameter of the function of ``frame``.

    That of a parametrised test or of a fixture, its default, or what a caller in the project passes.

    Raises:
        NotSimpleError: there is none, or it is unknown.
    """
    node = frame.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        raise NotSimpleError(f"{name} is a parameter")
    first = [each.arg for each in [*node.args.posonlyargs, *node.args.args]][:1]
    if frame.owner is not None and first == [name] and frame.parent is not None:
        return Instance(frame.parent, frame.owner)
    for source in (_parametrised, _option, _hydra, _default, _fixture, _called):
        try:
            return source(reading, frame, node, name)
        except NotSimpleError:
            continue
    raise NotSimpleError(f"nothing says what {name} is")


def _decorations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, ast.Call]]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call):
            yield ast.unparse(mark.func), mark


def _parametrised(reading: Reading, frame: Frame, node: Any, name: str) -> Any:
    """From ``@pytest.mark.parametrize("dim, depth", [(32, 2), (64, 4)])``, also that of the class."""
    marks = list(_decorations(node))
    if frame.owner is not None:
        marks += [(ast.unparse(m.func), m) for m in frame.owner.decorator_list if isinstance(m, ast.Call)]
    for function, call in marks:
        if not function.endswith(("parametrize", "parameterized.expand")) or len(call.args) < 2:
            continue
        outside = frame.parent or frame
        names = outside.evaluator.evaluate(call.args[0])
        names = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
        if name in names and isinstance(call.args[1], ast.List | ast.Tuple) and call.args[1].elts:
            chosen = reading.picked(call.args[1].elts)
            if isinstance(chosen, ast.Call) and ast.unparse(chosen.func).endswith("param"):
                chosen = ast.Tuple(chosen.args, ast.Load()) if len(names) > 1 else chosen.args[0]
            value = outside.evaluator.evaluate(chosen)
            return value[names.index(name)] if len(names) > 1 else value
        if name in names:
            value = reading.picked(list(outside.evaluator.evaluate(call.args[1])))
            return value[names.index(name)] if len(names) > 1 else value
    raise NotSimpleError(f"{name} is not parametrised")


def _option(_: Reading, frame: Frame, node: Any, name: str) -> Any:
    """From ``@click.option("--dim", default=64)``."""
    for function, call in _decorations(node):
        if not function.rpartition(".")[2].startswith("option"):
            continue
        flags = [
            arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if name in [flag.split("/")[0].lstrip("-").replace("-", "_") for flag in flags]:
            for keyword in call.keywords:
                if keyword.arg == "default" and frame.parent is not None:
                    return frame.parent.evaluator.evaluate(keyword.value)
    raise NotSimpleError(f"{name} is no option")


def _hydra(reading: Reading, frame: Frame, node: Any, name: str) -> Any:
    """From ``@hydra.main(config_path="conf", config_name="config")``: the file, with its list of defaults."""
    for function, call in _decorations(node):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if function == "hydra.main" and "config_name" in given and frame.parent is not None:
            evaluate = frame.parent.evaluator.evaluate
            folder = evaluate(given["config_path"]) if "config_path" in given else "."
            name = str(evaluate(given["config_name"])).removesuffix(".yaml") + ".yaml"
            path = project_config(reading.project, frame.file.path, f"{folder or '.'}/{name}")
            if path is not None:
                return Settings(composed(reading.project, path))
    raise NotSimpleError(f"{name} is not from hydra")


def _default(_: Reading, frame: Frame, node: Any, name: str) -> Any:
    default = parameters_of(node).get(name)
    if default is None or (isinstance(default, ast.Constant) and default.value is None):
        raise NotSimpleError(f"{name} has no default")
    return (frame.parent or frame).evaluator.evaluate(default)


def _fixture(reading: Reading, frame: Frame, _: Any, name: str) -> Any:
    """What a pytest fixture of that name gives, in the file or in a conftest above it."""
    files = [frame.file]
    for path in reading.project.files.mentioning(name, "python"):
        if path.name == "conftest.py" and path.parent in frame.file.path.parents:
            files += [syntax for syntax in [reading.project.syntax(path)] if syntax is not None]
    for file in files:
        found = file.functions.get(name)
        if found is not None and any("fixture" in ast.unparse(mark) for mark in found.decorator_list):
            return Function(reading.module(file), found)()
    raise NotSimpleError(f"{name} is no fixture")


def _called(reading: Reading, frame: Frame, node: Any, name: str) -> Any:
    """What a call of the function passes: in its own file first."""
    called = frame.owner.name if frame.owner is not None and node.name == "__init__" else node.name
    names = [each.arg for each in [*node.args.posonlyargs, *node.args.args]]
    if frame.owner is not None and not any("static" in ast.unparse(mark) for mark in node.decorator_list):
        names = names[1:]
    for file, call in islice(_calls_of(reading, frame.file, called), _MOST_CALLERS):
        passed = [keyword.value for keyword in call.keywords if keyword.arg == name]
        if name in names and names.index(name) < len(call.args):
            passed.append(call.args[names.index(name)])
        spread = [keyword.value for keyword in call.keywords if keyword.arg is None]
        try:
            place = reading.at(file, call)
            if passed and not isinstance(passed[0], ast.Starred):
                return place.evaluator.evaluate(passed[0])
            for mapping in spread:
                found = place.evaluator.evaluate(mapping)
                if name in found:
                    return found[name]
        except NotSimpleError:
            continue
    default = parameters_of(node).get(name)
    if default is not None:
        return None  # The only default that is not taken before.
    raise NotSimpleError(f"no call says what {name} is")


def _calls_of(reading: Reading, home: FileSyntax, name: str) -> Iterator[tuple[FileSyntax, ast.Call]]:
    others = (file for file in reading.project.mentioning(name) if file.path != home.path)
    for number, file in enumerate([home, *islice(others, _MOST_CALLERS)]):
        if number and home.path.stem not in file.modules and not _imports(file, name):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Call):
                last = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                if last == name:
                    yield file, node


def _imports(file: FileSyntax, name: str) -> bool:
    return name in file.imports


def _instance_attribute(reading: Reading, instance: Instance, name: str) -> Any:
    """What a method of the class assigns to ``self.name``, its first method first; else a class attribute.

    Raises:
        NotSimpleError: nothing does, or it is unknown.
    """
    methods = [node for node in instance.node.body if isinstance(node, ast.FunctionDef)]
    for method in sorted(methods, key=lambda node: node.name != "__init__"):
        me = method.args.args[0].arg if method.args.args else ""
        for node in ast.walk(method):
            if isinstance(node, ast.Assign) and any(_is_attribute(t, me, name) for t in node.targets):
                try:
                    return reading.at(instance.frame.file, node).evaluator.evaluate(node.value)
                except NotSimpleError:
                    continue
            saves = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "save_hyperparameters"
            if saves and name == "hparams":
                return _hyperparameters(reading, instance, method)
    for node in instance.node.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return Function(instance.frame, node, (instance,), instance.node)
    if name in reading.body(instance.node).names:
        return Frame(reading, instance.frame.file, instance.node, instance.frame).value(name)
    raise NotSimpleError(f"self.{name} is unknown")


def _hyperparameters(reading: Reading, instance: Instance, method: ast.FunctionDef) -> Settings:
    frame = Frame(reading, instance.frame.file, method, instance.frame, owner=instance.node)
    found = Settings()
    for name in list(parameters_of(method))[1:]:
        try:
            found[name] = frame.value(name)
        except NotSimpleError:
            continue
    return found


def _is_attribute(target: ast.expr, owner: str, name: str) -> bool:
    return (
        isinstance(target, ast.Attribute)
        and target.attr == name
        and isinstance(target.value, ast.Name)
        and target.value.id == owner
    )
