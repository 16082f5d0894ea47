"""Values that several event types share, and the base class of all events."""

from datetime import date
from typing import Annotated, Any, ClassVar, Self, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

Absent: TypeAlias = UnsetType
ABSENT = UNSET
"""An optional field that is not there; it is false, and never written."""

LARGEST_MINOR = 2**53 - 1
"""The largest amount, in minor units: what every JSON reader holds exactly (RFC 8259, section 6)."""

# Patterns end in \Z, because Python's $ lets a line feed pass. JSON Schema has no \Z; its $ means the same.
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217 code")]
PositiveMinor = Annotated[int, Meta(ge=1, le=LARGEST_MINOR, description="minor units")]
AmountMinor = Annotated[int, Meta(ge=0, le=LARGEST_MINOR, description="minor units")]
SignedMinor = Annotated[int, Meta(ge=-LARGEST_MINOR, le=LARGEST_MINOR, description="minor units")]
Count = Annotated[int, Meta(ge=0)]
PositiveCount = Annotated[int, Meta(ge=1)]
InstallmentNumber = Annotated[int, Meta(ge=1, description="counted from 1")]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Bucket = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9]{0,15}\Z")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256, lowercase hex")]
Text = Annotated[str, Meta(max_length=500)]


def matching(pattern: str, description: str) -> Meta:
    """Of a string that has to match a pattern."""
    return Meta(pattern=pattern, description=description)


with_fields = msgspec.structs.replace
"""The same value or state with other values in some fields: `changed`, for where a call costs too much."""


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A part of an event. Unknown fields are refused; optional ones are absent, never null."""

    def changed(self, **fields: Any) -> Self:
        """The same with other values in some fields."""
        return msgspec.structs.replace(self, **fields)

    def as_plain(self) -> dict[str, Any]:
        """The same in the types that JSON has; fields that are as by default are left out."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Read back what `as_plain` gave; raises `msgspec.ValidationError` for anything else."""
        return msgspec.convert(plain, cls)


class State(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is folded from events. Frozen like them, and no part of the contract."""

    def changed(self, **fields: Any) -> Self:
        """The same with other values in some fields."""
        return msgspec.structs.replace(self, **fields)


class Basis(Value, frozen=True):
    """What a decision rested on besides its facts, so that it can be repeated in any year."""

    engine: Text
    policy: Text
    tzdata: Text


class Posting(Value, frozen=True):
    """One line of double entry. Debits are positive, credits negative; the lines of one event add up to zero.

    Accounts: `receivable` (what the borrower owes, by component and installment), `funding` (what was paid out),
    `cash` (what came in), `credit` (what the lender owes the borrower: money received beyond the debt), and those of
    income and expense that the chart of accounts names.
    """

    account: Word
    amount_minor: SignedMinor
    value_date: date
    component: Word | Absent = ABSENT
    installment: InstallmentNumber | Absent = ABSENT


class Standing(Value, frozen=True):
    """What a loan owes once the whole request that this event belongs to is applied, as known at that time.

    `status` is agreed, active, overdue, paid_off, withdrawn, written_off or closed. `total_due_minor` is all that is
    still owed: principal, and what is charged; `overdue_minor` the part of it that is past due; `credit_minor` what the
    lender owes the borrower.
    """

    status: Word
    principal_minor: AmountMinor
    overdue_minor: AmountMinor
    total_due_minor: AmountMinor
    credit_minor: AmountMinor


class Event(Value, frozen=True):
    """An immutable fact. Each subclass is one version of one event type and, once published, never changes."""

    TYPE: ClassVar[str]
    FAMILY: ClassVar[str]
    STREAM: ClassVar[str]
    """The stream that holds it, with the field that names it in braces."""

    @property
    def subject(self) -> str:
        """The Kafka key: what the event is ordered by."""
        raise NotImplementedError

    @property
    def value_date(self) -> date:
        """The date on which the fact counts."""
        raise NotImplementedError


class LoanEvent(Event, frozen=True):
    """A fact about one loan."""

    STREAM = "loan/{loan_id}"

    loan_id: Identifier
    currency: Currency
    standing: Standing
    basis: Basis

    @property
    def subject(self) -> str:
        return self.loan_id


class MoneyEvent(LoanEvent, frozen=True):
    """A fact that moves money. `booking_date` is the date that it counts in the books of account."""

    booking_date: date
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        total_minor = 0
        for posting in self.postings:  # a loop: this runs whenever an event is read
            total_minor += posting.amount_minor
        if total_minor != 0:
            raise ValueError(f"the postings of {self.TYPE} for {self.loan_id} add up to {total_minor}, not to 0")
