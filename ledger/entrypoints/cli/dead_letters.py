"""Commands for events that a projection cannot apply: list, show, retry, skip."""

from collections.abc import Sequence
from typing import Annotated

import orjson
import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json, Key
from ledger.entrypoints.cli.output import console, print_json, print_table, print_warning
from ledger.settings import read_settings
from projections.dead_letters import DeadLetter
from schemas.envelope import digest

app = typer.Typer(
    help="Events that a projection cannot apply: look at them, try again, pass over.", no_args_is_help=True
)

Position = Annotated[int, typer.Argument(metavar="POSITION", min=1, help="Position of the event in the journal.")]
OfProjection = Annotated[str | None, typer.Option("--projection", help="For this one only. Default: all.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded, auditors read it.")]
Past = Annotated[bool, typer.Option("--all", help="Those too that were applied or skipped since.")]


@app.command("list")
def list_letters(past: Past = False, json: Json = False) -> None:
    """What stands in the way of which projection."""
    with Ledger(read_settings()) as ledger:
        letters = [each for each in ledger.upkeep.dead_letters.all() if past or not each.is_passed]
    if json:
        print_json(letters)
        return
    columns = {"position": "right", "projection": "left", "status": "left", "partition": "right"}
    columns |= {"stream": "left", "type": "left", "since": "left", "tried": "right", "error": "left"}
    shown = [
        (f"{each.position:,}", each.projection, each.status, each.partition, each.stream or "not in the journal",
         each.type, f"{each.first_seen_at:%Y-%m-%d %H:%M:%S}", each.times, each.code)
        for each in letters
    ]  # fmt: skip
    print_table("Dead letters", columns, shown, footer="ledger dead-letters show POSITION" if letters else None)


@app.command("show")
def show(position: Position, json: Json = False) -> None:
    """One event that could not be applied, as it was recorded, and why."""
    with Ledger(read_settings()) as ledger:
        letters, recorded = ledger.upkeep.dead_letters.at(position), ledger.upkeep.recorded_at(position)
    state = recorded.state if recorded else None
    document = _document(state)
    found = {"position": position, "hash": state and digest(state).hex(), "event": document, "letters": letters}
    if json:
        print_json(found)
        return
    console.print(f"Position {position:,}   hash {found['hash'] or 'unknown: the journal holds nothing there'}")
    _warn_of_other_bytes(letters, state)
    for each in letters:
        console.print(f"{each.projection} {each.status} since {each.first_seen_at:%Y-%m-%d %H:%M:%S}: ", end="")
        console.print(f"{each.code}: {each.reason}", markup=False)
        if each.skipped_at:
            console.print(f"{each.projection} passes over it: {each.skip_reason}", markup=False)
            console.print(
                f"  decided by {each.skipped_by} at {each.skipped_at:%Y-%m-%d %H:%M:%S}, "
                f"recorded at position {each.skipped_at_position:,}",
                markup=False,
            )
    if document is not None:
        console.print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode(), markup=False)
    elif state is not None:
        console.print(f"Not a document: {state[:200]!r}", markup=False)


@app.command("retry")
def retry(position: Position, projection: OfProjection = None, json: Json = False) -> None:
    """Have an event tried again, once what was in its way is gone: by the workers, or at once if none is running."""
    with Ledger(read_settings()) as ledger:
        names = ledger.upkeep.retry_dead_letter(position, projection)
    if json:
        print_json({"position": position, "applied": names})
    else:
        console.print(f"Applied position {position:,} to {', '.join(names)}")


@app.command("skip")
def skip(
    position: Position, reason: Reason, projection: OfProjection = None, key: Key = None, json: Json = False
) -> None:
    """Have projections pass over an event for good. That is an event itself; the skipped one stays where it is."""
    with Ledger(read_settings()) as ledger:
        recorded_at = ledger.upkeep.skip_dead_letter(position, projection, reason=reason, key=key or ledger.new_key())
    if json:
        print_json({"position": position, "projection": projection, "recorded_at_position": recorded_at})
        return
    console.print(f"Skipped position {position:,} for {projection or 'all projections'}", end="")
    console.print(f"; recorded at position {recorded_at:,}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="dead-letters")


def _document(state: bytes | None) -> object:
    """The event as anybody may read it; None where it is no JSON."""
    try:
        return None if state is None else orjson.loads(state)
    except orjson.JSONDecodeError:
        return None


def _warn_of_other_bytes(letters: Sequence[DeadLetter], state: bytes | None) -> None:
    if state is not None and any(each.hash != digest(state).hex() for each in letters):
        print_warning("what was delivered is not what the journal holds: repair the topic from the journal, then retry")
