"""The share of public projects' top-level models that skiplint traces with no configuration.

    python benchmarks/reach.py [NAME ...] [--python LABEL=PYTHON ...] [--limit 600] [--write docs/reach.md]

reach_projects.toml names the projects, their versions and their top-level models, listed by hand. For each
project the source distribution (the wheel where there is none) is downloaded with pip's settings and
unpacked into the cache, `skiplint check .` runs in its folder, and every listed model is looked up in the
report. A model counts as traced if the report has it as traced, or has a traced factory of the same file
that makes it. The projects are not installed; what of their dependencies is there is up to the Python that
runs skiplint. Each LABEL=PYTHON is one column; sources of arguments, times and misses are those of the
first. Reports stay in the cache: `--reuse` takes those that are there.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "skiplint-reach"
BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"
CAUSES = (  # what a reason says -> why the model is missed, the first that matches
    (
        r'imports? "?([\w.]+)"?, which is not installed|No module named \'([\w.]+)\'',
        "imports a package that is not installed",
    ),
    (r"timed? ?out|took longer|time limit|seconds", "takes too long"),
    (r"memory", "takes too much memory"),
    (r" needs ", "arguments of the constructor not found"),
    (r"cannot be built", "construction fails"),
    (r"none of the inputs|needs inputs|no inputs", "inputs not found"),
    (r"no report", "the run of the project gave no report"),
    (r"not among", "not found among the project's models"),
    (r"import|cannot be loaded|loading", "the file cannot be imported"),
)


@dataclass(frozen=True)
class Wanted:
    """One top-level model of a project."""

    path: str
    """The end of its file's path, empty if its name is unique in the project's folder."""
    names: tuple[str, ...]

    @property
    def shown(self) -> str:
        return f"{self.path}:{self.names[0]}" if self.path else self.names[0]


@dataclass(frozen=True)
class Project:
    name: str
    version: str
    kind: str
    folder: str
    models: tuple[Wanted, ...]

    @property
    def spec(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True)
class Result:
    """What became of one model: where its arguments come from if it is traced, and why it is not."""

    wanted: Wanted
    source: str | None
    reason: str = ""

    @property
    def cause(self) -> str:
        return next((cause for pattern, cause in CAUSES if re.search(pattern, self.reason)), "tracing fails")


@dataclass(frozen=True)
class Measured:
    project: Project
    results: tuple[Result, ...]
    entries: int
    """Models of all kinds in the report."""
    seconds: float
    ended: bool
    """Whether the run ended by itself inside the limit."""

    @property
    def traced(self) -> int:
        return sum(result.source is not None for result in self.results)


# ---- the projects ----


def projects(path: Path, names: Sequence[str]) -> list[Project]:
    """The projects of a file, all or those named."""
    with path.open("rb") as file:
        entries = tomllib.load(file)["project"]
    if unknown := set(names) - {entry["name"] for entry in entries}:
        raise SystemExit(f"{path.name} has no project {', '.join(sorted(unknown))}")
    return [
        Project(
            e["name"], e["version"], e["kind"], e["folder"], tuple(wanted(model) for model in e["models"])
        )
        for e in entries
        if not names or e["name"] in names
    ]


def wanted(text: str) -> Wanted:
    path, _, names = text.rpartition(":")
    return Wanted(path, tuple(names.split("|")))


def unpacked(project: Project, cache: Path) -> Path:
    """The folder of a project's sources; downloads them if they are not there."""
    folder = cache / "sources" / project.spec
    if folder.exists():
        return folder
    archive = download(project, cache / "archives")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        inside = Path(name)
        if archive.name.endswith((".whl", ".zip")):
            zipfile.ZipFile(archive).extractall(inside)
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(inside, filter="data")
        only = list(inside.iterdir())
        shutil.move(only[0] if len(only) == 1 and only[0].is_dir() else inside, folder)
        inside.mkdir(exist_ok=True)
    return folder


def download(project: Project, folder: Path) -> Path:
    """A project's source distribution, its wheel where there is none, from the index that pip is set to.

    `pip download` would run the project's build for its metadata, and most need their dependencies for that.
    """
    command = importlib.import_module("pip._internal.commands").create_command("download")
    required = importlib.import_module("pip._internal.req.constructors").install_req_from_line
    requirement = required(f"{project.name}=={project.version}")
    for binary in ("--no-binary", "--only-binary"):
        options, _ = command.parse_args(["--no-deps", binary, ":all:", "-q", project.name])
        with command.main_context():
            session = command.get_default_session(options)
            finder = command._build_package_finder(options, session)
            found = finder.find_best_candidate(requirement.name, requirement.specifier).best_candidate
            if found is None:
                continue
            response = session.get(found.link.url_without_fragment)
            response.raise_for_status()
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / str(found.link.filename)
        archive.write_bytes(response.content)
        return archive
    raise SystemExit(f"the package index has no {project.name}=={project.version}")


# ---- the run ----


def linted(folder: Path, report: Path, python: str, limit: float) -> tuple[float, bool]:
    """Lints a folder into a report; the seconds that it took, and whether it ended inside the limit."""
    report.parent.mkdir(parents=True, exist_ok=True)
    command = [python, "-m", "skiplint", "check", ".", "--output-format", "json", "--exit-zero", "--no-cache"]
    began = time.monotonic()
    with report.open("w") as out, report.with_suffix(".err").open("w") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=errors, start_new_session=True)
        try:
            process.wait(limit)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return time.monotonic() - began, ended


# ---- the lookup ----


def results(project: Project, folder: Path, report: Path) -> tuple[tuple[Result, ...], int]:
    """What became of every wanted model, and the number of models in the report."""
    try:
        entries = json.loads(report.read_text())["models"]
    except (OSError, ValueError):
        return tuple(Result(model, None, "no report") for model in project.models), 0
    inside = [entry for entry in entries if (entry.get("path") or "").startswith(prefix(project))]
    made = Factories(folder)
    return tuple(result(model, inside, made) for model in project.models), len(entries)


def prefix(project: Project) -> str:
    return "" if project.folder == "." else f"{project.folder}/"


def result(model: Wanted, entries: Sequence[Mapping[str, Any]], made: Factories) -> Result:
    there = [
        entry for entry in entries if f"/{entry['path']}".endswith(f"/{model.path}" if model.path else "")
    ]
    own = [entry for entry in entries if named(entry) in model.names[1:]]
    own += [entry for entry in there if named(entry) in model.names]
    own += [entry for entry in there if made.makes(entry["path"], named(entry), model.names)]
    for entry in own:
        if entry["status"] == "traced":
            return Result(model, (entry.get("built_with") or {}).get("source") or "defaults")
    reasons = [entry["reason"] for entry in own if entry.get("reason")]
    if not reasons:  # its file may have failed as a whole
        reasons = [e["reason"] for e in there if model.path and e["status"] == "failed" and e["reason"]]
    return Result(model, None, reasons[0] if reasons else "not among the models of the report")


def named(entry: Mapping[str, Any]) -> str:
    """The class or factory that an entry is about."""
    return str(entry["target"]).rpartition(":")[2] or str(entry["name"])


@dataclass
class Factories:
    """Which functions make which classes: those that name one, or call a function of their file that does."""

    folder: Path
    _files: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def makes(self, path: str, function: str, classes: Sequence[str]) -> bool:
        if path not in self._files:
            self._files[path] = {name: set(words) for name, words in functions(self.folder / path)}
        known, seen, ahead = self._files[path], set[str](), [function]
        while ahead:
            name = ahead.pop()
            if name in seen or name not in known:
                continue
            seen.add(name)
            if known[name] & set(classes):
                return True
            ahead += known[name]
        return False


def functions(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The functions of a file and the names in each."""
    try:
        tree = ast.parse(path.read_text(errors="replace"))
    except (OSError, SyntaxError):
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]


# ---- the table ----


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def table(columns: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """The results in Markdown; the columns hold the same projects."""
    measured = next(iter(columns.values()))
    listed = sum(len(one.results) for one in measured)
    yield f"| {listed} models of {len(measured)} projects | traced | share | mean share of a project |"
    yield "|---|---|---|---|"
    for label, column in columns.items():
        traced = sum(one.traced for one in column)
        mean = sum(one.traced / len(one.results) for one in column) / len(column)
        yield f"| {label} | {traced} | **{share(traced, listed)}** | {100 * mean:.0f}% |"
    yield from ["", "| arguments from | models |", "|---|---|"]
    by_source = Counter(result.source for one in measured for result in one.results if result.source)
    yield from (f"| {source} | {count} |" for source, count in by_source.most_common())
    labels = list(columns)
    yield from ["", f"| project | kind | models | {' | '.join(labels)} | arguments from | seconds a model |"]
    yield "|" + "---|" * (5 + len(labels))
    for row in zip(*columns.values(), strict=True):
        first = row[0]
        sources = Counter(result.source for result in first.results if result.source)
        cells = [
            f"{first.project.name} {first.project.version}",
            first.project.kind,
            f"{len(first.results)}",
            *(f"{one.traced} ({share(one.traced, len(one.results))})" for one in row),
            ", ".join(f"{source} {count}" for source, count in sources.most_common()),
            f"{first.seconds / first.entries:.1f}" if first.entries and first.ended else "-",
        ]
        yield f"| {' | '.join(cells)} |"
    yield from ["", "| not reached because | models | |", "|---|---|---|"]
    missed = [(one.project, result) for one in measured for result in one.results if result.source is None]
    for cause, count in Counter(result.cause for _, result in missed).most_common():
        names = ", ".join(f"{project.name}:{r.wanted.shown}" for project, r in missed if r.cause == cause)
        yield f"| {cause} | {count} | {names} |"


def kinds(measured: Sequence[Measured]) -> Iterator[str]:
    """The share of every kind of project, for the terminal."""
    for kind in dict.fromkeys(one.project.kind for one in measured):
        of = [one for one in measured if one.project.kind == kind]
        traced, listed = sum(one.traced for one in of), sum(len(one.results) for one in of)
        yield f"{kind:24} {traced:4} of {listed:4}  {share(traced, listed)}"


def missed(measured: Iterable[Measured]) -> Iterator[str]:
    """Every missed model with the reason that skiplint gives."""
    for one in measured:
        for item in one.results:
            if item.source is None:
                yield f"{one.project.spec}: {item.wanted.shown}: {' '.join(item.reason.split())}"


def write(path: Path, lines: Iterable[str]) -> None:
    """Puts lines between the markers of a page."""
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}")


def measure(project: Project, reports: Path, python: str, options: argparse.Namespace) -> Measured:
    folder, report = unpacked(project, options.cache), reports / f"{project.spec}.json"
    timing = report.with_suffix(".time")
    if not (options.reuse and timing.exists()):
        timing.parent.mkdir(parents=True, exist_ok=True)
        timing.write_text(json.dumps(linted(folder, report, python, options.limit)))
    seconds, ended = json.loads(timing.read_text())
    outcome, entries = results(project, folder, report)
    return Measured(project, outcome, entries, seconds, ended)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="projects; all of them by default")
    parser.add_argument("--python", action="append", metavar="LABEL=PYTHON", help="runs skiplint")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one project")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--reports", type=Path, help="folder of the reports; in the cache by default")
    parser.add_argument("--reuse", action="store_true", help="take reports that are there as they are")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the table between its markers")
    options = parser.parse_args()
    wanted_projects = projects(Path(__file__).with_name("reach_projects.toml"), options.names)
    columns: dict[str, list[Measured]] = {}
    for column in options.python or [f"traced={sys.executable}"]:
        label, _, python = column.partition("=")
        reports = (options.reports or options.cache / "reports") / label.replace(" ", "-")
        for project in wanted_projects:
            one = measure(project, reports, python, options)
            columns.setdefault(label, []).append(one)
            note = f"{label}: {project.spec}: {one.traced} of {len(one.results)}, {one.seconds:.0f} s"
            print(note, file=sys.stderr, flush=True)
    first = next(iter(columns.values()))
    print("\n".join([*missed(first), "", *table(columns), "", *kinds(first)]))
    if options.write:
        write(options.write, table(columns))


if __name__ == "__main__":
    main()
