"""Why an import failed, and how to get what is missing."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import traceback

from skiplint.sources.errors import describe
from skiplint.sources.owners import Owner, owner

_DISTRIBUTIONS = {
    "cv2": "opencv-python",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "google.protobuf": "protobuf",
    "pytorch_lightning": "pytorch-lightning",
    "torch_geometric": "torch-geometric",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "efficientnet_pytorch": "efficientnet-pytorch",
    "pytorch3d": "pytorch3d",
    "flash_attn": "flash-attn",
    "mamba_ssm": "mamba-ssm",
    "causal_conv1d": "causal-conv1d",
    "hydra": "hydra-core",
    "Crypto": "pycryptodome",
    "umap": "umap-learn",
}
"""Names to install, where they are not those to import."""
_NO_NAME = re.compile(
    r"cannot import name '(?P<name>[^']+)' from (?:partially initialized module )?'(?P<module>[^']+)'"
)


def why_missing(error: BaseException) -> str:
    """What is missing and the way out, to follow "is used, but"."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return not_installed(error.name)
    renamed = _NO_NAME.search(str(error))
    if renamed is not None:
        top = renamed["module"].partition(".")[0]
        version = _version(top)
        if version:
            return (
                f"{top} {version} has no {renamed['name']} in {renamed['module']}; install the version that "
                "the code is written for"
            )
        return f"{renamed['module']} has no {renamed['name']}; if it is a compiled extension, build it"
    return f"its import fails: {describe(error)}"


def not_installed(module: str) -> str:
    """That the package of ``module`` is not installed, or has no such part, and the way out."""
    top = module.partition(".")[0]
    version = _version(top)
    if version and module != top:
        return f"{top} {version} has no {module}; install the version that the code is written for"
    if top in sys.modules:
        return f"there is no {module}; if it is a compiled extension, build it"
    return f"{top} is not installed; install it (pip install {_DISTRIBUTIONS.get(top, top)})"


def innermost_owner(error: BaseException) -> Owner | None:
    """Whose code raised ``error``; the standard library acts for whoever calls it."""
    if isinstance(error, SyntaxError) and error.filename:
        return owner(error.filename)
    found: Owner | None = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        kind = owner(frame.f_code.co_filename)
        if kind not in ("library", "generated", "skiplint"):
            found = kind
    return found


def _version(top: str) -> str:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(top, top))
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(sys.modules.get(top), "__version__", ""))
