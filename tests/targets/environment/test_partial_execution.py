"""Of a script only imports, definitions and harmless statements are run; its models are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint.targets import ModelTarget, TargetError, build, resolve
from tests.targets.conftest import Write

NET = """
class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc(x)
"""


def models(target: Path | str) -> dict[str, ModelTarget]:
    items = resolve(str(target))
    assert all(isinstance(item, ModelTarget) for item in items)
    return {item.name: item for item in items if isinstance(item, ModelTarget)}


def fails(target: ModelTarget) -> str:
    with pytest.raises(TargetError) as raised:
        build(target)
    return str(raised.value)


@pytest.mark.parametrize(
    "work",
    [
        "open('made', 'w').write('x')",
        "f = open('made', 'w')",
        "with open('made', mode='w') as f:\n    f.write('x')",
        "torch.save({}, 'made')",
        "import os\nos.makedirs('made')",
        "import os\nif not os.path.exists('made'):\n    os.makedirs('made', exist_ok=True)",
        "from pathlib import Path\nPath('made').mkdir()",
        "from pathlib import Path\nPath('made').write_text('x')",
        "import subprocess\nsubprocess.run(['touch', 'made'])",
        "import os\ncode = os.system('touch made')",
        "def main():\n    open('made', 'w')\nmain()",
        "def main():\n    open('made', 'w')\nresult = main()",
        "for epoch in range(2):\n    open(f'made{epoch}', 'w')",
        "while True:\n    open('made', 'w')",
        "try:\n    torch.save({}, 'made')\nexcept OSError:\n    pass",
        "class Trainer:\n    def __init__(self):\n        open('made', 'w')\ntrainer = Trainer()",
        "from torch.utils.tensorboard import SummaryWriter\nwriter = SummaryWriter('made')",
        "import sys\nif len(sys.argv) < 9:\n    sys.exit('usage')",
        "raise_it = True\nprint('x')\nif raise_it:\n    raise SystemExit(2)",
        "net = Net()\nopt = torch.optim.SGD(net.parameters(), 0.1)\nfor x in range(3):\n    opt.step()",
    ],
)
def test_the_work_of_a_script_is_not_done(write: Write, work: str) -> None:
    path = write("train.py", NET + "\n" + work + "\n")
    before = sorted(Path().iterdir())
    found = models(path)
    assert "Net" in found or "net" in found
    assert sorted(Path().iterdir()) == before


def test_options_have_their_defaults(write: Write) -> None:
    path = write(
        "train.py",
        """
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--width", type=int, default="6")
        parser.add_argument("--deep", action="store_true")
        parser.add_argument("data")
        parser.set_defaults(bias=False)
        args = parser.parse_args()

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(args.width, args.width, bias=args.bias)
                self.deep = args.deep

            def forward(self, x):
                return x + self.fc(x)

        class Loader(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(len(args.data), 1)

            def forward(self, x):
                return self.fc(x)
        """,
    )
    found = models(path)
    net = build(found["Net"]).model
    assert (net.fc.in_features, net.fc.bias, net.deep) == (6, None, False)
    assert fails(found["Loader"]) == (
        "train.py:Loader: Loader cannot be built: the command line option data is used at "
        "train.py:27, but it has no default; give the arguments of the model in [[tool.skiplint.models]]"
    )


def test_what_a_class_needs_is_run_and_what_it_does_not_need_is_not(write: Write) -> None:
    """``vocabulary`` is made by a function that cannot be judged, and the class needs it; ``data`` is not."""
    write("tools.py", "def vocabulary():\n    return list('abc')\n\ndef data():\n    raise MemoryError\n")
    path = write(
        "train.py",
        """
        from tools import vocabulary, data

        words = vocabulary()
        size = len(words) + 1
        rows = data()
        print(len(rows))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.table = nn.Embedding(size, 4)

            def forward(self, x):
                return self.table(x)
        """,
    )
    assert build(models(path)["Net"]).model.table.num_embeddings == 4


def test_a_class_that_uses_what_is_not_run_says_so(write: Write) -> None:
    path = write(
        "train.py",
        """
        answer = input("width? ")

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(int(answer), 2)

            def forward(self, x):
                return self.fc(x)
        """,
    )
    assert fails(models(path)["Net"]) == (
        "train.py:Net: Net cannot be built: answer is used at train.py:11, but line 6 of train.py does the "
        "work of a script, which is not run; make it an argument of the model"
    )


def test_a_value_that_depends_on_the_run_is_named(write: Write) -> None:
    path = write(
        "train.py",
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--dataset", required=True)
        opt = parser.parse_args()
        open("log.txt", "w").write("started")
        if opt.dataset == "mnist":
            channels = 1
        else:
            channels = 3

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(channels, 2, 3)

            def forward(self, x):
                return self.conv(x)
        """,
    )
    said = fails(models(path)["Net"])
    where = "channels is used at train.py:19, but only a run of the script tells the condition in line 11"
    assert where in said
    assert said.endswith("; make it an argument of the model")


def test_siblings_that_are_scripts_are_not_run_either(write: Write) -> None:
    write(
        "config.py",
        """
        import argparse
        args = argparse.ArgumentParser().parse_args()
        width = 8
        open("made", "w").write(str(width))
        """,
    )
    path = write(
        "model.py",
        "from config import *\n" + NET.replace("width=4", "width=width"),
    )
    assert build(models(path)["Net"]).model.fc.in_features == 8
    assert not Path("made").exists()


def test_registries_are_filled(write: Write) -> None:
    path = write(
        "model.py",
        """
        import sys
        sys.path.append("elsewhere")
        import deep

        TABLE = {}

        def register(cls):
            TABLE[cls.__name__] = cls
            return cls

        @register
        class Block(nn.Linear):
            def __init__(self):
                super().__init__(3, 3)

        for name in ["Again"]:
            TABLE[name] = TABLE["Block"]
        TABLE.update(last=Block)
        print("registered")

        class Net(nn.Sequential):
            def __init__(self):
                super().__init__(*(TABLE[name]() for name in ("Block", "Again", "last")))
        """,
    )
    write("elsewhere/deep.py", "")
    assert len(build(models(path)["Net"]).model) == 3


def test_a_library_runs_as_it_stands(write: Write) -> None:
    write("tools.py", "def settings():\n    return {'width': 5}\n")
    path = write(
        "model.py",
        """
        from tools import settings
        SETTINGS = settings()
        WIDTH = SETTINGS["width"]
        """
        + NET.replace("width=4", "width=WIDTH").replace("\n", "\n        "),
    )
    assert build(models(path)["Net"]).model.fc.in_features == 5


def test_a_library_that_is_broken_is_not_mended(write: Write) -> None:
    path = write("model.py", "SIZES = [1, 2][5]\n" + NET)
    with pytest.raises(TargetError, match="cannot be imported: IndexError"):
        models(path)


def test_a_model_that_a_script_makes_is_found(write: Write) -> None:
    path = write("train.py", NET + "model = Net(7).to('cpu')\nfor x in range(3):\n    model(x).backward()\n")
    assert build(models(path)["model"]).model.fc.in_features == 7


def test_lines_stay_those_of_the_file(write: Write) -> None:
    path = write("train.py", "print('x')\n" + NET + "print('y')\n")
    assert models(path)["Net"].line == 7


@pytest.mark.parametrize(
    "name", ["setup.py", "conftest.py", "noxfile.py", "docs/conf.py", "migrations/v1.py", "manage.py"]
)
def test_files_of_tools_are_never_run(write: Write, name: str) -> None:
    write("model.py", NET)
    write(name, NET + "raise RuntimeError('this must not run')\n")
    assert [item.target for item in resolve(".")] == ["model.py:Net"]
    assert resolve(name) == []


def test_a_constructor_writes_nothing_and_reaches_no_network(write: Write) -> None:
    path = write(
        "model.py",
        """
        import os, socket, urllib.request

        class Folder(nn.Linear):
            def __init__(self):
                os.makedirs("runs/now")
                torch.save({}, "runs/now/w.pt")
                super().__init__(2, 2)

        class File(nn.Linear):
            def __init__(self):
                open("log.txt", "w")
                super().__init__(2, 2)

        class Net(nn.Linear):
            def __init__(self):
                urllib.request.urlopen("http://127.0.0.1:1/weights")
                super().__init__(2, 2)
        """,
    )
    found = models(path)
    assert build(found["Folder"]).model.in_features == 2
    assert "it writes the file log.txt, which is not done while it is linted" in fails(found["File"])
    assert "it reaches for the network" in fails(found["Net"])
    assert {entry.name for entry in Path().iterdir()} <= {"model.py", "__pycache__"}


def test_folder_and_environment_are_put_back(write: Write) -> None:
    import os

    path = write("model.py", "import os\nos.environ['SKIPLINT_TEST'] = '1'\nos.chdir('/')\n" + NET)
    here = Path.cwd()
    assert list(models(path)) == ["Net"]
    assert Path.cwd() == here
    assert "SKIPLINT_TEST" not in os.environ
