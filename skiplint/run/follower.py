"""Whoever wants to know how a run goes while it goes."""

from __future__ import annotations

from skiplint.reporting.report import ModelReport, Status


class Follower:
    """Is told what happens in a run, in the order in which it happens; this one does nothing with it."""

    def planned(self, units: int, noun: str) -> None:
        """The run has so many units of work; ``noun`` says of what kind: "file" or "target"."""

    def found(self, models: int) -> None:
        """One unit holds so many models."""

    def working(self, target: str, stage: str) -> None:
        """Work on a model goes on; ``stage`` says with what, as in "its forward ran"."""

    def done(self, target: str, status: Status) -> None:
        """A model is done, in any order."""

    def unit_done(self) -> None:
        """All models of one unit are done."""

    def reported(self, model: ModelReport) -> None:
        """A model and all before it are done, so that its place in the report is fixed."""
