"""The share of public projects' top-level models that skiplint traces with no configuration.

    python benchmarks/reach.py [NAME ...] [--python LABEL=PYTHON ...] [--limit 600] [--write docs/reach.md]

reach_projects.toml names the projects, their versions and their top-level models, listed by hand. For each
project the source distribution (the wheel where there is none) is downloaded with pip's settings and
unpacked into the cache, `skiplint check .` runs in its folder, and every listed model is looked up in the
report. A model counts as traced if the report has it as traced, or has a traced factory of the same file
that makes it; one that is only a part of a traced model is counted apart. The projects are not installed;
what of their dependencies is there is up to the Python that runs skiplint. Each LABEL=PYTHON is one column;
sources of arguments, times and misses are those of the first. Reports stay in the cache: `--reuse` takes
those that are there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reach_lookup import INSIDE, Project, Result, projects, results

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "skiplint-reach"
BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"


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
        return sum(result.source not in (None, INSIDE) for result in self.results)

    @property
    def parts(self) -> int:
        """Models that are traced as a part of another one only."""
        return sum(result.source == INSIDE for result in self.results)


# ---- the sources ----


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


# ---- the table ----


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def table(columns: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """The results in Markdown; the columns hold the same projects."""
    measured = next(iter(columns.values()))
    listed = sum(len(one.results) for one in measured)
    heading = f"{listed} models of {len(measured)} projects"
    yield f"| {heading} | traced | share | mean share | with parts of traced ones |"
    yield "|---|---|---|---|---|"
    for label, column in columns.items():
        traced = sum(one.traced for one in column)
        mean = sum(one.traced / len(one.results) for one in column) / len(column)
        more = share(traced + sum(one.parts for one in column), listed)
        yield f"| {label} | {traced} | **{share(traced, listed)}** | {100 * mean:.0f}% | {more} |"
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
            *(f"{one.traced}" + (f" + {one.parts}" if one.parts else "") for one in row),
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
    parser.add_argument("--jobs", type=int, default=1, help="projects at a time")
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
        run = partial(measure, reports=reports, python=python, options=options)
        with ThreadPoolExecutor(options.jobs) as pool:
            for one in pool.map(run, wanted_projects):
                columns.setdefault(label, []).append(one)
                counts = f"{one.traced} of {len(one.results)}, {one.seconds:.0f} s"
                print(f"{label}: {one.project.spec}: {counts}", file=sys.stderr, flush=True)
    first = next(iter(columns.values()))
    print("\n".join([*missed(first), "", *table(columns), "", *kinds(first)]))
    if options.write:
        write(options.write, table(columns))


if __name__ == "__main__":
    main()
