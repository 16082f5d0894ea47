"""What `make demo` shows: 500 real loans from a file to Kafka to balances, checked against the file."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from importlib import resources
from pathlib import Path

import orjson
from rich.markup import escape

from consumers.subscription import Delivery, read_to_end
from ledger.application.loan_file import read_loan_file
from ledger.bootstrap import Ledger
from ledger.domain.book import Book
from ledger.domain.money import format_minor
from ledger.entrypoints.cli.output import console, print_table, progress
from ledger.entrypoints.demo.comparison import Comparison, compare, fold_lateness, stated_days
from projections.catalogue import PROJECTIONS
from projections.queries import Queries
from schemas.errors import Refused
from schemas.overdue.events import DelinquencyChanged

BOOK = "demo"
CURRENCY = "USD"
UNTIL = date(2016, 12, 8)
_ROWS = 8


class NotTheDemo(Refused):
    code = "not_the_demo"


def demo_file() -> Path:
    """The loan file that comes with the project."""
    return Path(str(resources.files("ledger.entrypoints.demo") / "loan_payments.csv"))


def tell(ledger: Ledger) -> Comparison:
    """Run the demo, and say how events and file compare. Repeated, it changes nothing."""
    _start_postgres(ledger)
    book = _open_book(ledger)  # refuses somebody's own book before anything else is started
    bootstrap = _start_kafka(ledger)
    _import(ledger)
    _publish(ledger, bootstrap)
    _project(ledger)
    deliveries = list(
        read_to_end(bootstrap, ["ledger.overdue"], book=book.book_id, timeout_s=ledger.settings.kafka_timeout_s)
    )
    with ledger.queries() as queries:
        _show_balances(queries, book)
        late = _show_delinquency(queries, book)
        _show_audit_trail(queries, late)
    _show_record(deliveries, late)
    comparison = _show_comparison(_compare(deliveries))
    _show_next_steps(ledger, late)
    return comparison


def _start_postgres(ledger: Ledger) -> None:
    where = escape(str(ledger.settings.data.resolve()))
    console.print(f"[bold]1[/] Servers   PostgreSQL 18 and Apache Kafka; the embedded ones live in {where}")
    with progress("Starting PostgreSQL", "servers") as report:
        _ = ledger.database
        report(1, 1)


def _start_kafka(ledger: Ledger) -> str:
    with progress("Fetching and starting Kafka", "jars") as report:
        return ledger.kafka_bootstrap(report)


def _open_book(ledger: Ledger) -> Book:
    ledger.migrate()
    existing = ledger.find_book()
    if existing and existing.book_id != BOOK:
        raise NotTheDemo(
            f"asked to replay the demo's loans; this journal holds book {existing.book_id}, and nothing can be taken "
            "out of a book again. Give the demo a place of its own: LEDGER_DATA=.demo make demo"
        )
    ledger.init(BOOK, time_zone="UTC", cut_off="00:00", currencies=[CURRENCY])
    console.print(f"[bold]2[/] Book      {ledger.book.book_id}, journal {ledger.book.journal_id}")
    return ledger.book


def _import(ledger: Ledger) -> None:
    file = read_loan_file(demo_file(), CURRENCY, ledger.book.exponent(CURRENCY))
    with progress("Replaying loans", "days") as report:
        imported = ledger.loan_import(CURRENCY).run(file, today=ledger.today(), until=UNTIL, progress=report)
    head = ledger.journal.head().position
    console.print(
        f"[bold]3[/] Journal   {imported.opened} loans opened, {imported.paid} payments, {imported.again} commands "
        f"recorded before; {head:,} events"
    )


def _publish(ledger: Ledger, bootstrap: str) -> None:
    with progress("Relaying to Kafka", "events") as report, ledger.relay() as relay:
        position = relay.drain(report)
        report(position, position)
    console.print(f"[bold]4[/] Kafka     everything up to position {position:,} is on {bootstrap}")


def _project(ledger: Ledger) -> None:
    with progress("Projecting from Kafka", "applied") as report, ledger.runner(kafka=True) as runner:
        runner.catch_up(progress=report)
    console.print(f"[bold]5[/] Read      {len(PROJECTIONS)} projections have read it all from Kafka\n")


def _show_balances(queries: Queries, book: Book) -> None:
    exponent = book.exponent(CURRENCY)
    totals = queries.balances(limit=1).totals
    print_table(
        "Balances",
        {"status": "left", "loans": "right", "currency": "left", "still owed": "right"},
        [(t.status, t.loans, t.currency, format_minor(t.total_due_minor, exponent)) for t in totals],
    )


def _show_delinquency(queries: Queries, book: Book) -> str:
    """Past due loans by bucket, and the longest; returns the loan that is past due the longest."""
    rows = queries.delinquency(UNTIL)
    loans = Counter(row.bucket for row in rows)
    owed = Counter[str]()
    for row in rows:
        owed[row.bucket] += row.overdue_minor
    largest = max(loans.values(), default=1)
    exponent = book.exponent(CURRENCY)
    print_table(
        f"\nPast due on {UNTIL}",
        {"bucket": "left", "loans": "right", "overdue": "right", "": "left"},
        [
            (bucket, loans[bucket], format_minor(owed[bucket], exponent), "█" * max(1, 30 * loans[bucket] // largest))
            for bucket in sorted(loans)
        ],
    )
    print_table(
        "\nThe longest",
        {"loan": "left", "due": "left", "days past due": "right", "bucket": "left", "overdue": "right"},
        [
            (row.loan, row.due_on, row.days_past_due, row.bucket, format_minor(row.overdue_minor, exponent))
            for row in rows[:_ROWS]
        ],
    )
    return rows[0].loan


def _show_audit_trail(queries: Queries, loan_id: str) -> None:
    print_table(
        f"\nAudit trail of {loan_id}",
        {"position": "right", "counts on": "left", "what": "left", "hash": "left", "follows": "left"},
        [
            (row.position, row.value_date, row.summary, row.hash[:12], (row.prevhash or "-")[:12])
            for row in queries.audit_trail(loan_id)
        ],
    )


def _show_record(deliveries: Iterable[Delivery], loan_id: str) -> None:
    found = next(each for each in deliveries if each.key == loan_id and isinstance(each.event, DelinquencyChanged))
    console.print(f"\n[bold]One record as any Kafka client sees it[/]  {found.topic}, partition {found.partition}, "
                  f"offset {found.offset}")  # fmt: skip
    console.print(f"  key      {found.key}", markup=False)
    headers = "  ".join(f"{name}={value}" for name, value in found.headers.items())
    console.print(f"  headers  {headers}", markup=False, soft_wrap=True)
    pretty = orjson.dumps(orjson.loads(found.value), option=orjson.OPT_INDENT_2).decode()
    console.print("  value    " + pretty.replace("\n", "\n           "), markup=False, soft_wrap=True)


def _compare(deliveries: Iterable[Delivery]) -> Comparison:
    found = fold_lateness(delivery.event for delivery in deliveries)
    return compare(stated_days(demo_file()), found, UNTIL)


def _show_comparison(comparison: Comparison) -> Comparison:
    console.print("\n[bold]Check[/]  days past due in overdue events read back from Kafka, against the file")
    console.print(f"  {comparison.agreed} of {comparison.stated} agree")
    for difference in comparison.differences:
        console.print(f"  {difference.loan_id}: {difference.reason}", markup=False, soft_wrap=True)
    return comparison


def _show_next_steps(ledger: Ledger, loan_id: str) -> None:
    console.print("\n[bold]Try next[/]")
    for line in (
        ".venv/bin/ledger delinquency --as-of 2016-10-15",
        f".venv/bin/ledger pay {loan_id} 250.00 && .venv/bin/ledger audit show {loan_id}",
        ".venv/bin/ledger balances --json | head -20",
        ".venv/bin/ledger serve --kafka      relay and projections, until Ctrl-C",
        ".venv/bin/ledger embedded stop      the servers go on running until then",
    ):
        console.print(f"  {line}", markup=False)
