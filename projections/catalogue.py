"""All projections there are."""

from projections import (
    audit_trail,
    counting,
    delinquency,
    loan_now,
    mandates,
    payment_history,
    portfolio,
    postings,
    schedule,
)
from projections.errors import ProjectionNotFound
from projections.projection import Projection

PROJECTIONS = (
    loan_now.PROJECTION,
    postings.PROJECTION,
    schedule.PROJECTION,
    payment_history.PROJECTION,
    delinquency.PROJECTION,
    counting.PROJECTION,
    portfolio.PROJECTION,
    mandates.PROJECTION,
    audit_trail.PROJECTION,
)


def named(name: str) -> Projection:
    """The projection of a name, else `ProjectionNotFound`."""
    for each in PROJECTIONS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in PROJECTIONS)
    raise ProjectionNotFound(f"asked for projection {name!r}; there are {known}. Use one of these")
