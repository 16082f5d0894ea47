"""The control totals of day ends, counted again from the rows of projections."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise

from ledger.domain.identifiers import book_stream
from ledger.journal.stream_reading import head_position, states_of
from projections.reading import Reader
from schemas.books.events import DayTotals, OverdueTotals
from schemas.envelope import skim
from schemas.registry import REGISTRY


@dataclass(frozen=True, kw_only=True, slots=True)
class DayProof:
    """What the journal says of a day end, and what projections count between its positions, the first one excluded."""

    business_date: date
    after_position: int
    through_position: int
    loans_visited: int
    overdue: Sequence[OverdueTotals]
    counted_loans: int
    counted: Sequence[OverdueTotals]
    follows: bool
    """Whether it begins where the totals before it end."""

    @property
    def proved(self) -> bool:
        return self.follows and (self.loans_visited, tuple(self.overdue)) == (self.counted_loans, tuple(self.counted))


def day_proofs(at: Reader, book_id: str, actor: str, last: int) -> list[DayProof]:
    """The newest `last` day ends that left totals, in their order. `actor`: who visits loans."""
    recorded = _recorded(at, book_id)
    earlier = [0, *(each.through_position for each in recorded)]
    chosen = list(zip(earlier, recorded, strict=False))[-last:]
    if not chosen:
        return []
    # Days follow each other without a gap, so one pass over the rows counts all of them.
    ends = chain.from_iterable((each.after_position, each.through_position) for _, each in chosen)
    bounds = sorted({position + 1 for position in ends})
    asked = {"bounds": bounds, "after": bounds[0] - 1, "until": bounds[-1] - 1, "actor": actor}
    loans = {row["nth"]: row["loans"] for row in at.dicts("day_loans", asked)}
    marks: dict[int, list[OverdueTotals]] = {}
    for row in at.dicts("day_overdue", asked):
        marks.setdefault(row.pop("nth"), []).append(OverdueTotals(**row))
    nths = {span: nth for nth, span in enumerate(pairwise(bounds), 1)}
    return [
        DayProof(
            business_date=each.business_date,
            after_position=each.after_position,
            through_position=each.through_position,
            loans_visited=each.loans_visited,
            overdue=each.overdue,
            counted_loans=loans.get(nth, 0),
            counted=marks.get(nth, []),
            follows=each.after_position == before,
        )
        for before, each in chosen
        for nth in [nths.get((each.after_position + 1, each.through_position + 1), 0)]
    ]


def _recorded(at: Reader, book_id: str) -> list[DayTotals]:
    states = states_of(at.connection, book_stream(book_id), until=head_position(at.connection))
    facts: Iterable[object] = (REGISTRY.decode(skim(each.state)) for each in states if each.type == DayTotals.TYPE)
    return [fact for fact in facts if isinstance(fact, DayTotals)]
