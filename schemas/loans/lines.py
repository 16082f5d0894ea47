"""Events of credit lines: a limit, and what is drawn under it, each time with a loan of its own."""

from datetime import date

from schemas.values import AmountMinor, Currency, Event, Identifier, PositiveMinor, Text, Word


class LineEvent(Event, frozen=True):
    """A fact about a credit line."""

    STREAM = "line/{line_id}"
    FAMILY = "ledger.loans"

    line_id: Identifier
    currency: Currency

    @property
    def subject(self) -> str:
        return self.line_id


class LineOpened(LineEvent, frozen=True):
    """A borrower may draw up to a limit: principal that is owed, of all draws together."""

    TYPE = "ledger.line.opened.v1"

    product: Word
    party_id: Identifier
    limit_minor: PositiveMinor
    opened_on: date

    @property
    def value_date(self) -> date:
        return self.opened_on


class LineLimitChanged(LineEvent, frozen=True):
    """Another limit holds. Below what is drawn already, nothing more is drawn until that is paid back."""

    TYPE = "ledger.line.limit_changed.v1"

    limit_minor: AmountMinor
    changed_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.changed_on


class LineFrozen(LineEvent, frozen=True):
    """Nothing is drawn for the time being; what is owed is paid back as before."""

    TYPE = "ledger.line.frozen.v1"

    frozen_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.frozen_on


class LineUnfrozen(LineEvent, frozen=True):
    """It can be drawn again."""

    TYPE = "ledger.line.unfrozen.v1"

    unfrozen_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.unfrozen_on


class LineDrawn(LineEvent, frozen=True):
    """Part of the limit was paid out: loan `loan_id` says under which terms. `used_minor`: principal that all loans of
    the line owe from then on."""

    TYPE = "ledger.line.drawn.v1"

    loan_id: Identifier
    disbursement_id: Identifier
    amount_minor: PositiveMinor
    used_minor: AmountMinor
    limit_minor: PositiveMinor
    drawn_on: date

    @property
    def value_date(self) -> date:
        return self.drawn_on


class LineClosed(LineEvent, frozen=True):
    """Nothing is drawn any more, and nothing was owed."""

    TYPE = "ledger.line.closed.v1"

    closed_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.closed_on
