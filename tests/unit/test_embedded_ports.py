"""Which port an embedded server gets."""

import socket
from collections.abc import Iterator

import pytest

from ledger.embedded import ports
from ledger.embedded.errors import PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_kept_port_is_kept_while_it_is_free() -> None:
    kept = ports.choose()
    assert ports.keep_or_choose(kept, asked=None) == kept


def test_a_kept_port_that_somebody_took_is_replaced(taken: int) -> None:
    assert ports.keep_or_choose(taken, asked=None) != taken


def test_a_port_asked_for_wins_over_the_kept_one() -> None:
    asked, kept = ports.choose(), ports.choose()
    assert ports.keep_or_choose(kept, asked=asked) == asked


def test_a_port_asked_for_that_somebody_took_is_an_error(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"Port {taken} .* another program listens there"):
        ports.keep_or_choose(None, asked=taken)


def test_a_listening_port_answers(taken: int) -> None:
    assert ports.answers(taken)
    assert not ports.is_free(taken)
