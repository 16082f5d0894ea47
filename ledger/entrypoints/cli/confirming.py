"""What a borrower is shown before signing, and how it is confirmed."""

from ledger.application.agreements import Shown, require_confirmed, show
from ledger.entrypoints.cli.quote import read_terms
from ledger.entrypoints.cli.quote_tables import print_quote


def confirmed(terms: str, confirm: str | None, *, json: bool) -> Shown:
    """The offer on terms from a file or `-`; shown, with the hash that confirms it, unless that is given."""
    shown = show(read_terms(terms))
    if confirm is None and not json:
        print_quote(shown.terms, shown.quote)
    require_confirmed(shown, confirm)
    return shown
