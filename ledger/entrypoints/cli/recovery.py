"""The command that brings a journal back from Kafka: restore."""

from enum import Enum
from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import console, print_json, progress
from ledger.settings import read_settings
from schemas.errors import BadInput


class WhatToRestore(BadInput):
    code = "what_to_restore"


class Source(Enum):
    KAFKA = "kafka"


Tail = Annotated[
    bool, typer.Option("--tail", help="Bring back what Kafka has beyond the end of a journal restored from a backup.")
]
From = Annotated[Source | None, typer.Option("--from", help="Build a whole journal in an empty database.")]
Book = Annotated[str | None, typer.Option(help="Id of the book. Default: the journal's, or the only one published.")]
JournalTopicOnly = Annotated[
    bool,
    typer.Option("--journal-topic-only", help="Do not compare with the topics of the families, if those are broken."),
]


def restore(
    tail: Tail = False,
    source: From = None,
    book: Book = None,
    journal_topic_only: JournalTopicOnly = False,
    json: Json = False,
) -> None:
    """Bring events back that the journal lost and Kafka still has: the same bytes, positions, keys and hashes.

    All is checked before it goes in. The journal takes nothing new until a relay has confirmed it: ledger relay.
    """
    if tail == bool(source):
        raise WhatToRestore(
            "asked to restore a journal; say what: --tail for the newest events behind a backup, "
            "--from kafka for a whole journal in an empty database"
        )
    with Ledger(read_settings()) as ledger, progress("Restoring from Kafka", "events") as report:
        restored = ledger.restore(book, whole=bool(source), copies=not journal_topic_only, progress=report)
        ends = ledger.journal.head().position
    if json:
        print_json(restored)
    elif restored.count:
        console.print(
            f"Restored {restored.count:,} events of book {restored.book_id}, positions {restored.first:,} to "
            f"{restored.last:,}"
        )
        console.print(f"Verified: {ends:,} events without a gap, the last with hash {restored.hash}, as in Kafka")
        console.print("The journal takes nothing new until a relay has confirmed it: ledger relay")
    else:
        console.print(f"Nothing is missing: the journal of book {restored.book_id} ends at {ends:,}, Kafka not beyond")


def register(app: typer.Typer) -> None:
    app.command()(restore)
