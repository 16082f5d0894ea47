"""All transactions of a loan, packed: most commands need none of them, and a long life is long to unpack."""

from ledger.domain.transactions import Transaction
from schemas.packed import NOTHING_PACKED, Packed
from schemas.values import State

_RECENT = 64


class History(State, frozen=True):
    """Transactions in the order in which they became known: the earlier ones packed, then the `recent` ones."""

    earlier: Packed
    recent: tuple[Transaction, ...]

    def __len__(self) -> int:
        return self.earlier.count + len(self.recent)

    def with_transaction(self, transaction: Transaction) -> "History":
        recent = (*self.recent, transaction)
        if len(recent) < _RECENT:
            return History(earlier=self.earlier, recent=recent)
        return History(earlier=self.earlier.with_items(recent), recent=())

    def transactions(self) -> tuple[Transaction, ...]:
        """All of them, unpacked."""
        return (*self.earlier.unpacked(Transaction), *self.recent)

    def find(self, transaction_id: str) -> Transaction | None:
        """A transaction by its id."""
        found = next((each for each in self.recent if each.id == transaction_id), None)
        if found is None and self.earlier.may_hold(transaction_id):
            found = next((each for each in self.transactions() if each.id == transaction_id), None)
        return found


NO_TRANSACTIONS = History(earlier=NOTHING_PACKED, recent=())
