"""Everything that can fail fails, in an order of chance, while two writers and two relays work."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.embedded.kafka import EmbeddedKafka
from tests.faults.evidence import assert_nothing_lost_or_doubled
from tests.faults.injections import IDLE_SESSION_S, a_storm
from tests.faults.site import Site

# Kafka's client leaves sockets open where it gives up on a broker.
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

EVENTS = 20_000
FAULTS = 40
_COMMANDS_OF_A_TELLER = 1_540  # two writers of four tellers; a life of seven commands leaves 12 events
_BETWEEN_S = 0.5


@pytest.fixture
def broker_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]
) -> Iterator[EmbeddedKafka]:
    """A broker whose topics hold one storm only."""
    made = EmbeddedKafka(reaped(tmp_path_factory.mktemp("storm")))
    yield made
    made.erase()


def gives_sessions_up_early(site: Site) -> Site:
    """The site, where the server ends sessions of writers that are stopped."""
    for setting in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
        site.does(f"alter database {site.database_name} set {setting} = '{IDLE_SESSION_S}s'")
    return site


def endures(site: Site, seed: int, *, storms: int = 1, at_least: int = _COMMANDS_OF_A_TELLER) -> int:
    """Do all faults of so many storms to the site, and let it finish its work; the number of faults."""
    moments = random.Random(seed)
    faults = [fault for _ in range(storms) for fault in a_storm(moments)]
    with site.working(at_least=at_least, pause_ms=30):
        for number, fault in enumerate(faults, 1):
            site.goes_on()
            time.sleep(moments.uniform(0.0, _BETWEEN_S))
            print(f"{time.monotonic():.1f} seed {seed}, position {site.position()}: fault {number}, {fault.__name__}")
            fault(site, moments)
            assert site.writing(), "the writers ended before the storm"
        site.finish()
    return len(faults)


def test_nothing_is_lost_or_doubled_in_a_storm_of_faults(site: Callable[..., Site]) -> None:
    stormy = gives_sessions_up_early(site())
    assert endures(stormy, seed=20261123) >= FAULTS
    assert stormy.position() >= EVENTS
    assert_nothing_lost_or_doubled(stormy)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_or_doubled_in_a_long_storm(
    site: Callable[..., Site], broker_of_its_own: EmbeddedKafka, seed: int
) -> None:
    stormy = gives_sessions_up_early(site(kafka=broker_of_its_own))
    assert endures(stormy, seed, storms=2, at_least=2 * _COMMANDS_OF_A_TELLER) >= 2 * FAULTS
    assert stormy.position() >= 2 * EVENTS
    assert_nothing_lost_or_doubled(stormy)
