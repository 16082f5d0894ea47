"""What a restatement of one loan says. Amounts are in minor units."""

from datetime import date
from typing import NamedTuple

import msgspec

Figured = int | date | str
"""What a figure can be; its name ends in `_minor` (an amount), `_on` (a date), or is a word for a text."""

SECTIONS = ("balances", "installments", "allocations", "charges", "overdue_marks")
"""In the order in which they are shown. Another kind of thing that can be believed and restated is one more section."""


class Figure(NamedTuple):
    """Names one figure. What does not apply is empty: no text, 0 for the installment, None for the date.

    `subject`: the transaction that an allocation is of. `on`: its value date, or the date that a charge counts from.
    """

    section: str
    name: str
    subject: str = ""
    on: date | None = None
    component: str = ""
    installment: int = 0

    @property
    def place(self) -> tuple[object, ...]:
        """Where it stands among all others."""
        return (
            SECTIONS.index(self.section),
            self.on or date.min,
            self.subject,
            self.installment,
            self.component,
            self.name,
        )


class EventReference(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the journal. `hash`: SHA-256 of its bytes, hex."""

    position: int
    type: str
    hash: str


class RestatedFigure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure as it was believed, and as it is known.

    `name` says what it is and in which unit: `*_minor` is an amount (0 where there is none), `*_on` a date, anything
    else a word; `before` and `after` are null where there was or is none. `subject`, `on`, `component` and
    `installment` say of what, where they apply. `changed_by`: the events that changed it in between, in order; with
    what followed from a fact, the fact itself.
    """

    name: str
    before: Figured | None
    after: Figured | None
    changed_by: tuple[EventReference, ...]
    subject: str = ""
    on: date | None = None
    component: str = ""
    installment: int = 0


class RestatementSection(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one kind: `balances` (by component), `installments` (when they fall due, what they ask for, what of it
    is covered and since when), `allocations` (where each payment, refund, credit and waiver went), `charges` (interest,
    penalty interest, fees), `overdue_marks`."""

    name: str
    figures: tuple[RestatedFigure, ...]


class LoanRestatement(msgspec.Struct, frozen=True, kw_only=True):
    """What was believed about a loan at position `between[0]`, and what is known at `between[1]`.

    `as_of`: only what counts by that value date; null: on whatever date. `sections` are always the same ones in the
    same order; each holds the figures that differ, or all of them where they were asked for. `restated`: whether any
    differs.
    """

    loan: str
    currency: str
    between: tuple[int, int]
    as_of: date | None
    restated: bool
    sections: tuple[RestatementSection, ...]
