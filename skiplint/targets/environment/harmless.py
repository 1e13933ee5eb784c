"""Which functions have no effect outside of the process, by their names in the language and its libraries."""

from __future__ import annotations

HARMLESS_MODULES = frozenset(
    "torch numpy math cmath operator functools itertools collections dataclasses typing enum "
    "typing_extensions abc copy string re json random datetime time types inspect argparse logging warnings "
    "pathlib os sys contextlib textwrap numbers fractions decimal statistics einops platform ast "
    "importlib".split()
)
"""Outermost modules whose functions only compute, those in :data:`EFFECTS` and :data:`DOUBTFUL` left out."""

EFFECTS = frozenset(
    """
    builtins.print builtins.input builtins.exit builtins.quit builtins.breakpoint
    os.system os.popen os.makedirs os.mkdir os.remove os.rename os.replace os.unlink os.rmdir os.removedirs
    os.chdir os.kill os._exit os.fork os.symlink os.link os.chmod os.startfile os.truncate os.umask
    os.execv os.execve os.execvp os.spawnv sys.exit sys.stdout sys.stderr sys.stdin sys.setrecursionlimit
    time.sleep json.dump numpy.save numpy.savez numpy.savez_compressed numpy.savetxt
    torch.save torch.hub torch.onnx torch.distributed torch.multiprocessing torch.utils.tensorboard
    torch.jit.save torch.export.save torch.utils.data.random_split
    subprocess shutil socket requests urllib http webbrowser smtplib ftplib multiprocessing threading signal
    wandb mlflow neptune comet_ml gdown pdb fire streamlit gradio uvicorn flask pickle.dump matplotlib.pyplot
    cv2.imwrite cv2.imshow cv2.waitKey torchvision.utils.save_image torchvision.datasets datasets.load_dataset
    nltk.download huggingface_hub setuptools.setup distutils.core.setup runpy
    """.split()
)
"""Functions, and modules with all that is in them, that are there for what they do and not for a value."""

DOUBTFUL = frozenset(
    """
    builtins.open builtins.exec builtins.eval builtins.__import__ builtins.compile
    torch.load torch.jit.load torch.export.load torch.utils.data torch.optim torch.profiler torch.ops
    torch.utils.cpp_extension torch.classes numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile
    numpy.memmap json.load os.listdir os.walk os.scandir os.stat importlib.import_module
    importlib.reload platform.uname logging.config
    """.split()
)
"""Functions that read files or do what cannot be told; they are called only for a value that is needed."""

EFFECT_METHODS = frozenset(
    """
    backward step zero_grad fit fit_transform train_model train_and_evaluate training_loop save savefig show
    export write writelines write_text write_bytes to_csv to_json to_pickle to_excel download
    download_and_prepare save_pretrained push_to_hub save_model save_checkpoint mkdir rmdir unlink touch
    rename mainloop serve_forever launch add_scalar add_image add_graph run_until_complete
    """.split()
)
"""Methods that are called for what they do, whatever object they are of."""

HARMLESS_METHODS = frozenset(
    """
    to cuda cpu eval train float half double bfloat16 int long bool requires_grad_ share_memory_ apply
    format join split rsplit strip lstrip rstrip lower upper title replace startswith endswith encode decode
    partition rpartition get items keys values copy append extend insert update add setdefault pop remove
    discard sort reverse index count union intersection difference
    add_argument add_argument_group add_mutually_exclusive_group add_parser add_subparsers set_defaults
    parse_args parse_known_args
    setLevel addHandler addFilter setFormatter getLogger exists is_file is_dir resolve absolute joinpath
    expanduser with_suffix with_name relative_to as_posix
    view reshape size dim numel item tolist unsqueeze squeeze permute transpose flatten repeat expand
    contiguous clone detach type dtype mean sum max min parameters named_parameters modules
    named_modules children state_dict manual_seed seed filterwarnings simplefilter astype ravel
    """.split()
)
"""Methods that change nothing but their own object."""

HARMLESS_PREFIXES = ("register", "_register", "add_cfg", "DEFINE_", "define_", "set_default", "_add_")
"""Functions and methods that enter something in a table begin so."""
