"""All payments that a loan ever took, packed: most commands need none of them, and a long life is long to unpack."""

import msgspec

from ledger.domain.allocation import Payment

_RECENT = 64
_ARRAY_32 = b"\xdd"  # MessagePack: an array whose length follows in four bytes
_HEADER_BYTES = 5

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Payment, ...]).decode


def _packed(count: int, elements: bytes) -> msgspec.Raw:
    return msgspec.Raw(_ARRAY_32 + count.to_bytes(4) + elements)


class History(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Payments in the order in which they became known. `packed`: `count` of them, an array in MessagePack, which is
    read without being copied; `recent`: those after them."""

    count: int
    packed: msgspec.Raw
    recent: tuple[Payment, ...]

    def __len__(self) -> int:
        return self.count + len(self.recent)

    def with_payment(self, payment: Payment) -> "History":
        recent = (*self.recent, payment)
        if len(recent) < _RECENT:
            return History(count=self.count, packed=self.packed, recent=recent)
        count = self.count + len(recent)
        elements = bytes(self.packed)[_HEADER_BYTES:] + b"".join(map(_encode, recent))
        return History(count=count, packed=_packed(count, elements), recent=())

    def payments(self) -> tuple[Payment, ...]:
        """All of them, unpacked."""
        return (*_decode(self.packed), *self.recent)

    def find(self, payment_id: str) -> Payment | None:
        """A payment by its id. What the packed bytes do not contain is not unpacked to be looked for."""
        found = next((payment for payment in self.recent if payment.payment_id == payment_id), None)
        if found is None and payment_id.encode() in bytes(self.packed):
            found = next((payment for payment in self.payments() if payment.payment_id == payment_id), None)
        return found


NO_PAYMENTS = History(count=0, packed=_packed(0, b""), recent=())
