"""Whose a source file is."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest
import torch

import skiplint
from skiplint.sources.owners import owner


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("net.py", "user"),
        ("/home/me/project/torch/net.py", "user"),
        ("<string>", "generated"),
        ("<frozen importlib._bootstrap>", "generated"),
        (torch.nn.__file__, "torch"),
        (skiplint.__file__, "skiplint"),
        (pytest.__file__, "installed"),
        ("/usr/lib/python3/dist-packages/timm/models/vgg.py", "installed"),
        (os.__file__, "library"),
        (sysconfig.get_path("stdlib") + "/site-packages/timm/models/vgg.py", "installed"),
    ],
)
def test_whose_a_file_is(path: str, wanted: str) -> None:
    assert owner(path) == wanted


def test_a_file_beside_skiplint_is_the_users() -> None:
    assert owner(str(Path(skiplint.__file__).parent) + "_models/net.py") == "user"
