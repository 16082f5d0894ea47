"""The demo against shared servers: what it says of 500 real loans, and that a second run changes nothing."""

import re

import pytest

from tests.e2e.conftest import Finished, Program


@pytest.fixture
def demo(ledger: Program, kafka_bootstrap: str) -> Program:
    ledger.settings["LEDGER_KAFKA_BOOTSTRAP"] = kafka_bootstrap
    return ledger


def events(done: Finished) -> str:
    found = re.search(r"([\d,]+) events$", done.out, re.MULTILINE)
    assert found, done.out
    return found[1]


def test_the_demo_agrees_with_the_file_and_names_what_cannot_agree(demo: Program) -> None:
    first = demo("demo")
    assert "199 of 200 agree" in first.out
    assert "xqd20160428: the file says 2 days; its own dates, due 2016-10-10, paid 2016-10-11, give 1" in first.out
    assert "xqd20160271: the file leaves the days blank" in first.out
    again = demo("demo")
    assert events(again) == events(first) == "1,906"
    assert "0 loans opened, 0 payments, 900 commands recorded before" in again.out
