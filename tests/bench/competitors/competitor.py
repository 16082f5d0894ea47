"""What every competitor offers, and the loans that its callers take in turn."""

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from tests.bench.rounds import Work


class Competitor(Protocol):
    """One way of recording payments. `name` is how figures call it."""

    name: str

    def prepare(self, commands: int) -> None:
        """Have loans ready that no command has touched, for so many commands. Not measured."""

    def callers(self, number: int) -> Sequence[Work]:
        """The command of each of so many callers."""

    def close(self) -> None:
        """Let go what was opened."""


class Turns:
    """Loans that any number of callers take in turn, from the first again when all had theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._numbers = count()

    def next(self) -> str:
        return self._names[next(self._numbers) % len(self._names)]

    def last(self, number: int) -> list[str]:
        """The loans that were taken last."""
        taken = next(self._numbers)
        return [self._names[n % len(self._names)] for n in range(max(0, taken - number), taken)]
