"""What all commands that read have in common: whom they ask, how far that must have come, and amounts as text."""

from collections.abc import Iterator
from contextlib import contextmanager

from ledger.bootstrap import Ledger
from ledger.domain.errors import InvalidDate
from ledger.domain.money import format_minor
from ledger.entrypoints.cli.options import read_known_at
from ledger.settings import read_settings
from projections.queries import Queries


@contextmanager
def asking(wait_for: int | None) -> Iterator[tuple[Ledger, Queries]]:
    """The ledger, and queries that see all there is, or all up to the position that the caller must see."""
    with Ledger(read_settings()) as ledger, ledger.queries(wait_for=wait_for) as queries:
        yield ledger, queries


def known_position(ledger: Ledger, queries: Queries, known_at: str | None, loan_id: str | None = None) -> int | None:
    """`--known-at` as a position: the one given, or the last one that was recorded by an instant.

    One that is to come is refused: the same question would have another answer then.
    """
    if known_at is None:
        return None
    asked = read_known_at(known_at)
    if not isinstance(asked, int):
        if asked > (now := ledger.clock()):
            raise InvalidDate(f"asked for what is known at {known_at}; it is {now:%FT%TZ}. Leave it out for all so far")
        return queries.position_at(asked, loan_id=loan_id)
    ledger.require_recorded(asked)
    return asked


def known_text(position: int | None) -> str:
    return "" if position is None else f", as known at position {position:,}"


def amounts(ledger: Ledger, currency: str, *amounts_minor: int) -> list[str]:
    exponent = ledger.book.exponent(currency)
    return [format_minor(amount, exponent) for amount in amounts_minor]
