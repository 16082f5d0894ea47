"""Commands about how days past due are counted, by which rules, and when counters stand still; about eased terms."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from ledger.application.counting_commands import (
    PauseCounting,
    RestructureLoan,
    ResumeCounting,
    SetOverdueRules,
    WithdrawRestructuring,
)
from ledger.application.rules_rollout import roll_out
from ledger.bootstrap import Ledger
from ledger.domain.delinquency import COUNTERS, PAUSE
from ledger.domain.standing import CLOSED, PAID_OFF, WITHDRAWN, WRITTEN_OFF
from ledger.entrypoints.cli.options import Json, Key, LoanId, optional_date, read_date
from ledger.entrypoints.cli.output import console, print_json, print_warning, progress
from ledger.entrypoints.cli.writing import execute, loan_app
from ledger.settings import read_settings
from projections.queries import Queries

_OVER = frozenset({CLOSED, PAID_OFF, WITHDRAWN, WRITTEN_OFF})
_NAMED = 10


@loan_app.command("overdue-rules")
def overdue_rules(
    loan: LoanId,
    policy: Annotated[str, typer.Argument(help="What overdue means: as_agreed, cn_card, cn_open_days, eu_retail ...")],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="For what falls due from then on. Default: all of the loan.")
    ] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Set grace, tolerance and open days for each counter; marks that are not true by these rules are withdrawn."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, SetOverdueRules(loan_id=loan, policy=policy, since=optional_date(since)), key, json=json)


def rules_for_all(
    policy: Annotated[str, typer.Argument(help="What overdue means: as_agreed, cn_card, cn_open_days, eu_retail ...")],
    product: Annotated[str | None, typer.Option(help="Only loans of this product. Default: all.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="For what falls due from then on. Default: all of each loan.")
    ] = None,
    json: Json = False,
) -> None:
    """Set grace, tolerance and open days for the loans of a book, or of a product. May be stopped and run again.

    Once open days of further years are published, run it again: what falls due then is moved by them.
    """
    settings = read_settings()
    with Ledger(settings) as ledger, ledger.queries() as queries, progress("Setting rules", "loans") as report:
        done = roll_out(
            ledger.desk,
            _pages(queries, product, settings.day_end_chunk),
            policy=policy,
            since=optional_date(since),
            today=ledger.today(),
            principal=settings.principal,
            progress=report,
        )
    if json:
        print_json(done)
        return
    console.print(f"Set {policy} for {done.loans} loans; {done.again} had it from an earlier run today")
    if done.refused:
        named = list(done.refused.items())[:_NAMED]
        print_warning(f"{len(done.refused)} loans refuse it: " + "; ".join(f"{loan}: {why}" for loan, why in named))


def _pages(queries: Queries, product: str | None, size: int) -> Iterator[Sequence[str]]:
    """Ids of the loans that are not over, a page at a time."""
    after: str | None = None
    while page := queries.balances(after=after, limit=size).loans:
        after = page[-1].loan
        yield [row.loan for row in page if row.status not in _OVER and (product is None or row.product == product)]


@loan_app.command("pause")
def pause(
    loan: LoanId,
    reason: Annotated[str, typer.Option(help="relief, dispute, moratorium or disaster.")],
    how: Annotated[
        str, typer.Option(help="pause: days meanwhile never count. freeze: they count once it is over.")
    ] = PAUSE,
    counter: Annotated[
        list[str] | None, typer.Option(help="contractual, bureau or regulatory; again for more. Default: all.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="First day. Default: today.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day with the same number. Default: until resumed.")
    ] = None,
    note: Annotated[str, typer.Option(help="Which relief, dispute or moratorium it is.")] = "",
    id_: Annotated[str | None, typer.Option("--id", help="Id of the pause. Default: made from the key.")] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Let counters of days past due stand still, also for days that are over."""
    with Ledger(read_settings()) as ledger:
        command = PauseCounting(
            loan_id=loan,
            reason=reason,
            how=how,
            counters=tuple(counter or COUNTERS),
            since=optional_date(since),
            until=optional_date(until),
            pause_id=id_,
            note=note,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("resume")
def resume(
    loan: LoanId,
    pause_id: Annotated[str, typer.Argument(metavar="PAUSE", help="Id of the pause.")],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day with the same number. Default: today.")
    ] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """End a pause, or correct its end; one that ends before its first day never was."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, ResumeCounting(loan_id=loan, pause_id=pause_id, until=optional_date(until)), key, json=json)


@loan_app.command("restructured")
def restructured(
    loan: LoanId,
    first_payment: Annotated[str, typer.Option(metavar="DATE", help="The first due date by the eased terms.")],
    reason: Annotated[str, typer.Option(help="Which difficulty, and what was eased; it is recorded.")],
    on: Annotated[str | None, typer.Option(metavar="DATE", help="When they were eased. Default: today.")] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="Id of the restructuring. Default: made from the key.")
    ] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that terms were eased for a borrower in difficulty. Amounts and dates stay; see ledger classification."""
    with Ledger(read_settings()) as ledger:
        command = RestructureLoan(
            loan_id=loan,
            reason=reason,
            first_payment_on=read_date(first_payment),
            on=optional_date(on),
            restructuring_id=id_,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("not-restructured")
def not_restructured(
    loan: LoanId,
    restructuring_id: Annotated[str, typer.Argument(metavar="RESTRUCTURING", help="Id of the restructuring.")],
    reason: Annotated[str, typer.Option(help="Why it was none; it is recorded.")],
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that a restructuring was said in error; it counts as if nobody had said so."""
    with Ledger(read_settings()) as ledger:
        command = WithdrawRestructuring(loan_id=loan, restructuring_id=restructuring_id, reason=reason)
        execute(ledger, command, key, json=json)


def register(root: typer.Typer) -> None:
    root.command("overdue-rules")(rules_for_all)
