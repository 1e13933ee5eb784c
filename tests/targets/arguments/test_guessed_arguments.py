"""Models whose arguments nothing gives: what is guessed for each kind of argument, and that it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from skiplint.run.request import Request
from skiplint.run.traced_way import traced_way as _traced
from skiplint.run.trials import NotConstructedError, Trial, Trials, traced
from skiplint.targets import ModelTarget, Projects, resolve
from tests.targets.conftest import Write

Guess = Callable[[str], Trial]


def trials(path: Path | str, name: str = "Net") -> Trials:
    projects = Projects()
    found = [item for item in resolve(f"{path}:{name}", projects=projects) if isinstance(item, ModelTarget)]
    target = found[0]
    assert target.path is not None
    return Trials(target, projects.of(Path(target.path)), lambda way: _traced(way, Request()))


@pytest.fixture
def guess(write: Write) -> Guess:
    """The traced model ``Net`` of a file, whose arguments are guessed."""

    def of(source: str) -> Trial:
        trial = traced(trials(write("net.py", source)))
        assert trial.target.built_with.source == "guessed"
        assert not trial.analysis.graph.faults
        return trial

    return of


def arguments(trial: Trial) -> dict[str, Any]:
    return trial.target.built_with.arguments()[1]


def body(parameters: str, construct: str, forward: str) -> str:
    """A file with one model."""
    lines = "\n".join(f"        {line}" for line in construct.strip().splitlines())
    return (
        f"class Net(nn.Module):\n    def __init__(self, {parameters}):\n        super().__init__()\n{lines}\n"
        f"    def forward(self, x):\n        {forward}\n"
    )


# -- from annotations and names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "construct", "forward", "expected"),
    [
        ("width: int", "self.f = nn.Linear(width, width)", "return self.f(x)", 64),
        ("rate: float", "self.f = nn.Sequential(nn.Linear(8, 8), nn.Dropout(rate))", "return self.f(x)", 0.1),
        ("bias: bool", "self.f = nn.Linear(8, 8, bias=bias)", "return self.f(x)", True),
        ("use_norm", "self.f = nn.LayerNorm(8) if use_norm else nn.Linear(8, 8)", "return self.f(x)", False),
        (
            "kernels: 'tuple[int, int]'",
            "self.f = nn.Conv2d(3, 8, kernels, padding=(1, 1))",
            "return self.f(x)",
            (3, 3),
        ),
        ("num_layers", "self.f = nn.LSTM(8, 8, num_layers)", "return self.f(x)[0]", 2),
        ("vocab_size", "self.f = nn.Embedding(vocab_size, 8)", "return self.f(x)", 128),
        ("n", "self.f = nn.Embedding(n, 8)", "return self.f(x)", 128),
    ],
)
def test_a_number_is_what_its_annotation_name_or_use_says(
    guess: Guess, parameter: str, construct: str, forward: str, expected: object
) -> None:
    trial = guess(body(parameter, construct, forward))
    assert list(arguments(trial).values()) == [expected]


def test_a_literal_and_an_enum_give_one_of_their_values(guess: Guess) -> None:
    trial = guess(
        "import enum\nfrom typing import Literal\n\n"
        "class Size(enum.Enum):\n    SMALL = 8\n    LARGE = 16\n\n"
        + body(
            "size: Size, kind: Literal['linear', 'none']",
            "self.f = {'linear': nn.Linear, 'none': nn.Identity}[kind](size.value, size.value)",
            "return self.f(x)",
        )
    )
    assert arguments(trial)["kind"] == "linear"
    assert arguments(trial)["size"].name == "SMALL"


def test_a_configuration_class_is_built_with_its_defaults_and_guesses_for_the_rest(guess: Guess) -> None:
    trial = guess(
        "from dataclasses import dataclass\n\n"
        "@dataclass\nclass Setup:\n    width: int\n    depth: int = 5\n\n"
        + body(
            "setup: Setup",
            "self.f = nn.Sequential(*[nn.Linear(setup.width, setup.width) for _ in range(setup.depth)])",
            "return self.f(x)",
        )
    )
    setup = arguments(trial)["setup"]
    assert (setup.width, setup.depth) == (64, 5)


def test_words_are_those_that_the_code_compares_with(guess: Guess) -> None:
    trial = guess(
        body(
            "kind",
            "if kind == 'wide':\n"
            "    self.f = nn.Linear(8, 32)\n"
            "elif kind == 'narrow':\n"
            "    self.f = nn.Linear(8, 4)\n"
            "else:\n"
            "    raise ValueError(kind)",
            "return self.f(x)",
        )
    )
    assert arguments(trial) == {"kind": "wide"}


def test_words_are_the_keys_of_the_table_in_which_they_are_looked_up(guess: Guess) -> None:
    trial = guess(
        "WIDTHS = {'tiny': 8, 'huge': 16}\n\n"
        + body("variant", "self.f = nn.Linear(WIDTHS[variant], 4)", "return self.f(x)")
    )
    assert arguments(trial) == {"variant": "tiny"}


def test_a_list_has_as_many_entries_as_the_code_reads(guess: Guess) -> None:
    trial = guess(
        body(
            "dims",
            "self.a = nn.Linear(dims[0], dims[1])\nself.b = nn.Linear(dims[1], dims[2])",
            "return self.b(self.a(x))",
        )
    )
    assert len(arguments(trial)["dims"]) == 3


def test_an_unpacked_size_is_a_pair(guess: Guess) -> None:
    trial = guess(
        body("size", "a, b = size\nself.f = nn.Conv2d(3, 8, 3)\nself.area = a * b", "return self.f(x)")
    )
    assert len(arguments(trial)["size"]) == 2


# -- classes, functions, modules ----------------------------------------------------------------------


def test_a_norm_layer_fits_the_layers_around_it(guess: Guess) -> None:
    convolutional = guess(
        body("norm_layer", "self.f = nn.Sequential(nn.Conv2d(3, 8, 3), norm_layer(8))", "return self.f(x)")
    )
    linear = guess(
        body("norm_layer", "self.f = nn.Sequential(nn.Linear(8, 8), norm_layer(8))", "return self.f(x)")
    )
    assert arguments(convolutional) == {"norm_layer": nn.BatchNorm2d}
    assert arguments(linear) == {"norm_layer": nn.LayerNorm}


def test_a_block_class_is_one_of_the_file_that_can_be_called_so(guess: Guess) -> None:
    trial = guess(
        """
        class Narrow(nn.Module):
            expansion = 1

            def __init__(self, planes):
                super().__init__()
                self.f = nn.Conv2d(planes, planes, 3, padding=1)

            def forward(self, x):
                return x + self.f(x)

        class Other(nn.Module):
            def __init__(self, planes, more):
                super().__init__()

            def forward(self, x):
                return x

        class Net(nn.Module):
            def __init__(self, block, layers):
                super().__init__()
                self.stem = nn.Conv2d(3, 8 * block.expansion, 3)
                self.stages = nn.Sequential(*[block(8) for _ in range(layers[0])])

            def forward(self, x):
                return self.stages(self.stem(x))
        """
    )
    assert arguments(trial)["block"].__name__ == "Narrow"


def test_a_module_that_forward_calls_is_built_from_a_class_of_that_name(guess: Guess) -> None:
    trial = guess(
        """
        class TextEncoder(nn.Module):
            def __init__(self, dim):
                super().__init__()
                self.f = nn.Linear(dim, dim)

            def forward(self, x):
                return x + self.f(x)

        class Net(nn.Module):
            def __init__(self, encoder, dim):
                super().__init__()
                self.encoder = encoder
                self.head = nn.Linear(dim, 5)

            def forward(self, x):
                return self.head(self.encoder(x))
        """
    )
    assert type(arguments(trial)["encoder"]).__name__ == "TextEncoder"


def test_a_module_of_which_nothing_is_known_keeps_the_width(guess: Guess) -> None:
    trial = guess(
        body("dim, fn", "self.norm = nn.LayerNorm(dim)\nself.fn = fn", "return x + self.fn(self.norm(x))")
    )
    assert isinstance(arguments(trial)["fn"], nn.Linear)


# -- passed on ----------------------------------------------------------------------------------------


def test_an_argument_means_what_the_parameter_means_to_which_it_is_passed(guess: Guess) -> None:
    trial = guess(
        """
        class Table(nn.Module):
            def __init__(self, entries, kind):
                super().__init__()
                assert kind in ("sum", "mean")
                self.f = nn.Embedding(entries, 8)

            def forward(self, x):
                return self.f(x)

        class Net(nn.Module):
            def __init__(self, a, b):
                super().__init__()
                self.table = Table(a, kind=b)

            def forward(self, x):
                return self.table(x)
        """
    )
    assert arguments(trial) == {"a": 128, "b": "sum"}


def test_arguments_that_go_on_to_the_base_class_are_those_of_the_base_class(guess: Guess) -> None:
    trial = guess(
        """
        class Base(nn.Module):
            def __init__(self, width, depth):
                super().__init__()
                self.f = nn.Sequential(*[nn.Linear(width, width) for _ in range(depth)])

            def forward(self, x):
                return self.f(x)

        class Net(Base):
            def __init__(self, **kwargs):
                super().__init__(depth=1, **kwargs)
        """
    )
    assert arguments(trial) == {"width": 64}


# -- configuration objects ----------------------------------------------------------------------------


def test_a_configuration_has_what_is_read_from_it_also_by_its_parts(guess: Guess) -> None:
    trial = guess(
        """
        class Block(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                assert cfg.hidden_size % cfg["heads"] == 0
                self.f = nn.Linear(cfg.hidden_size, cfg.get("out", cfg.hidden_size))
                self.act = {"gelu": nn.GELU, "silu": nn.SiLU}[cfg.hidden_act]()

            def forward(self, x):
                return x + self.act(self.f(x))

        class Net(nn.Module):
            def __init__(self, config):
                super().__init__()
                self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
                self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
                self.scale = getattr(config, "scale", 2.0)
                self.head = nn.Linear(config.hidden_size, config.head.classes)

            def forward(self, ids):
                x = self.embed(ids)
                for block in self.blocks:
                    x = block(x)
                return self.head(x) * self.scale
        """
    )
    graph = trial.analysis.graph
    # Embedding 128 x 64, two blocks of 64 x 64 + 64, a head of 64 x 10 + 10: defaults named by the code stay.
    assert graph.parameters == 128 * 64 + 2 * (64 * 64 + 64) + 64 * 10 + 10


def test_a_configuration_that_is_spread_has_what_the_callee_needs(guess: Guess) -> None:
    trial = guess(
        """
        class Block(nn.Module):
            def __init__(self, width, classes):
                super().__init__()
                self.f = nn.Linear(width, classes)

            def forward(self, x):
                return self.f(x)

        class Net(nn.Module):
            def __init__(self, block_kwargs):
                super().__init__()
                self.block = Block(**block_kwargs)

            def forward(self, x):
                return self.block(x)
        """
    )
    assert arguments(trial) == {"block_kwargs": {"width": 64, "classes": 10}}


# -- made consistent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "construct", "holds"),
    [
        (
            "dim, k",
            "assert dim % k == 0 and dim // k == 16, 'sixteen a head'\nself.f = nn.Linear(dim, dim)",
            lambda given: given["dim"] == 16 * given["k"],
        ),
        (
            "width, parts",
            "if width % parts != 0 or parts < 3:\n    raise ValueError\nself.f = nn.Linear(width, 4)",
            lambda given: given["width"] % given["parts"] == 0 and given["parts"] >= 3,
        ),
        (
            "channels, norm_groups",
            "assert channels < 60\nself.f = nn.Sequential(nn.Linear(channels, channels))",
            lambda given: given["channels"] < 60,
        ),
        (
            "depths, widths",
            "assert len(depths) == len(widths) == 3\nself.f = nn.Linear(widths[0], 4)",
            lambda given: len(given["depths"]) == len(given["widths"]) == 3,
        ),
        (
            "things",
            "self.f = nn.ModuleList([nn.Linear(8, 8) for _ in things])[0]",
            lambda given: isinstance(given["things"], list),
        ),
    ],
)
def test_guesses_are_mended_until_they_do(
    guess: Guess, parameters: str, construct: str, holds: Callable[[dict[str, Any]], bool]
) -> None:
    trial = guess(body(parameters, construct, "return self.f(x)"))
    assert holds(arguments(trial))


def test_widths_that_do_not_fit_in_forward_are_made_to_fit(guess: Guess) -> None:
    trial = guess(
        body(
            "in_channels, out_channels",
            "self.f = nn.Conv2d(in_channels, out_channels, 3, padding=1)",
            "return x + self.f(x)",
        )
    )
    given = arguments(trial)
    assert given["in_channels"] == given["out_channels"]


def test_a_second_guess_is_another(write: Write) -> None:
    path = write(
        "net.py",
        body("dim, depth", "self.f = nn.Sequential(*[nn.Linear(dim, dim)] * depth)", "return self.f(x)"),
    )
    tried = trials(path)
    first, second = tried.another(), tried.another()
    assert first is not None
    assert second is not None
    one, other = arguments(first), arguments(second)
    assert one["dim"] != other["dim"]
    assert one["depth"] != other["depth"]


# -- what is said of the rest -------------------------------------------------------------------------


def test_a_fault_that_comes_with_every_guess_alike_is_the_models_own(write: Write) -> None:
    path = write(
        "net.py",
        body(
            "width",
            "self.a = nn.Conv2d(3, width, 1)\nself.f = nn.Conv2d(width, width, 3)",
            "x = self.a(x); return x + self.f(x)",
        ),
    )
    trial = traced(trials(path))
    fault = trial.analysis.graph.faults[0]
    # A 3x3 convolution without padding takes two positions off, whatever the width.
    assert fault.shapes[0][-1] - fault.shapes[1][-1] == 2


def test_a_fault_that_the_guess_may_have_made_is_none(write: Write) -> None:
    path = write(
        "net.py",
        body(
            "width, other_size",
            "self.f = nn.Linear(width, 3 * other_size + 1)\nself.g = nn.Linear(7 * width + 2, 5)",
            "return self.g(self.f(x))",
        ),
    )
    with pytest.raises(NotConstructedError) as raised:
        traced(trials(path))
    skipped = raised.value.skipped
    assert "guessed arguments fail (" in skipped.reason
    assert 'target = "net.py:Net"' in skipped.snippet
    assert "width = " in skipped.snippet


def test_a_missing_package_ends_the_guesses(write: Write) -> None:
    path = write("net.py", body("width", "import not_there_at_all", "return x"))
    tried = trials(path)
    with pytest.raises(NotConstructedError, match="No module named 'not_there_at_all'"):
        traced(tried)
    assert len(tried.failures) == 1


def test_what_a_call_of_the_project_tells_is_not_guessed(guess: Guess) -> None:
    """Only ``table`` is open: a run would read it from a file."""
    trial = guess(
        body("width, table", "self.f = nn.Linear(width, 8)\nself.table = len(table)", "return self.f(x)")
        + "\n\ndef main(path):\n    return Net(width=48, table=open(path).read())\n"
    )
    assert arguments(trial)["width"] == 48
