"""Answers from the spells in which installments were past due: classes, roll rates, vintages."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ledger.domain.classification import Change, Scheme, Spell, classify
from ledger.domain.delinquency import AS_DUE, CONTRACTUAL, Overdue, bucket
from ledger.domain.restructured import Restructuring
from projections.counting import meanings, restructurings
from projections.reading import Reader, axes, last_known

PAID = "paid"
"""Where a loan rolls that owes nothing any more."""

BUCKETS = tuple(f"M{number}" for number in range(8))


class LoanSpells(NamedTuple):
    """All spells of a loan, as known at a position, and what overdue means for it."""

    loan: str
    currency: str
    principal_minor: int
    opened_on: date
    spells: tuple[Spell, ...]
    overdue: Overdue
    restructured: tuple[Restructuring, ...] = ()

    def days(self, on: date) -> int:
        """Days past due on a date, by the contractual counter: of the oldest installment that is late then."""
        late = (each for each in self.spells if each.due_on < on and (each.ended_on is None or each.ended_on > on))
        return max((self._days(each, on) for each in late), default=0)

    def _days(self, spell: Spell, on: date) -> int:
        if not self.overdue.is_past_due(spell.due_on, on):
            return 0
        return self.overdue.days(spell.due_on, spell.due_on, on, CONTRACTUAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Classified:
    """A loan that is not in the best class, or was not always: all changes, the newest last. `owed_minor`: in all."""

    loan: str
    currency: str
    owed_minor: int
    since: date
    days_past_due: int
    now: str
    reason: str
    changes: Sequence[Change]


@dataclass(frozen=True, kw_only=True, slots=True)
class RollRates:
    """Loans that owed something at the end of `month`, by their bucket then, and where they were a month later: in a
    bucket, or `paid`."""

    month: date
    following: date
    currency: str
    loans: Mapping[str, Mapping[str, int]]

    def rate(self, before: str, after: str) -> float | None:
        """The part of the loans of a bucket that came into another one; None where there was no loan."""
        total = sum(self.loans.get(before, {}).values())
        return self.loans[before].get(after, 0) / total if total else None

    def rate_worse(self, before: str) -> float | None:
        """The part of the loans of a bucket that came into a worse one."""
        rates = [self.rate(before, after) for after in BUCKETS if after > before]
        return None if not rates or rates[0] is None else sum(each or 0.0 for each in rates)


@dataclass(frozen=True, kw_only=True, slots=True)
class Vintage:
    """Loans opened in a month: how many, and how many had ever been so late by the end of each month on book."""

    month: date
    currency: str
    loans: int
    ever_late: Sequence[int]


def spells_of(at: Reader, known_at: int | None, loan_id: str | None = None) -> Iterator[LoanSpells]:
    """Of all loans that were ever marked or restructured, or of one, in order of their ids."""
    said = at.said(known_at, loan_id)
    means, eased = meanings(said), restructurings(said)
    asked = {"known_at": last_known(known_at), "loan": loan_id, "named": list(eased)}
    for loan, rows in groupby(at.dicts("spells", asked), key=itemgetter("loan")):
        found = list(rows)
        yield LoanSpells(
            loan=loan,
            currency=found[0]["currency"],
            principal_minor=found[0]["principal_minor"],
            opened_on=found[0]["opened_on"],
            spells=tuple(
                Spell(
                    installment=row["installment"],
                    due_on=row["due_on"],
                    overdue_minor=row["overdue_minor"],
                    ended_on=row["ended_on"],
                )
                for row in found
                if row["installment"]
            ),
            overdue=means.get(loan, AS_DUE),
            restructured=eased.get(loan, ()),
        )


def classified(
    at: Reader, scheme: Scheme, as_of: date, known_at: int | None, loan_id: str | None = None
) -> list[Classified]:
    """Loans with a change up to a date that owe anything on it, in order of their ids; or one, whatever it owes."""
    found = []
    for each in spells_of(at, known_at, loan_id):
        changes = classify(
            scheme,
            each.spells,
            each.overdue,
            as_of,
            principal_minor=each.principal_minor,
            currency=each.currency,
            restructured=each.restructured,
        )
        if changes:
            last = changes[-1]
            found.append(
                Classified(
                    loan=each.loan,
                    currency=each.currency,
                    owed_minor=0,
                    since=last.on,
                    days_past_due=each.days(as_of),
                    now=last.after,
                    reason=last.reason,
                    changes=changes,
                )
            )
    asked = axes(as_of, known_at) | {"loans": [each.loan for each in found]}
    owed = {row["loan"]: row["owed_minor"] for row in at.dicts("owed", asked)}
    return [replace(each, owed_minor=owed.get(each.loan, 0)) for each in found if loan_id or each.loan in owed]


def roll_rates(at: Reader, until: date, months: int, known_at: int | None) -> list[RollRates]:
    """Of the last `months` pairs of month ends up to a date, by currency, the oldest first."""
    ends = _month_ends(until, months + 1)
    spells = {each.loan: each for each in spells_of(at, known_at)}
    asked = {"after_ends": [end + timedelta(1) for end in ends], "known_at": last_known(known_at)}
    tables: dict[tuple[int, str], defaultdict[str, Counter[str]]] = {}
    for row in at.dicts("owing", asked):
        late, owing = spells.get(row["loan"]), set(row["nths"])
        for nth in owing - {len(ends)}:
            table = tables.setdefault((nth, row["currency"]), defaultdict(Counter))
            before, after = (bucket(late.days(end)) if late else BUCKETS[0] for end in ends[nth - 1 : nth + 1])
            table[before][after if nth + 1 in owing else PAID] += row["loans"]
    return [
        RollRates(month=ends[nth - 1], following=ends[nth], currency=currency, loans=_ordered(table))
        for (nth, currency), table in sorted(tables.items(), key=itemgetter(0))
    ]


def vintages(at: Reader, until: date, days: int, known_at: int | None) -> list[Vintage]:
    """By month of opening: how many loans had been `days` days past due or more by the end of each month since."""
    reached: defaultdict[tuple[date, str], list[date]] = defaultdict(list)
    for each in spells_of(at, known_at):
        first = min((on for on in _first_days(each, days) if on <= until), default=None)
        if first:
            reached[each.opened_on.replace(day=1), each.currency].append(first)
    found = []
    for row in at.dicts("opened_by_month", {"until": until, "known_at": last_known(known_at)}):
        dates = sorted(reached[row["month"], row["currency"]])
        ends = list(_ends_since(row["month"], until))
        ever = [sum(1 for on in dates if on <= end) for end in ends]
        found.append(Vintage(month=row["month"], currency=row["currency"], loans=row["loans"], ever_late=ever))
    return found


def _first_days(loan: LoanSpells, days: int) -> Iterator[date]:
    """On which each spell of a loan reaches so many days, if it lasts until then."""
    for spell in loan.spells:
        on = loan.overdue.date_of(spell.due_on, spell.due_on, days)
        if on and (spell.ended_on is None or on < spell.ended_on):
            yield on


def _ordered(table: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    order = (*BUCKETS, PAID)
    return {
        before: {after: table[before][after] for after in order if table[before][after]}
        for before in order
        if before in table
    }


def _month_ends(until: date, count: int) -> list[date]:
    """The last `count` month ends up to a date, the oldest first."""
    ends: list[date] = []
    end = (until + timedelta(1)).replace(day=1) - timedelta(1)
    for _ in range(count):
        ends.append(end)
        end = end.replace(day=1) - timedelta(1)
    return ends[::-1]


def _ends_since(month: date, until: date) -> Iterator[date]:
    """The ends of a month and of those after it; the last one may be `until`."""
    while month <= until:
        following = (month + timedelta(31)).replace(day=1)
        yield min(following - timedelta(1), until)
        month = following
