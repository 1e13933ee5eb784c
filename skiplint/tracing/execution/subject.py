"""The live model of a graph, for analyses that have to run it again.

A graph describes one forward. Other input sizes, training mode, gradients and initial weights need the model.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from skiplint.graph import Backend, ModelGraph
from skiplint.tracing.execution.backends import Call, prepared
from skiplint.tracing.execution.errors import Refusal, TraceError, refusal
from skiplint.tracing.execution.forward import dry_run, observe_call, trace_call
from skiplint.tracing.execution.reshaping import Shape, reshaped
from skiplint.tracing.recording.recorder import Observer
from skiplint.tracing.recording.trees import tensors_of

Attempt = Callable[[Sequence[Shape]], Refusal | None]

VALUES_LIMIT = 1_000_000_000
"""A model with more parameters (4 GB) that was built without values is not built again with them."""


class SubjectError(Exception):
    """The model has no real weights; ``str()`` is one line that says why."""


class Subject:
    """A model with the inputs that it was traced with. Running it leaves the model unchanged."""

    def __init__(
        self,
        model: nn.Module,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        name: str | None = None,
        realise: Callable[..., nn.Module] | None = None,
        environment: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Hold a model for later runs.

        Args:
            model: the model, with or without real weights.
            args: positional inputs, real tensors.
            kwargs: keyword inputs, real tensors.
            name: what its graphs are called; None means its class.
            realise: builds the model again with real weights, where ``model`` has none; if it takes an
                argument, that is the seed of the weights.
            environment: returns a context to enter while the model's code runs.
        """
        self.model = model
        self.args = args
        self.kwargs = dict(kwargs)
        self._name = name
        self._realise = realise
        self._environment = environment
        self._real: nn.Module | None = None

    def trace(
        self,
        *,
        training: bool | None = None,
        args: tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        backends: Sequence[Backend] | None = None,
        recover: bool = False,
    ) -> ModelGraph:
        """Trace the model again.

        Args:
            training: the mode; None leaves it as it is.
            args: other positional inputs.
            kwargs: other keyword inputs.
            backends: what to run on, see :func:`skiplint.tracing.trace_call`.
            recover: whether to continue after calls that fail on shapes.

        Raises:
            TraceError: the forward fails.
        """
        with ExitStack() as stack:
            stack.enter_context(self._environment())
            stack.enter_context(_mode(self.model, training))
            return trace_call(
                self.model,
                self.args if args is None else args,
                dict(self.kwargs if kwargs is None else kwargs),
                name=self._name,
                backends=backends,
                recover=recover,
            )

    def with_inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Subject:
        """The same model with other inputs."""
        return Subject(
            self.model,
            args,
            kwargs,
            name=self._name,
            realise=self._realise,
            environment=self._environment,
        )

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the tensors among the inputs, in the order of the arguments."""
        return tuple(tuple(tensor.shape) for tensor in tensors_of(self.args, self.kwargs))

    @contextmanager
    def attempts(self, backend: Backend = "meta") -> Iterator[Attempt]:
        """Yield a function that runs the forward once, unrecorded, on inputs of given shapes.

        ``attempt(shapes)`` takes a shape for each of :attr:`shapes` and returns None if the forward ran, else
        why it did not. Each attempt finds the model as it was.
        """

        def attempt(shapes: Sequence[Shape]) -> Refusal | None:
            args, kwargs = reshaped(self.args, self.kwargs, shapes)
            error = dry_run(self.model, args, kwargs, backends=(backend,))
            return None if error is None else refusal(error)

        with self._environment():
            yield attempt

    def graph_at(self, shapes: Sequence[Shape], backend: Backend = "meta") -> ModelGraph | None:
        """The graph of a forward on inputs of other shapes, with the calls that fail there.

        None if the trace cannot continue after one of them.
        """
        args, kwargs = reshaped(self.args, self.kwargs, shapes)
        try:
            return self.trace(args=args, kwargs=kwargs, backends=(backend,), recover=True)
        except TraceError:
            return None

    def in_mode(self, *, training: bool) -> ModelGraph | None:
        """The graph in training or evaluation mode, None if the model does not run so."""
        try:
            return self.trace(training=training)
        except TraceError:
            return None

    def state(self) -> Mapping[str, Tensor] | None:
        """Parameters and buffers with values, a shared one under each name; None without real weights."""
        try:
            model = self.real()
        except SubjectError:
            return None
        parameters = model.named_parameters(remove_duplicate=False)
        return {**dict(parameters), **dict(model.named_buffers(remove_duplicate=False))}

    def real(self) -> nn.Module:
        """The model with real weights: as they were given, or as its constructor initialises them.

        Raises:
            SubjectError: it is too large, or it cannot be built with values.
        """
        if self._real is None:
            self._real = self._realised()
        return self._real

    @contextmanager
    def running(self, *, training: bool = False, seed: int = 0) -> Iterator[Call]:
        """Yield ``(model, args, kwargs)`` to be called on real values, gradients recorded.

        Random numbers follow ``seed`` inside. Afterwards buffers, modes, gradients and the random state are
        as before; the parameters themselves are the model's own, so they must not be written to.

        Raises:
            SubjectError: see :meth:`real`.
        """
        model = self.real()
        with ExitStack() as stack:
            stack.enter_context(self._environment())
            stack.enter_context(_mode(model, training))
            stack.enter_context(_gradients_kept(model))
            ready = stack.enter_context(
                prepared("eager", model, self.args, self.kwargs, grad=True, seed=seed)
            )
            yield ready

    def observe(
        self,
        observer: Observer,
        *,
        model: nn.Module | None = None,
        args: tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        training: bool = True,
        seed: int = 0,
        keep: list[torch.Tensor] | None = None,
    ) -> ModelGraph:
        """Run the model once on real values with gradients; ``observer`` runs each recorded call.

        Args:
            observer: runs the calls that are recorded.
            model: another model of the same class; None means :meth:`real`.
            args: other positional inputs.
            kwargs: other keyword inputs.
            training: the mode.
            seed: of the random numbers that the forward draws.
            keep: gets the tensors that the model returns, one for each operand of the graph's output.

        Raises:
            SubjectError: see :meth:`real`.
            TraceError: the forward fails in this mode.
        """
        model = self.real() if model is None else model
        with ExitStack() as stack:
            stack.enter_context(self._environment())
            stack.enter_context(_mode(model, training))
            return observe_call(
                model,
                self.args if args is None else args,
                dict(self.kwargs if kwargs is None else kwargs),
                observer,
                name=self._name,
                keep=keep,
                seed=seed,
            )

    def fresh(self, seed: int) -> nn.Module:
        """The model with new random weights.

        It is built again where the model says how. Else it is a copy in which ``reset_parameters`` is called
        on every module that has it.

        Raises:
            SubjectError: it can be neither built with values nor copied.
        """
        if any(tensor.is_meta for tensor in self.model.parameters()) and self._realise is not None:
            return self._realised(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                model = copy.deepcopy(self.real())
            except Exception as error:
                raise SubjectError(f"{type(self.model).__name__} cannot be copied: {error}") from error
            for module in model.modules():
                draw = getattr(module, "reset_parameters", None)
                if callable(draw):
                    draw()
            return model

    def _realised(self, seed: int = 0) -> nn.Module:
        if not any(tensor.is_meta for tensor in self.model.parameters()):
            return self.model
        count = sum({id(p): p.numel() for p in self.model.parameters()}.values())
        if self._realise is None or count > VALUES_LIMIT:
            why = "nothing says how to build it" if self._realise is None else f"{count:,} are too many"
            raise SubjectError(f"{type(self.model).__name__} has no values in its weights, and {why}")
        try:
            seeded = bool(inspect.signature(self._realise).parameters)
            model = self._realise(seed) if seeded else self._realise()
        except Exception as error:
            raise SubjectError(f"{type(self.model).__name__} cannot be built with values: {error}") from error
        if any(tensor.is_meta for tensor in model.parameters()):
            raise SubjectError(f"{type(model).__name__} keeps weights on the meta device")
        return model


@contextmanager
def _mode(model: nn.Module, training: bool | None) -> Iterator[None]:
    """Put ``model`` into a mode, and every module of it back into its own afterwards."""
    if training is None:
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    try:
        model.train(training)
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def _gradients_kept(model: nn.Module) -> Iterator[None]:
    before = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in before:
        parameter.grad = None
    try:
        yield
    finally:
        for parameter, gradient in before:
            parameter.grad = gradient
