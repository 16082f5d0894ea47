"""Errors of the read side, under the classes of `schemas.errors`."""

from projections.feed import FeedEvent
from schemas.errors import BadInput, Conflict, Corrupt, Misconfigured, NotFound, Refused, Unavailable


class Fenced(Unavailable):
    """Somebody else has taken a partition over; what we had in hand is rolled back."""

    code = "projection_fenced"


class PartitionGap(Corrupt):
    """An event is missing between the last applied one and the next delivered one."""

    code = "partition_gap"


class PoisonedEvent(Corrupt):
    """An event that a projection cannot apply; its partition stands still. `record`: as it was delivered."""

    code = "poisoned_event"

    def __init__(self, message: str, record: FeedEvent | None = None) -> None:
        super().__init__(message)
        self.record = record


class DeadLetterNotFound(NotFound):
    """No projection stands at this event."""

    code = "dead_letter_not_found"


class AppliedAlready(Refused):
    """An event that is to be skipped has been applied."""

    code = "applied_already"


class RebuildNeeded(Misconfigured):
    """The tables of a projection were filled by an older version of its code."""

    code = "projection_rebuild_needed"


class TablesNewer(Misconfigured):
    """The tables of a projection were filled by a newer version of its code."""

    code = "projection_tables_newer"


class ProjectionNotFound(NotFound):
    """There is no projection of that name, or nothing of it in the place that was asked for."""

    code = "projection_not_found"


class NotOfLoans(BadInput):
    """Rows of a projection that belong to no single loan cannot be looked at loan by loan."""

    code = "not_of_loans"


class ProjectionDrifted(Corrupt):
    """The rows of a projection are not what its events make."""

    code = "projection_drifted"


class RebuildRunning(Conflict):
    """Two rebuilds of one projection at once."""

    code = "rebuild_running"


class BuildDiffers(Corrupt):
    """A new build does not hold what the live one holds, and nobody has accepted that."""

    code = "build_differs"


class BuildAhead(Misconfigured):
    """A new build has read more than the live one, so the two cannot be compared."""

    code = "build_ahead"


class SwapBlocked(Unavailable):
    """The tables of a projection were in use all the time."""

    code = "swap_blocked"


class ProjectionsLagging(Unavailable):
    """Projections did not come as far as a query needs within the time it may wait."""

    code = "projections_lagging"


class ProjectionStopped(Corrupt):
    """A partition stands still since an earlier problem, so a query would answer from old rows."""

    code = "projection_stopped"


class OutOfBalance(Corrupt):
    """Debits and credits of the read models differ."""

    code = "out_of_balance"


class WrongInterval(BadInput):
    """Two positions or two dates that do not follow each other."""

    code = "wrong_interval"


class UnknownFigure(BadInput):
    """A figure that nobody can trace, because there is none of that name."""

    code = "unknown_figure"


class OneFigure(BadInput):
    """No figure to trace, or several at once."""

    code = "one_figure"


class TraceBroken(Corrupt):
    """The postings of a figure do not add up to it."""

    code = "trace_broken"


class NothingPosted(NotFound):
    """A loan on which no money has moved, and nothing was charged."""

    code = "nothing_posted"


class NotRecorded(BadInput):
    """A position beyond the end of the journal."""

    code = "not_recorded"


class FeedUnavailable(Unavailable):
    code = "feed_unavailable"


class UnreadableRecord(Corrupt):
    """A Kafka record that carries our book and lacks what every record of ours has."""

    code = "unreadable_record"
