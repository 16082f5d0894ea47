"""Events that say how days past due are counted: by which rules, and when counters stand still."""

from datetime import date

from schemas.overdue.rules import MovedDay, OverdueRules
from schemas.values import ABSENT, Absent, Identifier, LoanEvent, Text, Word


class OverdueRulesSet(LoanEvent, frozen=True):
    """What overdue means, for installments that fall due on `since` or later, until other rules are set.

    `moved`: the closed days among the last days in time, as the calendar said when the rules were set.
    """

    TYPE = "ledger.loan.overdue_rules_set.v1"
    FAMILY = "ledger.overdue"

    set_on: date
    since: date
    rules: OverdueRules
    moved: tuple[MovedDay, ...] = ()

    @property
    def value_date(self) -> date:
        return self.since


class CountingPaused(LoanEvent, frozen=True):
    """Counters (`contractual`, `bureau`, `regulatory`) stand still from `since` on.

    `until` is the last day with the same number; absent: nobody knows yet. `how`: days meanwhile never count (`pause`),
    or count once it is over (`freeze`). `reason`: relief, dispute, moratorium or disaster; `note`: which one.
    """

    TYPE = "ledger.loan.counting_paused.v1"
    FAMILY = "ledger.overdue"

    pause_id: Identifier
    counters: tuple[Word, ...]
    how: Word
    reason: Word
    since: date
    until: date | Absent = ABSENT
    note: Text | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.since


class CountingResumed(LoanEvent, frozen=True):
    """A pause ends: `until` is the last day with the same number, whatever was said before; before its first day: it
    never was."""

    TYPE = "ledger.loan.counting_resumed.v1"
    FAMILY = "ledger.overdue"

    pause_id: Identifier
    until: date

    @property
    def value_date(self) -> date:
        return self.until
