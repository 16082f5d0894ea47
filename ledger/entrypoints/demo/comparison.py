"""Compares days past due as Kafka's overdue events tell them with what a loan file says of itself."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ledger.domain.delinquency import days_past_due
from schemas.overdue.events import DelinquencyChanged
from schemas.values import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """One loan's lateness: due on a date, cured on a value date or (None) still open."""

    due_on: date
    cured_on: date | None = None

    def days(self, as_of: date) -> int:
        """Days past due when it was cured, or on `as_of`."""
        return days_past_due(self.due_on, self.cured_on or as_of)

    def dates(self, as_of: date) -> str:
        return f"due {self.due_on}, {f'paid {self.cured_on}' if self.cured_on else f'open on {as_of}'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A loan of which file and events do not say the same."""

    loan_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`stated`: rows of the file with days past due. `agreed`: those that the events confirm."""

    stated: int
    agreed: int
    differences: tuple[Difference, ...]


def fold_lateness(events: Iterable[Event]) -> dict[str, Lateness]:
    """Lateness by loan from overdue events, each loan's in order."""
    found: dict[str, Lateness] = {}
    for event in events:
        if isinstance(event, DelinquencyChanged):
            for marked in event.marked:
                found[event.loan_id] = Lateness(due_on=marked.due_on)
            for cured in event.cured:
                found[event.loan_id] = Lateness(due_on=cured.due_on, cured_on=cured.cured_on)
            if event.withdrawn:
                found.pop(event.loan_id, None)
    return found


def stated_days(path: Path) -> dict[str, int | None]:
    """What the column `past_due_days` of a loan file says, by loan; None where it is blank."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            row["Loan_ID"]: int(row["past_due_days"]) if row["past_due_days"].strip() else None
            for row in csv.DictReader(file)
        }


def compare(stated: Mapping[str, int | None], found: Mapping[str, Lateness], as_of: date) -> Comparison:
    """Hold what the file states against what the events tell, as of a date."""
    differences = [
        Difference(loan_id=loan_id, reason=reason)
        for loan_id, days in stated.items()
        if (reason := _reason(days, found.get(loan_id), as_of))
    ]
    counted = {loan_id for loan_id, days in stated.items() if days is not None}
    differing = {difference.loan_id for difference in differences}
    return Comparison(stated=len(counted), agreed=len(counted - differing), differences=tuple(differences))


def _reason(stated: int | None, lateness: Lateness | None, as_of: date) -> str | None:
    """Why file and events differ about a loan; None if they agree."""
    days = lateness.days(as_of) if lateness else 0
    if (stated or 0) == days:
        return None
    dates = lateness.dates(as_of) if lateness else "paid in time"
    said = "leaves the days blank" if stated is None else f"says {stated} days"
    return f"the file {said}; its own dates, {dates}, give {days}"
