"""All transactions of a loan, packed: most commands need none of them, and a long life is long to unpack."""

from collections.abc import Iterable

from ledger.domain.transactions import Transaction
from schemas.packed import NOTHING_PACKED, Packed
from schemas.values import State

RECENT = 16  # another number makes other blocks: snapshots then need another FOLD
_TRANSACTION_BYTES = 400  # as measured; packed it takes 40


class History(State, frozen=True):
    """Transactions in the order in which they became known: the earlier ones packed, then the `recent` ones, which in a
    long life are never less than `RECENT`.

    The earlier ones may be kept elsewhere; whoever looks at them then gets `KeptElsewhere`.
    """

    earlier: Packed
    recent: tuple[Transaction, ...]

    def __len__(self) -> int:
        return self.earlier.count + len(self.recent)

    @property
    def memory_bytes(self) -> int:
        """How much memory it takes, about."""
        return _TRANSACTION_BYTES * len(self.recent) + sum(map(len, self.earlier.blocks)) + len(self.earlier.names)

    def with_transaction(self, transaction: Transaction) -> "History":
        recent = (*self.recent, transaction)
        if len(recent) < 2 * RECENT:
            return History(earlier=self.earlier, recent=recent)
        return History(earlier=self.earlier.with_block(recent[:RECENT]), recent=recent[RECENT:])

    def with_earlier(self, blocks: Iterable[bytes]) -> "History":
        """The same, with what was kept elsewhere."""
        return History(earlier=self.earlier.with_earlier(blocks), recent=self.recent)

    def without_earlier(self, blocks: int) -> "History":
        """The same, with the first blocks of the earlier transactions kept elsewhere."""
        return History(earlier=self.earlier.without_blocks(blocks), recent=self.recent)

    def transactions(self) -> tuple[Transaction, ...]:
        """All of them, unpacked."""
        return (*self.earlier.unpacked(Transaction), *self.recent)

    def since(self, count: int) -> tuple[Transaction, ...]:
        """All but the first `count`; unpacked only where some of those packed are among them."""
        if count >= self.earlier.count:
            return self.recent[count - self.earlier.count :]
        return self.transactions()[count:]

    def find(self, transaction_id: str) -> Transaction | None:
        """A transaction by its id."""
        found = next((each for each in self.recent if each.id == transaction_id), None)
        if found is None and self.earlier.may_hold(transaction_id):
            found = next((each for each in self.transactions() if each.id == transaction_id), None)
        return found


NO_TRANSACTIONS = History(earlier=NOTHING_PACKED, recent=())
