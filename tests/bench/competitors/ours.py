"""The desk: load, decide, encode, key check, commit."""

from collections.abc import Sequence

from ledger.bootstrap import Ledger
from tests.bench.competitors.competitor import Turns
from tests.bench.orders import a_payment, open_loans
from tests.bench.rounds import Work

_WARM_LOANS = 1000


class Desk:
    """Payments through the desk of one process. Another ledger opens the loans, so that the first command on each of
    them has to load it."""

    name = "desk"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._opener = Ledger(ledger.settings)
        self._turns = Turns([])

    def prepare(self, commands: int) -> None:
        self._turns = Turns(open_loans(self._opener, commands))

    def stay_with_last(self) -> None:
        """From now on only loans that this process has just loaded."""
        self._turns = Turns(self._turns.last(_WARM_LOANS))

    def callers(self, number: int) -> Sequence[Work]:
        self._ledger.desk  # noqa: B018 - made before the threads
        return [self._pay] * number

    async def pay(self) -> None:
        """The same command of a caller that is a coroutine."""
        await self._ledger.desk.execute_async(a_payment(self._ledger, self._turns.next()))

    def close(self) -> None:
        self._opener.__exit__(None, None, None)

    def _pay(self) -> None:
        self._ledger.desk.execute(a_payment(self._ledger, self._turns.next()))
