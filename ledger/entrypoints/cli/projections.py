"""Commands about the builds of projections: list, rebuild, verify, lag, drop-old, drop-next."""

from enum import Enum
from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.domain.errors import ReasonMissing
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import console, errors, print_json, print_table, print_warning, progress
from ledger.entrypoints.cli.workers import project_status
from ledger.settings import read_settings
from schemas.errors import BadInput

app = typer.Typer(help="Look at the projections, verify them, build them anew.", no_args_is_help=True)
app.command("lag")(project_status)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the projection; see ledger projections list.")]
Restart = Annotated[bool, typer.Option("--restart", help="Begin anew instead of where an earlier try ended.")]
Accept = Annotated[
    str | None, typer.Option(metavar="REASON", help="Swap although rows differ, for this reason; it is recorded.")
]
Sample = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only so many loans, chosen evenly.")]
Loan = Annotated[str | None, typer.Option(metavar="LOAN", help="Only this loan.")]


class WhatToVerify(BadInput):
    code = "what_to_verify"


class Source(Enum):
    JOURNAL = "journal"
    KAFKA = "kafka"


From = Annotated[Source, typer.Option("--from", help="Where the events come from.")]


@app.command("list")
def list_projections(json: Json = False) -> None:
    """All projections: what they hold, and who put it there."""
    with Ledger(read_settings()) as ledger:
        found = ledger.upkeep.inventory()
    if json:
        print_json(found)
        return
    columns = {"projection": "left", "version": "right", "build": "left", "of version": "right", "events": "right"}
    columns |= {"MB": "right", "swapped in": "left", "by": "left", "accepted because": "left"}
    rows: list[tuple[object, ...]] = []
    for each in found:
        rows += [
            (
                each.projection,
                each.version,
                build.place,
                build.version,
                f"{build.events:,}",
                f"{build.bytes / 1_000_000:,.1f}",
                f"{build.swapped_at:%Y-%m-%d %H:%M:%S}" if build.swapped_at else "",
                build.swapped_by or "",
                build.reason or "",
            )
            for build in each.builds
        ] or [(each.projection, each.version, "none yet", *[""] * 6)]
    print_table("Projections", columns, rows)


@app.command()
def rebuild(
    name: Name, source: From = Source.JOURNAL, restart: Restart = False, accept: Accept = None, json: Json = False
) -> None:
    """Build a projection anew beside the live one, prove that both hold the same, and put it in its place.

    What was live is kept until ledger projections drop-old. One that was ended goes on where it was.
    """
    if accept is not None and not accept.strip():
        raise ReasonMissing("asked to accept a difference without a reason; say why: --accept REASON")
    with Ledger(read_settings()) as ledger, progress(f"Rebuilding {name}", "events", rate=True) as report:
        done = ledger.upkeep.rebuild(
            name,
            kafka=source is Source.KAFKA,
            restart=restart,
            accept=accept,
            progress=report,
            step=lambda step: errors.print(f"{step.value} ..."),
        )
    if json:
        print_json(done)
        return
    if done.resumed_at:
        console.print(f"Went on after {done.resumed_at:,} events of an earlier try")
    if done.difference:
        console.print(f"Accepted: {done.difference}", markup=False)
    elif done.digest:
        console.print(f"Proved: both builds hold the same at the same positions, digest {done.digest}")
    console.print(f"Projection {done.projection}, version {done.version}, is live", end="")
    console.print(f"; what was before is kept: ledger projections drop-old {name}" if done.replaced_digest else "")


@app.command()
def verify(name: Name, sample: Sample = None, loan: Loan = None, json: Json = False) -> None:
    """Fold events from the first one on, all or those of some loans, and compare with what the projection holds."""
    if sample and loan:
        raise WhatToVerify("asked to verify a sample and one loan; give --sample or --loan")
    with Ledger(read_settings()) as ledger, progress(f"Verifying {name}", "events", rate=True) as report:
        found = ledger.upkeep.verify(name, loan=loan, sample=sample, progress=report)
    if json:
        print_json(found)
    for each in found.stopped:
        print_warning(
            f"{name} stands still on partition {each.partition}; it was verified up to position {each.position} there, "
            f"where it stopped: {each.problem}"
        )
    found.require()
    if not json:
        loans = "all there is" if found.loans is None else f"{found.loans:,} loans"
        console.print(f"Projection {name} holds what its events make: {loans}, {found.events:,} events")


@app.command("drop-old")
def drop_old(name: Name, json: Json = False) -> None:
    """Drop what was live before the last swap of a projection."""
    with Ledger(read_settings()) as ledger:
        ledger.upkeep.drop_old(name)
    _tell_dropped(name, "old", json=json)


@app.command("drop-next")
def drop_next(name: Name, json: Json = False) -> None:
    """Drop what a rebuild has filled that was not put in the place of the live build."""
    with Ledger(read_settings()) as ledger:
        ledger.upkeep.drop_next(name)
    _tell_dropped(name, "next", json=json)


def _tell_dropped(name: str, place: str, *, json: bool) -> None:
    if json:
        print_json({"projection": name, "dropped": place})
    else:
        console.print(f"Dropped the {'new' if place == 'next' else place} build of {name}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="projections")
