"""What is kept of a run, and when it is used again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skiplint.analysis.memory.resizing import Resizing
from skiplint.reporting.report import Report
from skiplint.run import cache as cache_module
from skiplint.run.cache import Cache, cache_folder
from skiplint.run.check import check
from skiplint.run.follower import Follower
from skiplint.run.request import Request
from skiplint.settings.settings import Settings, convert_settings
from skiplint.targets import ModelConfig

Run = Callable[..., subprocess.CompletedProcess[str]]

NET = """\
{imports}
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc(x)
"""
X = "x = 1\n"


class Begun(Follower):
    """Notes the targets that are really looked at."""

    def __init__(self, targets: list[str]) -> None:
        self.targets = targets

    def working(self, target: str, stage: str) -> None:
        del stage
        if target not in self.targets:
            self.targets.append(target)


class Project:
    """A folder with a cache, linted in this process; says what was really looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: tuple[str, ...] = ()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def lint(self, target: str = "net.py", **options: Any) -> tuple[list[str], Report]:
        """The targets that were traced, not taken from the cache, and the report."""
        traced: list[str] = []
        request = Request([target], **options)
        report = check(request, follower=Begun(traced), cache=Cache(self.folder / "kept"))
        self.notes = report.notes
        return traced, report

    def misses(self, target: str = "net.py", **options: Any) -> bool:
        return bool(self.lint(target, **options)[0])

    def entries(self) -> list[Path]:
        return sorted((self.folder / "kept").rglob("*.json"))


@pytest.fixture
def project(in_tmp_path: Path) -> Project:
    made = Project(in_tmp_path)
    made.write({"net.py": NET.format(imports="")})
    return made


def test_nothing_changed(project: Project) -> None:
    traced, first = project.lint()
    assert traced == ["net.py:Net"]
    traced, second = project.lint()
    assert traced == []
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    assert second.models[0].trace is not None


def test_the_file_changes_and_changes_back(project: Project) -> None:
    project.lint()
    project.write({"net.py": NET.format(imports="# more")})
    assert project.misses()
    assert not project.misses()
    project.write({"net.py": NET.format(imports="")})
    assert project.misses()


@pytest.mark.parametrize(
    ("imports", "files", "changed"),
    [
        ("import helper_a", {"helper_a.py": X}, "helper_a.py"),
        ("import helper_b", {"helper_b.py": "import deeper\n", "deeper.py": X}, "deeper.py"),
        ("from c import x", {"c/__init__.py": "from .inner import x\n", "c/inner.py": X}, "c/inner.py"),
        ("from d import inner", {"d/__init__.py": "", "d/inner.py": X}, "d/__init__.py"),
        ("import importlib\ne = importlib.import_module('dynamic_e')", {"dynamic_e.py": X}, "dynamic_e.py"),
        ("def f():\n    import late_f\nf()", {"late_f.py": X}, "late_f.py"),
    ],
    ids=["import", "transitive", "relative", "package", "dynamic", "in a function"],
)
def test_what_it_imports_changes(
    project: Project, imports: str, files: Mapping[str, str], changed: str
) -> None:
    project.write({"net.py": NET.format(imports=imports), **files, "unrelated.py": "x = 1\n"})
    assert project.misses()
    project.write({"unrelated.py": "x = 2\n"})
    assert not project.misses()
    project.write({changed: files[changed] + "x = 2\n"})
    assert project.misses()


def test_a_module_of_the_same_folder_that_another_file_had_imported(project: Project) -> None:
    """The second file uses a module that is loaded already, and depends on it all the same."""
    net = NET.format(imports="import shared_g")
    files = {f"{name}.py": net.replace("Net", name.title()) for name in ("one", "two")}
    project.write({**{f"nets/{name}": text for name, text in files.items()}, "nets/shared_g.py": "x = 1\n"})
    assert len(project.lint("nets")[0]) == 2
    project.write({"nets/shared_g.py": "x = 2\n"})
    assert project.lint("nets")[0] == ["nets/one.py:One", "nets/two.py:Two"]
    project.write({"nets/one.py": files["one.py"] + "# more\n"})
    assert project.lint("nets")[0] == ["nets/one.py:One"]


def test_a_local_file_comes_in_the_way_of_a_package(project: Project) -> None:
    project.write({"net.py": NET.format(imports="import msgspec")})
    project.lint()
    assert not project.misses()
    project.write({"msgspec.py": "x = 1\n"})
    assert project.misses()


def test_a_package_that_was_missing_is_installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    imports = "try:\n    import not_yet_installed\nexcept ImportError:\n    pass"
    project.write({"net.py": NET.format(imports=imports)})
    project.lint()
    assert not project.misses()
    project.write({"site-packages/not_yet_installed.py": "x = 1\n"})
    monkeypatch.syspath_prepend(str(project.folder / "site-packages"))
    assert project.misses()


def test_a_module_that_was_missing_appears_in_the_project(project: Project) -> None:
    imports = "try:\n    import not_yet_written\nexcept ImportError:\n    pass"
    project.write({"pyproject.toml": "", "nets/net.py": NET.format(imports=imports)})
    project.lint("nets/net.py")
    assert not project.misses("nets/net.py")
    project.write({"not_yet_written.py": "x = 1\n"})
    assert project.misses("nets/net.py")


def test_a_package_is_upgraded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    site = project.folder / "site-packages"
    old, new = site / "dist_h-1.0.dist-info", site / "dist_h-1.1.dist-info"
    project.write(
        {
            "site-packages/dist_h/__init__.py": "x = 1\n",
            "site-packages/dist_h-1.0.dist-info/METADATA": "Name: dist_h\nVersion: 1.0\n",
            "net.py": NET.format(imports="import dist_h"),
        }
    )
    monkeypatch.syspath_prepend(str(site))
    project.lint()
    assert not project.misses()
    old.rename(new)
    assert project.misses()


@pytest.mark.parametrize(
    "options",
    [
        {"settings": Settings(select=("SKL2",))},
        {"settings": Settings(rules={"plain-depth": {"limit": 3}})},
        {"settings": Settings(models=(ModelConfig(target="net.py:Net", kwargs={"width": 8}),))},
        {"args": [8]},
        {"kwargs": {"width": 8}},
        {"training": True},
        {"resizing": Resizing(batch=3)},
    ],
    ids=["select", "rule option", "models", "args", "kwargs", "mode", "size"],
)
def test_what_is_asked_changes(project: Project, options: dict[str, Any]) -> None:
    project.lint()
    assert project.misses(**options)
    assert not project.misses(**options)
    assert not project.misses()


def test_settings_that_do_not_matter_here(project: Project) -> None:
    project.lint()
    ways = {
        "fail-on": "error",
        "per-file-ignores": {"*": ["SKL2"]},
        "jobs": 3,
        "timeout": 7,
        "cache-dir": "x",
    }
    assert not project.misses(settings=convert_settings(ways))


@pytest.mark.parametrize("what", ["skiplint", "sources", "python"])
def test_versions_change(project: Project, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    project.lint()
    if what == "skiplint":
        monkeypatch.setattr(cache_module, "__version__", "99")
    elif what == "python":
        monkeypatch.setattr(sys, "version", "4.0")
    else:
        monkeypatch.setattr(cache_module, "source_digest", lambda folders: "another")
    assert project.misses()


def test_the_sources_of_skiplint_and_of_the_rules_count(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(cache_module, "source_digest", lambda folders: str(seen.append(set(folders))))
    project.lint()
    names = {Path(folder).name for folder in seen[0]}
    assert names >= {"skiplint", "rules"}


def test_failures_are_not_kept(project: Project) -> None:
    project.write({"net.py": NET.format(imports="import os\nassert os.path.exists('data.txt')")})
    assert project.lint()[1].models[0].status == "failed"
    assert project.entries() == []
    project.write({"data.txt": ""})
    assert project.lint()[1].models[0].status == "traced"


def test_a_damaged_entry(project: Project) -> None:
    project.lint()
    (entry,) = project.entries()
    whole = entry.read_bytes()
    for content in (b"", b"\0" * 50, whole[:-40], whole.replace(b"Net", b"Nut")):
        entry.write_bytes(content)
        assert project.misses()
        assert [f"{entry} was damaged, and is not used"] == list(project.notes)
        assert entry.read_bytes()[:64] != content[:64] or entry.read_bytes() == whole
    assert not project.misses()
    assert project.notes == ()


def test_an_entry_of_something_else(project: Project) -> None:
    project.write({"other.py": NET.format(imports="# other")})
    project.lint()
    (entry,) = project.entries()
    project.lint("other.py")
    (other,) = set(project.entries()) - {entry}
    entry.write_bytes(other.read_bytes())
    assert project.misses()
    assert "damaged" in project.notes[0]


def test_a_folder_that_cannot_be_written(project: Project) -> None:
    (project.folder / "kept").write_text("a file, not a folder")
    traced, report = project.lint()
    assert traced == ["net.py:Net"]
    assert report.models[0].status == "traced"
    assert any("kept" in note for note in report.notes)


def test_old_entries_are_dropped(project: Project) -> None:
    project.lint()
    (entry,) = project.entries()
    os.utime(entry, (0, 0))
    project.write({"other.py": NET.format(imports="# other")})
    project.lint("other.py")
    assert entry not in project.entries()
    assert len(project.entries()) == 1


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKIPLINT_CACHE_DIR", raising=False)
    assert cache_folder(None, None) == Path(".skiplint_cache")
    assert cache_folder(None, Path("/p/pyproject.toml")) == Path("/p/.skiplint_cache")
    assert cache_folder("build/x", Path("/p/pyproject.toml")) == Path("/p/build/x")
    monkeypatch.setenv("SKIPLINT_CACHE_DIR", "/elsewhere")
    assert cache_folder("build/x", Path("/p/pyproject.toml")) == Path("/elsewhere")


def test_entries_are_plain_data(project: Project) -> None:
    project.lint()
    (entry,) = project.entries()
    assert msgspec.json.decode(entry.read_bytes().partition(b"\n")[2])["outcomes"]


WITHOUT_TORCH = """
import subprocess, sys
def refuse(*args, **more):
    raise AssertionError("a process was started")
subprocess.Popen.__init__ = refuse
from skiplint.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
assert not {"torch", "networkx", "numpy"} & set(sys.modules), "torch was imported"
sys.exit(code)
"""


def test_the_command_line(tmp_path: Path, skiplint: Run) -> None:
    """Two runs at once, then one without torch, then `clean`."""
    (tmp_path / "net.py").write_text(NET.format(imports="import blocks"))
    (tmp_path / "blocks.py").write_text("x = 1\n")
    command = [sys.executable, "-m", "skiplint", "net.py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    folder = tmp_path / ".skiplint_cache"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert (folder / ".gitignore").read_text().endswith("\n*\n")
    assert len(list(folder.rglob("*.json"))) == 1
    assert not list(folder.rglob(".new-*"))

    warm = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "net.py"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert warm.returncode == 0, warm.stderr
    assert warm.stderr == ""
    assert warm.stdout in outputs

    (folder / "skiplint-results" / "mine.txt").write_text("not skiplint's")
    (tmp_path / "blocks.py").write_text("x = 2\n")
    cold = skiplint("skips", "net.py", "--output-format", "json")
    assert json.loads(cold.stdout)["models"][0]["status"] == "traced"
    done = skiplint("clean")
    assert done.returncode == 0
    assert done.stdout.startswith("removed 2 results, ")
    assert done.stdout.endswith(" KiB, from .skiplint_cache\n")
    assert [path.name for path in folder.rglob("*")] == ["skiplint-results", "mine.txt"]
    assert skiplint("clean").stdout == "removed 0 results, 0 B, from .skiplint_cache\n"
    skiplint("net.py", "--no-cache")
    assert not list(folder.rglob("*.json"))


NEEDS = NET.format(imports="").replace("width=4", "width")


def test_another_file_says_how_the_model_is_constructed(project: Project) -> None:
    """Arguments come from the whole project, so every file that names the model counts, and no other."""
    readme = "```python\nfrom net import Net\nNet({})\n```\n"
    project.write({"pyproject.toml": "", "net.py": NEEDS, "README.md": readme.format(6), "x.py": X})

    def width() -> object:
        (model,) = project.lint()[1].models
        assert model.built_with is not None
        return model.built_with.kwargs["width"]

    assert width() == 6
    project.write({"x.py": "x = 2\n"})
    assert not project.misses()
    project.write({"README.md": readme.format(7)})
    assert width() == 7
