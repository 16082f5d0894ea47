"""A downstream service whose broker falls silent."""

import threading

import pytest

from consumers.errors import BrokersUnavailable, EndNotReached
from consumers.subscription import follow, read_to_end
from ledger.embedded.kafka import EmbeddedKafka
from schemas.registry import JOURNAL_TOPIC
from tests.faults.test_relay import a_silent_broker
from tests.integration.relay.relayed import RelayedLedger


def test_silence_while_following_is_an_error(ledger: RelayedLedger, broker: EmbeddedKafka) -> None:
    ledger.records(1)
    ledger.drains()
    stop = threading.Event()
    following = follow(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id, stop, book=ledger.book_id, timeout_s=1)
    next(following)
    with a_silent_broker(broker), pytest.raises((BrokersUnavailable, EndNotReached)):
        list(following)


def test_silence_while_reading_to_the_end_is_an_error(ledger: RelayedLedger, broker: EmbeddedKafka) -> None:
    ledger.records(1)
    ledger.drains()
    with a_silent_broker(broker), pytest.raises((BrokersUnavailable, EndNotReached)):
        list(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id, timeout_s=1))
