"""All payments that a loan ever took, packed: most commands need none of them, and a long life is long to unpack."""

from ledger.domain.allocation import Payment
from schemas.packed import NOTHING_PACKED, Packed
from schemas.values import State

_RECENT = 64


class History(State, frozen=True):
    """Payments in the order in which they became known: the earlier ones packed, then the `recent` ones."""

    earlier: Packed
    recent: tuple[Payment, ...]

    def __len__(self) -> int:
        return self.earlier.count + len(self.recent)

    def with_payment(self, payment: Payment) -> "History":
        recent = (*self.recent, payment)
        if len(recent) < _RECENT:
            return History(earlier=self.earlier, recent=recent)
        return History(earlier=self.earlier.with_items(recent), recent=())

    def payments(self) -> tuple[Payment, ...]:
        """All of them, unpacked."""
        return (*self.earlier.unpacked(Payment), *self.recent)

    def find(self, payment_id: str) -> Payment | None:
        """A payment by its id."""
        found = next((payment for payment in self.recent if payment.payment_id == payment_id), None)
        if found is None and self.earlier.may_hold(payment_id):
            found = next((payment for payment in self.payments() if payment.payment_id == payment_id), None)
        return found


NO_PAYMENTS = History(earlier=NOTHING_PACKED, recent=())
