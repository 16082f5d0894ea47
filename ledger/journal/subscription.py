"""A subscription to the journal: every event once, in order of position, and then each new one.

It listens before it reads for the first time, and looks every `poll_s` besides: the library's own one reads first, and
sleeps through a commit that comes before it listens. Positions are dense and are committed in their order, so nothing
ever appears behind the place that it has reached.
"""

from collections.abc import Sequence

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription, ShutDown

from ledger.journal.database import Database, translated
from ledger.journal.stored_events import in_library_words


class JournalSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Notifications beyond `gt`, of some topics or all. Ends with an error when the server goes away."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        database: Database,
        *,
        gt: int | None = None,
        topics: Sequence[str] = (),
        poll_s: float,
    ) -> None:
        self._database = database
        self._poll_s = poll_s
        super().__init__(recorder, gt, topics)  # starts the thread that runs _loop_on_pull

    def _loop_on_pull(self) -> None:
        try:
            with in_library_words(), translated(self._database):
                self._follow()
        except BaseException as error:  # the iteration raises it
            self._thread_error = error
            self.stop()

    def _follow(self) -> None:
        with self._database.connect("ledger_writer") as connection:
            connection.execute("listen journal")
            while not self._has_been_stopped:
                self._pull()
                for _ in connection.notifies(timeout=self._poll_s, stop_after=1):
                    pass

    def _pull(self) -> None:
        """Hand on what is there. Of a search for some topics the place that it came to is kept, found or not."""
        head = self._recorder.max_notification_id()
        while not self._has_been_stopped and (self._last_notification_id or 0) < (head or 0):
            found = self._recorder.select_notifications(
                self._last_notification_id, self._select_limit, head, self._topics, inclusive_of_start=False
            )
            try:
                if found:
                    self._notifications_queue.put(found)
            except ShutDown:
                return
            self._last_notification_id = found[-1].id if len(found) == self._select_limit else head
