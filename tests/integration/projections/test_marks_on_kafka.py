"""Marks as any program reads them from Kafka, with nothing of ours but JSON, are those of the projection."""

from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from projections.queries import Queries
from tests.integration.projections.published import relay
from tests.integration.projections.recorded_book import RecordedBook
from tests.loan_builders import days

TOPIC = "ledger.overdue"


def read(bootstrap: str, book_id: str) -> list[dict[str, Any]]:
    """The events of a book, those of each loan in order."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        parts = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or ()]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        found: list[dict[str, Any]] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=500).values():
                found += [orjson.loads(record.value) for record in records]
    finally:
        consumer.close()
    return [event for event in found if event["source"] == f"/books/{book_id}"]


def test_marks_of_a_plain_consumer_are_those_of_the_projection(recorded: RecordedBook, kafka_bootstrap: str) -> None:
    recorded.every_kind()
    recorded.lives(60)
    relay(recorded, kafka_bootstrap)
    recorded.catches_up()
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for event in read(kafka_bootstrap, recorded.book.book_id):
        if event["type"] != "ledger.loan.delinquency_changed.v1":
            continue
        data = event["data"]
        for marked in data.get("marked", []):
            rows[data["loan_id"], marked["installment"]] = {"due_on": marked["due_on"], "cured_on": None}
        for cured in data.get("cured", []):
            rows[data["loan_id"], cured["installment"]] = {"due_on": cured["due_on"], "cured_on": cured["cured_on"]}
        for withdrawn in data.get("withdrawn", []):
            rows.pop((data["loan_id"], withdrawn["installment"]))
    assert len(rows) > 40
    with recorded.database.connect("ledger_reader") as connection:
        kept = connection.execute(
            "select distinct on (loan, installment) loan, installment, due_on::text, cured_on::text, withdrawn "
            "from projections.delinquency where book = %s and loan <> 'xqd20251105' "
            "order by loan, installment, position desc, step desc",
            (recorded.book.book_id,),
        ).fetchall()
    assert rows == {
        (loan, installment): {"due_on": due_on, "cured_on": cured_on}
        for loan, installment, due_on, cured_on, withdrawn in kept
        if not withdrawn
    }
    late = {loan for (loan, _), row in rows.items() if row["cured_on"] is None}
    with Queries(recorded.database, recorded.book.book_id) as queries:
        assert late == {row.loan for row in queries.delinquency(days(4000))}
