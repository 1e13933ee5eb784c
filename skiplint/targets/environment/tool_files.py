"""Files that tools run and nothing imports: they build, document, test or migrate a project."""

from __future__ import annotations

from pathlib import Path

_NAMES = frozenset(
    "setup.py conftest.py noxfile.py tasks.py fabfile.py dodo.py manage.py wsgi.py asgi.py versioneer.py "
    "_version.py ez_setup.py toxfile.py gunicorn.conf.py sitecustomize.py usercustomize.py".split()
)
_DOCS = frozenset({"doc", "docs", "source"})
_MIGRATIONS = frozenset({"alembic", "migrations"})


def is_of_a_tool(path: Path) -> bool:
    """Whether ``path`` is a file that a tool runs, such as ``setup.py``, ``docs/conf.py`` or a migration."""
    folders = set(path.resolve().parts[-4:-1])
    return (
        path.name in _NAMES
        or (path.name == "conf.py" and not _DOCS.isdisjoint(folders))
        or not _MIGRATIONS.isdisjoint(folders)
    )
