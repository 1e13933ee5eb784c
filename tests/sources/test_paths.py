"""Places as people read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint import Location
from skiplint.sources.paths import shown, shown_place

LINE = '    é, 日 = "ü", 1; return x + x'


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (None, None),
        (1, 1),
        (5, 5),
        (len(LINE[: LINE.index("x + x")].encode()) + 1, LINE.index("x + x") + 1),
        (999, 999),
    ],
)
def test_columns_count_characters(in_tmp_path: Path, column: int | None, wanted: int | None) -> None:
    path = in_tmp_path / "net.py"
    path.write_text(f"def f(x):\n{LINE}\n", encoding="utf-8")
    place = shown_place(Location(str(path), 2, column))
    assert place is not None
    assert (place.path, place.line, place.column) == ("net.py", 2, wanted)


def test_a_file_that_is_gone_keeps_its_column(in_tmp_path: Path) -> None:
    assert shown_place(Location("gone.py", 3, 7)) == Location("gone.py", 3, 7)


def test_the_end_of_a_place_is_read_on_its_own_line(in_tmp_path: Path) -> None:
    lines = ["x = f(é,", "  ü)"]
    path = in_tmp_path / "net.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    place = shown_place(Location(str(path), 1, 5, end_line=2, end_column=len(lines[1].encode()) + 1))
    assert place is not None
    assert (place.column, place.end_line, place.end_column) == (5, 2, len(lines[1]) + 1)


def test_paths_are_shown_relative_to_the_working_directory(in_tmp_path: Path) -> None:
    outside = in_tmp_path.parent
    (in_tmp_path / "sub").mkdir()
    link = in_tmp_path.with_name(in_tmp_path.name + "_link")
    link.symlink_to(in_tmp_path)
    assert shown(in_tmp_path / "sub" / "net.py") == "sub/net.py"
    assert shown("sub/../net.py") == "net.py"
    assert shown(link / "net.py") == "net.py"
    assert shown(outside / "net.py") == (outside / "net.py").as_posix()
    assert shown("<string>") == "<string>"


def test_a_link_keeps_its_name(in_tmp_path: Path) -> None:
    (in_tmp_path / "real.py").write_text("")
    (in_tmp_path / "link.py").symlink_to("real.py")
    assert shown("link.py") == "link.py"
