"""Which class reads which event type, and how older versions become the newest one.

A new shape of an event is a new version: a new class with a new `TYPE`, and an upcaster from the version before.
Upcasting happens after verification, on the decoded value, and is never stored back.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from schemas.books.events import BookOpened, DayClosed, DayTotals, EventSkipped, PeriodClosed
from schemas.envelope import UNREADABLE, Envelope, Skimmed, UnreadableEvent, require_size
from schemas.errors import Corrupt
from schemas.loans.events import (
    AgreementWithdrawn,
    ChargesPosted,
    CreditAgreed,
    DisbursementFailed,
    FeeCharged,
    LoanClosed,
    LoanDisbursed,
    LoanOpened,
    LoanPaidOff,
    LoanReopened,
    LoanWrittenOff,
    PartyJoined,
    PartyLeft,
    ScheduleChanged,
    StatementIssued,
)
from schemas.loans.lines import (
    LineClosed,
    LineDrawn,
    LineFrozen,
    LineLimitChanged,
    LineOpened,
    LineUnfrozen,
)
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.events import (
    DelinquencyChanged,
    InstallmentCured,
    InstallmentOverdue,
    OverdueWithdrawn,
    as_change,
)
from schemas.overdue.restructuring import LoanRestructured, RestructuringWithdrawn
from schemas.payments.events import (
    AllocationsRestated,
    AmountWaived,
    CreditRefunded,
    CreditUnclaimed,
    GoodwillCredited,
    MerchantRefunded,
    PaymentDesignated,
    PaymentFailed,
    PaymentPending,
    PaymentReceived,
    PaymentReversed,
    RecoveryReceived,
    TransactionReversed,
)
from schemas.payments.mandates import (
    DebitCancelled,
    DebitNotified,
    DebitReturned,
    DebitSettled,
    DebitSubmitted,
    MandateAuthorised,
    MandateChanged,
    MandateRevoked,
)
from schemas.recorded import decoder
from schemas.values import Event

JOURNAL_TOPIC = "ledger.journal"

Upcaster = Callable[[Event], Event]


class UnknownEventType(Corrupt):
    code = "unknown_event_type"


class Registry:
    """Event types by name. `upcasters` maps a type to the function that makes the next version of it."""

    def __init__(self, types: Iterable[type[Event]], upcasters: Mapping[str, Upcaster] | None = None) -> None:
        self.types: dict[str, type[Event]] = {event_type.TYPE: event_type for event_type in types}
        self._upcasters = dict(upcasters or {})
        self._recorded = {name: decoder(event_type) for name, event_type in self.types.items()}
        self._decoders = {name: msgspec.json.Decoder(event_type) for name, event_type in self.types.items()}

    def decode(self, envelope: Envelope | Skimmed) -> Event:
        """The fact in an envelope, as the newest version of its type.

        Raises `UnknownEventType` for a type that this version of the contract does not have, `UnreadableEvent` for
        data that its class refuses.
        """
        return self._upcast(self._decode_as_written(envelope))

    def decode_recorded(self, name: str, encoded: bytes) -> Event:
        """The fact in the bytes of an event that was recorded as type `name`, much faster than `decode`: the patterns
        of texts, checked when it was recorded, are not checked again.

        Raises as `decode` does, and for bytes that say another type.
        """
        found = self._recorded.get(name)
        if found is None:
            raise UnknownEventType(
                f"asked to read an event of type {name}; this version knows {len(self.types)} types and not this one; "
                "use a version of the schemas that has it"
            )
        require_size(encoded)
        try:
            document = found.decode(encoded)
        except UNREADABLE as error:
            raise UnreadableEvent(
                f"asked to read an event of {len(encoded)} bytes ({name}), found {encoded[:80]!r}: {error}; "
                "it was not written by this version of the contract or has been changed"
            ) from error
        if document.type != name:
            raise UnreadableEvent(
                f"asked to read an event that was delivered as {name}; its own bytes say {document.type}. "
                "It was not written by the journal, or has been changed"
            )
        return self._upcast(document.data)

    def _upcast(self, event: Event) -> Event:
        while upcaster := self._upcasters.get(event.TYPE):
            event = upcaster(event)
        return event

    def families(self) -> tuple[str, ...]:
        """The family topics, sorted."""
        return tuple(sorted({event_type.FAMILY for event_type in self.types.values()}))

    def _decode_as_written(self, envelope: Envelope | Skimmed) -> Event:
        decoder = self._decoders.get(envelope.type)
        if decoder is None:
            raise UnknownEventType(
                f"asked to read event {envelope.id} of type {envelope.type}; this version knows "
                f"{len(self.types)} types and not this one; use a version of the schemas that has it"
            )
        try:
            return decoder.decode(envelope.data)
        except UNREADABLE as error:
            raise UnreadableEvent(
                f"asked to read the data of event {envelope.id} ({envelope.type}): {error}; "
                "it was not written by this version of the contract or has been changed"
            ) from error


REGISTRY = Registry(
    [
        BookOpened,
        DayClosed,
        DayTotals,
        PeriodClosed,
        EventSkipped,
        LoanOpened,
        LoanPaidOff,
        LoanReopened,
        CreditAgreed,
        LoanDisbursed,
        DisbursementFailed,
        AgreementWithdrawn,
        ChargesPosted,
        FeeCharged,
        ScheduleChanged,
        StatementIssued,
        LoanWrittenOff,
        LoanClosed,
        LineOpened,
        LineLimitChanged,
        LineFrozen,
        LineUnfrozen,
        LineDrawn,
        LineClosed,
        PartyJoined,
        PartyLeft,
        PaymentReceived,
        PaymentReversed,
        PaymentPending,
        PaymentDesignated,
        PaymentFailed,
        MerchantRefunded,
        GoodwillCredited,
        AmountWaived,
        CreditRefunded,
        CreditUnclaimed,
        RecoveryReceived,
        TransactionReversed,
        AllocationsRestated,
        MandateAuthorised,
        MandateChanged,
        MandateRevoked,
        DebitNotified,
        DebitSubmitted,
        DebitSettled,
        DebitReturned,
        DebitCancelled,
        InstallmentOverdue,
        InstallmentCured,
        OverdueWithdrawn,
        DelinquencyChanged,
        OverdueRulesSet,
        CountingPaused,
        CountingResumed,
        LoanRestructured,
        RestructuringWithdrawn,
    ],
    upcasters={each.TYPE: as_change for each in (InstallmentOverdue, InstallmentCured, OverdueWithdrawn)},
)


def types_of(kind: type[Event]) -> frozenset[str]:
    """The names of all types that are of a kind, for example a `MoneyEvent`."""
    return frozenset(name for name, each in REGISTRY.types.items() if issubclass(each, kind))
