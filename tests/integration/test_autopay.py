"""Autopay against a debit scheme over HTTP: each debit once, every outcome booked once, wherever a run ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.application.autopay import AuthoriseMandate, AutopayRun, DebitOutcome, Presentation, RevokeMandate
from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain import mandates
from ledger.domain.loan import settled
from ledger.gateways.http_debits import GatewayUnavailable, HttpDebitGateway, InvalidGateway
from ledger.journal.database import Database
from ledger.settings import Settings
from tests.debit_scheme import DebitScheme, serving

OPENED, DUE = date(2026, 1, 5), date(2026, 2, 5)


@pytest.fixture
def scheme() -> Iterator[DebitScheme]:
    with serving() as found:
        yield found


@dataclass
class Payers:
    """A book whose day tests choose, with three loans of 100.00 that fall due on DUE; each has a mandate."""

    ledger: Ledger
    scheme: DebitScheme
    now: datetime

    def on(self, day: date) -> "Payers":
        self.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return self

    def sends(self, command: LoanCommand) -> None:
        order = Order(command=command, key=repr(command), today=self.ledger.today(), principal="operator:ann")
        self.ledger.desk.execute(order)

    def run(self) -> AutopayRun:
        gateway = HttpDebitGateway(self.scheme.url, timeout_s=10)
        return self.ledger.autopay(gateway).run(self.ledger.today())

    def owed(self) -> list[int]:
        return [settled(self.ledger.loan(f"l{n}")).known.owed_minor for n in (1, 2, 3)]


@pytest.fixture
def payers(database: Database, tmp_path: Path, scheme: DebitScheme) -> Iterator[Payers]:
    made = Payers(ledger=None, scheme=scheme, now=datetime(2026, 1, 5, 12, tzinfo=UTC))  # type: ignore[arg-type] # below
    settings = Settings(data=tmp_path, database_url=database.url, day_end_chunk=2)
    with Ledger(settings, clock=lambda: made.now) as ledger:
        made.ledger = ledger
        ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
        for n in (1, 2, 3):
            made.sends(OpenLoan(loan_id=f"l{n}", currency="USD", principal_minor=100_00, due_on=DUE))
            made.sends(
                AuthoriseMandate(
                    loan_id=f"l{n}", mandate_id="m", party_id="b", rail="ach", account_token=f"tok-{n}",
                    at_most_minor=500_00, policy="ach",
                )
            )  # fmt: skip
        yield made


def announced(payers: Payers) -> Payers:
    assert payers.on(date(2026, 1, 26)).run().announced == 3
    return payers.on(DUE)


def test_what_falls_due_is_announced_presented_and_booked(payers: Payers) -> None:
    assert payers.on(date(2026, 1, 20)).run() == AutopayRun()
    announced(payers)
    assert payers.run() == AutopayRun(presented=3)
    assert sorted(payers.scheme.presented) == ["l1/m-1/1", "l2/m-1/1", "l3/m-1/1"]
    assert payers.scheme.presented["l2/m-1/1"]["account_token"] == "tok-2"
    for n in (1, 2, 3):
        payers.scheme.settles(f"l{n}/m-1/1", "2026-02-05")
    assert payers.run() == AutopayRun(settled=3)
    assert payers.owed() == [0, 0, 0]
    assert payers.scheme.waiting() == []
    assert payers.run() == AutopayRun()


def test_a_return_is_presented_again_on_a_later_day_and_a_late_one_reverses(payers: Payers) -> None:
    announced(payers).run()
    payers.scheme.returns("l1/m-1/1", "2026-02-05", "R01")
    payers.scheme.settles("l2/m-1/1", "2026-02-05")
    payers.scheme.returns("l3/m-1/1", "2026-02-05", "R07")
    assert payers.run() == AutopayRun(settled=1, returned=2)
    assert payers.on(date(2026, 2, 9)).run() == AutopayRun(presented=1)
    payers.scheme.settles("l1/m-1/2", "2026-02-09")
    payers.scheme.returns("l2/m-1/1", "2026-02-09", "R10")
    assert payers.run() == AutopayRun(settled=1, returned=1)
    assert payers.owed() == [0, 100_00, 100_00]


def test_a_run_that_ends_before_handing_over_is_finished_by_the_next_one(payers: Payers) -> None:
    announced(payers)
    payers.scheme.errors = 2  # outcomes are asked for twice
    with pytest.raises(GatewayUnavailable):
        payers.run()
    with pytest.raises(Broken):
        payers.ledger.autopay(BrokenOff(payers.scheme, before="present")).run(payers.ledger.today())
    assert payers.scheme.presented == {}
    assert payers.run().presented == 1, "two were recorded as presented by the run that broke off"
    assert len(payers.scheme.presented) == 3


def test_what_was_carried_out_without_an_answer_is_not_done_twice(payers: Payers) -> None:
    announced(payers)
    payers.scheme.drops = 2
    with pytest.raises(GatewayUnavailable, match="nothing is debited twice"):
        payers.run()
    payers.scheme.drops = 1
    payers.run()
    assert len(payers.scheme.handed_over) > len(payers.scheme.presented) == 3


def test_news_that_is_booked_and_not_acknowledged_is_booked_once(payers: Payers) -> None:
    announced(payers).run()
    for n in (1, 2, 3):
        payers.scheme.settles(f"l{n}/m-1/1", "2026-02-05")
    with pytest.raises(Broken):
        payers.ledger.autopay(BrokenOff(payers.scheme, before="acknowledge")).run(payers.ledger.today())
    before = payers.ledger.journal.head().position
    assert payers.run() == AutopayRun(), "all was booked before"
    assert payers.ledger.journal.head().position == before
    assert payers.owed() == [0, 0, 0]


def test_news_of_what_nobody_presented_is_refused_and_the_rest_is_booked(payers: Payers) -> None:
    announced(payers).run()
    payers.scheme.settles("l9/m-1/1", "2026-02-05")
    payers.scheme.settles("l1/m-1/7", "2026-02-05")
    payers.scheme.settles("nonsense", "2026-02-05")
    payers.scheme.settles("l1/m-1/1", "2026-02-05")
    done = payers.run()
    assert (done.settled, sorted(done.refused)) == (1, ["news-1", "news-2", "news-3"])
    assert [each["id"] for each in payers.scheme.waiting()] == ["news-1", "news-2", "news-3"]


def test_news_twice_and_out_of_order_is_booked_as_far_as_it_can_be(payers: Payers) -> None:
    announced(payers).run()
    payers.scheme.returns("l1/m-1/1", "2026-02-05", "R10")
    payers.scheme.settles("l1/m-1/1", "2026-02-05")
    done = payers.run()
    assert (done.returned, done.settled, list(done.refused)) == (1, 0, ["news-2"])
    assert payers.owed()[0] == 100_00


def test_nothing_is_presented_after_a_revocation_nor_what_was_paid_otherwise(payers: Payers) -> None:
    announced(payers)
    payers.sends(RevokeMandate(loan_id="l1", mandate_id="m", reason="asked by phone"))
    payers.sends(RecordPayment(loan_id="l2", amount_minor=100_00, payment_id="p"))
    assert payers.run() == AutopayRun(presented=1, cancelled=1)
    assert list(payers.scheme.presented) == ["l3/m-1/1"]


def broken_off(payers: Payers) -> None:
    """Debits are recorded as presented and not handed over."""
    with pytest.raises(Broken):
        payers.ledger.autopay(BrokenOff(payers.scheme, before="present")).run(payers.ledger.today())


def test_what_was_not_handed_over_before_the_mandate_ended_never_is(payers: Payers) -> None:
    broken_off(announced(payers))
    payers.sends(RevokeMandate(loan_id="l1", mandate_id="m", reason="asked by phone"))
    payers.scheme.drops = 1  # the first answer is lost: asked again it is the same
    assert payers.run() == AutopayRun(presented=1, cancelled=1)
    assert sorted(payers.scheme.presented) == ["l2/m-1/1", "l3/m-1/1"]
    loan = payers.ledger.loan("l1")
    assert [(each.debit_id, each.status) for each in loan.autopay.debits] == [("m-1", "cancelled")]
    assert mandates.collectable(settled(loan), DUE) == 100_00, "it is free for another mandate"
    assert payers.run() == AutopayRun(), "the loan is left alone from then on"


def test_a_gateway_that_withholds_what_nobody_asked_for_is_not_believed(payers: Payers) -> None:
    broken_off(announced(payers))
    payers.sends(RevokeMandate(loan_id="l1", mandate_id="m", reason="asked by phone"))
    payers.scheme.withholds_too = ["l2/m-1/1"]
    with pytest.raises(GatewayUnavailable, match="l2/m-1/1', which was not asked"):
        payers.run()
    assert payers.ledger.loan("l1").autopay.debits[0].status == "submitted"


def test_another_mandate_does_not_bring_what_the_ended_one_left(payers: Payers) -> None:
    broken_off(announced(payers))
    payers.sends(RevokeMandate(loan_id="l1", mandate_id="m", reason="another account"))
    payers.sends(
        AuthoriseMandate(
            loan_id="l1", mandate_id="n", party_id="b", rail="ach", account_token="new", at_most_minor=500_00,
            policy="ach",
        )
    )  # fmt: skip
    payers.run()
    payers.run()
    assert "l1/m-1/1" not in payers.scheme.presented


def test_what_was_handed_over_before_the_mandate_ended_may_still_settle(payers: Payers) -> None:
    announced(payers).run()
    payers.sends(RevokeMandate(loan_id="l1", mandate_id="m", reason="asked by phone"))
    assert payers.run() == AutopayRun()
    payers.scheme.settles("l1/m-1/1", "2026-02-05")
    assert payers.run().settled == 1
    assert payers.owed() == [0, 100_00, 100_00]


def test_two_runs_at_once_present_each_debit_once(payers: Payers) -> None:
    announced(payers)
    with Ledger(replace(payers.ledger.settings), clock=payers.ledger.clock) as other:
        first = payers.run()
        second = other.autopay(HttpDebitGateway(payers.scheme.url, timeout_s=10)).run(other.today())
    assert (first.presented, second.presented) == (3, 0)
    assert len(payers.scheme.presented) == 3


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "nonsense"])
def test_a_gateway_has_an_address(url: str) -> None:
    with pytest.raises(InvalidGateway, match="give an http or https address"):
        HttpDebitGateway(url, timeout_s=1)


def test_a_gateway_that_is_not_there_is_said(payers: Payers) -> None:
    with pytest.raises(GatewayUnavailable, match="Run autopay again later"):
        payers.ledger.autopay(HttpDebitGateway("http://127.0.0.1:9", timeout_s=1)).run(payers.ledger.today())


class Broken(Exception):
    """The process ends here."""


class BrokenOff:
    """A gateway before which the process ends."""

    def __init__(self, scheme: DebitScheme, *, before: str) -> None:
        self._gateway = HttpDebitGateway(scheme.url, timeout_s=10)
        self._before = before

    def present(self, presentations: Sequence[Presentation]) -> None:
        self._go("present")
        self._gateway.present(presentations)

    def withhold(self, presentation_ids: Sequence[str]) -> Sequence[str]:
        return self._gateway.withhold(presentation_ids)

    def outcomes(self) -> Sequence[DebitOutcome]:
        return self._gateway.outcomes()

    def acknowledge(self, outcomes: Sequence[DebitOutcome]) -> None:
        self._go("acknowledge")
        self._gateway.acknowledge(outcomes)

    def _go(self, step: str) -> None:
        if step == self._before:
            raise Broken(step)
