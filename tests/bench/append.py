"""Payments recorded at once by 1, 8, 32 and 128 callers, each to its commit, beside three other ways of doing it.

Callers are threads, as those of the others are; and coroutines of one event loop, as a server has them.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from ledger.bootstrap import Ledger
from tests.bench.competitors.competitor import Competitor
from tests.bench.competitors.ours import Desk
from tests.bench.competitors.plain import PlainInserts
from tests.bench.competitors.sql_ledger import SqlLedger
from tests.bench.competitors.stock import StockRecorder
from tests.bench.orders import open_loans, pay_all
from tests.bench.reporting import Figure, Must
from tests.bench.rounds import Round, latency_ms, median_rate, median_ratio, run_round, run_round_of_coroutines
from tests.bench.servers import Servers

CALLERS = (1, 8, 32, 128)
ROUNDS = 7
ROUND_S = 0.8
_WARM_UP_S = 0.5
_WARM_UP_COMMANDS = 500
_SPARE = 1.5  # a round may be faster than the warm-up
_LOANS_LEAST = 2000  # so many that no two callers are ever at the same one

COROUTINES = "desk coroutines"
_RATIO_MUSTS = {(32, "stock recorder"): 7, (32, "plain inserts"): 0.6, (128, "plain inserts"): 0.8}
_P99_MUSTS_MS = {32: 20}

Rounds = dict[str, list[Round]]


def run(servers: Servers) -> Iterator[Figure]:
    yield Figure(name="fdatasync_8k", value=servers.fdatasync_ms(), unit="ms")
    with servers.book("append") as ledger:
        urls = {name: servers.database(f"append_{name}") for name in ("stock", "plain", "sql")}
        for callers in CALLERS:
            with _competitors(ledger, urls, callers) as (desk, others):
                yield from _figures(callers, _measure(desk, others, callers))


@contextmanager
def _competitors(ledger: Ledger, urls: dict[str, str], callers: int) -> Iterator[tuple[Desk, list[Competitor]]]:
    with (
        closing(Desk(ledger)) as desk,
        closing(StockRecorder(ledger, urls["stock"], callers)) as stock,
        closing(PlainInserts(urls["plain"], callers, _a_payment_as_recorded(ledger))) as plain,
        closing(SqlLedger(urls["sql"], callers)) as sql_ledger,
    ):
        yield desk, [stock, plain, sql_ledger]


def _a_payment_as_recorded(ledger: Ledger) -> bytes:
    pay_all(ledger, open_loans(ledger, 1))
    return ledger.journal.after(ledger.journal.head().position - 1, 1)[0].state


def _measure(desk: Desk, others: Sequence[Competitor], callers: int) -> Rounds:
    """Everybody in turn, `ROUNDS` times; the desk on loans new to it, then again on those that it has just seen."""
    rates = {each.name: _warm_up(each, callers) for each in (desk, *others)}
    rounds: Rounds = {name: [] for name in (*rates, COROUTINES, "desk warm")}
    for _ in range(ROUNDS):
        desk.prepare(max(_LOANS_LEAST, int(rates[desk.name] * ROUND_S * _SPARE)))
        rounds[COROUTINES].append(run_round_of_coroutines(desk.pay, callers, ROUND_S))
        for each in (desk, *others):
            each.prepare(max(_LOANS_LEAST, int(rates[each.name] * ROUND_S * _SPARE)))
            rounds[each.name].append(run_round(each.callers(callers), ROUND_S))
        desk.stay_with_last()
        rounds["desk warm"].append(run_round(desk.callers(callers), ROUND_S))
    return rounds


def _warm_up(competitor: Competitor, callers: int) -> float:
    """Connections, plans and pools come into being; the rate to expect."""
    competitor.prepare(_WARM_UP_COMMANDS)
    return run_round(competitor.callers(callers), _WARM_UP_S).rate


def _figures(callers: int, rounds: Rounds) -> Iterator[Figure]:
    ours = rounds["desk"]
    for stem, each in ((f"append_{callers}", ours), (f"append_{callers}_coroutines", rounds[COROUTINES])):
        for peer in ("stock recorder", "plain inserts", "SQL ledger"):
            least = _RATIO_MUSTS.get((callers, peer))
            yield Figure(
                name=stem,
                value=median_rate(each),
                unit="commands/s",
                peer=peer,
                ratio=median_ratio(each, rounds[peer]),
                must=Must("ratio", ">=", least) if least else None,
            )
    warm = rounds["desk warm"]
    yield Figure(
        name=f"append_{callers}_warm",
        value=median_rate(warm),
        unit="commands/s",
        peer="loans not loaded before",
        ratio=median_ratio(warm, ours),
    )
    for name, each in rounds.items():
        yield from _details(callers, name, each)


def _details(callers: int, name: str, rounds: Sequence[Round]) -> Iterator[Figure]:
    """What a competitor did by itself."""
    stem = f"append_{callers}_{name.replace(' ', '_')}"
    most_ms = _P99_MUSTS_MS.get(callers) if name in {"desk", COROUTINES} else None
    if not name.startswith("desk"):
        yield Figure(name=stem, value=median_rate(rounds), unit="commands/s")
    yield Figure(name=f"{stem}_p50", value=latency_ms(rounds, 0.50), unit="ms")
    must = Must("value", "<", most_ms) if most_ms else None
    yield Figure(name=f"{stem}_p99", value=latency_ms(rounds, 0.99), unit="ms", must=must)
