"""Dead letters: events that a projection could not apply. It stands still there until a person has decided.

Either the event is tried again, once what was in its way is gone; or the projection passes over it, which is an event
of the book and so holds for every later build too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg.rows import class_row

from ledger.journal.database import Connection, Database, translated
from ledger.journal.journal import Journal
from projections import builds
from projections.catalogue import PROJECTIONS
from projections.checkpoint import Mark
from projections.errors import AppliedAlready, DeadLetterNotFound, PoisonedEvent
from projections.place import Place
from projections.projection import Projection
from projections.skips import Skip, Skips
from projections.statements import load
from schemas.envelope import digest
from schemas.errors import LedgerError

_SQL = load("dead_letters.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """An event that a projection could not apply, and why. Instants are those of the database.

    `status`: `stopped`: the projection stands there; `waiting`: it is to be tried again; `applied` or `skipped`: the
    projection has gone on. `stream` and `key` are None where the journal holds nothing at this position. `hash`:
    SHA-256 of the bytes that were delivered, hex. `times`: how often it was tried in vain. `skip_reason`: why the
    projection is to pass over it, if somebody (`skipped_by`, as role:id) decided so; `skipped_at_position`: of the
    event that says it.
    """

    projection: str
    partition: int
    position: int
    type: str
    stream: str | None
    key: str | None
    hash: str
    code: str
    reason: str
    first_seen_at: datetime
    seen_at: datetime
    times: int
    status: str
    skipped_at_position: int | None = None
    skip_reason: str | None = None
    skipped_by: str | None = None
    skipped_at: datetime | None = None

    @property
    def is_passed(self) -> bool:
        return self.status in {"applied", "skipped"}

    @property
    def is_in_the_way(self) -> bool:
        """Not so where the projection reads its events anew: it may well get past it, as it did before."""
        return self.status == "stopped"


def write(connection: Connection, journal: Journal, mark: Mark, problem: PoisonedEvent) -> None:
    """Note an event that stops a live checkpoint of ours; a rebuild just ends with it."""
    if mark.place is not Place.LIVE:
        return
    record, cause = problem.record, problem.__cause__ or problem
    assert record, "what was poisoned was delivered"
    recorded = next(iter(journal.between(record.position, record.position)), None)
    connection.execute(
        _SQL["write"],
        {
            "projection": mark.projection,
            "book": mark.book,
            "position": record.position,
            "partition": mark.partition,
            "type": record.type,
            "stream": recorded and recorded.stream,
            "key": recorded and recorded.key,
            "hash": digest(record.state).hex(),
            "code": cause.code if isinstance(cause, LedgerError) else type(cause).__name__,
            "reason": " ".join(str(cause).split()),
        },
    )


def read(connection: Connection, book_id: str, position: int | None = None) -> list[DeadLetter]:
    """The dead letters of a book, those of the past too, or of one event; in order of position."""
    cursor = connection.cursor(row_factory=class_row(DeadLetter))
    return cursor.execute(_SQL["read"], {"book": book_id, "position": position}).fetchall()


class DeadLetters:
    """The dead letters of one book, for whoever sees to them."""

    def __init__(
        self, database: Database, journal: Journal, book_id: str, projections: Sequence[Projection] = PROJECTIONS
    ) -> None:
        self._database = database
        self._journal = journal
        self._book_id = book_id
        self._projections = projections

    def all(self) -> list[DeadLetter]:
        """Those of the past too, in order of position."""
        with self._database.connect("ledger_reader") as connection, translated(self._database):
            return self._with_skips(read(connection, self._book_id))

    def at(self, position: int) -> list[DeadLetter]:
        """Those of one event, one for each projection that could not apply it, else `DeadLetterNotFound`."""
        with self._database.connect("ledger_reader") as connection, translated(self._database):
            found = read(connection, self._book_id, position)
        if not found:
            raise DeadLetterNotFound(
                f"asked for the dead letter at position {position}; there is none. ledger dead-letters list shows all"
            )
        return self._with_skips(found)

    def retry(self, position: int, projection: str | None = None) -> list[Projection]:
        """Have an event tried again by a projection (None: by all that stand there); those that will.

        Raises `DeadLetterNotFound` where it stands in nobody's way.
        """
        with self._database.connect("ledger_projector") as connection, translated(self._database):
            letters = self._standing(connection, position, projection)
            self._release(connection, letters)
        names = {each.projection for each in letters}
        return [each for each in self._projections if each.name in names]

    @contextmanager
    def skipping(self, position: int, projection: str | None = None) -> Iterator[None]:
        """Around the commit of the event that says so: nobody applies the dead letter meanwhile; then they go on.

        `projection` None: all of them. Raises `DeadLetterNotFound` where it stands in nobody's way, `AppliedAlready`
        where one of them all has applied the event: a build from the beginning would then differ from it.
        """
        with (
            self._database.connect("ledger_projector") as connection,
            translated(self._database),
            connection.transaction(),
        ):
            builds.lock(connection)  # nobody claims before we are through: who does then, knows of the skip
            letters = self._standing(connection, position, projection)
            names = [each.name for each in self._projections] if projection is None else [projection]
            passed = self._fence(connection, letters[0], names)
            self._refuse_if_applied(letters[0], projection, passed)
            yield
            connection.execute(_SQL["skip"], self._arguments(letters))
            self._release(connection, letters)

    def _with_skips(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        skips = Skips(self._journal, self._book_id)
        skips.look()
        return [_with_skip(each, skips.of(each.projection).get(each.position)) for each in letters]

    def _standing(self, connection: Connection, position: int, projection: str | None) -> list[DeadLetter]:
        letters = [
            each
            for each in read(connection, self._book_id, position)
            if not each.is_passed and projection in {None, each.projection}
        ]
        if not letters:
            whose = projection or "any projection"
            raise DeadLetterNotFound(
                f"asked for the dead letter of {whose} at position {position}; no event stands in its way there. "
                "ledger dead-letters list shows where one does"
            )
        return letters

    def _fence(self, connection: Connection, letter: DeadLetter, names: Sequence[str]) -> set[str]:
        """Take partitions from whoever owns them; the projections that are beyond the event."""
        arguments = {"projections": names, "book": self._book_id, "partition": letter.partition}
        rows = connection.execute(_SQL["fence"], arguments).fetchall()
        return {name for name, at in rows if at >= letter.position}

    def _refuse_if_applied(self, letter: DeadLetter, projection: str | None, passed: set[str]) -> None:
        applied = [each.name for each in self._projections if each.name in passed and _takes(each, letter.type)]
        if applied:
            raise AppliedAlready(
                f"asked to skip the event at position {letter.position} for {projection or 'all projections'}; "
                f"{', '.join(applied)} applied it. Name the projection that cannot: --projection {letter.projection}"
            )

    def _release(self, connection: Connection, letters: Sequence[DeadLetter]) -> None:
        connection.execute(_SQL["release"], self._arguments(letters))

    def _arguments(self, letters: Sequence[DeadLetter]) -> dict[str, object]:
        return {
            "projections": [each.projection for each in letters],
            "book": self._book_id,
            "partition": letters[0].partition,
            "position": letters[0].position,
        }


def _with_skip(letter: DeadLetter, skip: Skip | None) -> DeadLetter:
    if skip is None:
        return letter
    return replace(
        letter,
        skipped_at_position=skip.recorded_at_position,
        skip_reason=skip.reason,
        skipped_by=skip.decided_by,
        skipped_at=skip.decided_at,
    )


def _takes(projection: Projection, kind: str) -> bool:
    return projection.takes is None or kind in projection.takes
