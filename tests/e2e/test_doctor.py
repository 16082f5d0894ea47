"""`ledger doctor` as a user runs it: it ends with 7 when something is wrong, and says what."""

import psycopg

from tests.e2e.conftest import Program

TRIGGERS = ("append_only_rows", "append_only_statements")


def change_an_amount(program: Program, position: int) -> None:
    """What a superuser can do who covers up the traces."""
    with psycopg.connect(program.settings["LEDGER_DATABASE_URL"], autocommit=True) as admin:
        admin.execute("alter table journal.event disable trigger user")
        admin.execute(
            "update journal.event set state = convert_to(replace(convert_from(state, 'UTF8'), '100000', '900000'), "
            "'UTF8') where position = %s",
            (position,),
        )
        for trigger in TRIGGERS:
            admin.execute(f"alter table journal.event enable always trigger {trigger}".encode())


def test_the_doctor_reads_every_event_unless_it_is_to_be_quick(imported: Program) -> None:
    checks = {check["check"] for check in imported("doctor", "--json").json}
    quick = {check["check"] for check in imported("doctor", "--quick", "--json").json}
    assert checks - quick == {"order", "hash chain", "double entry"}
    assert {"durability", "clocks", "rights", "grants", "positions"} <= quick


def test_the_doctor_names_an_amount_that_somebody_changed(imported: Program) -> None:
    change_an_amount(imported, position=2)
    imported("doctor", "--quick")
    [wrong] = [check for check in imported("doctor", "--json", status=7).json if not check["ok"]]
    assert wrong["check"] == "hash chain"
    assert wrong["found"] == "version 2 of stream loan/a1 does not name the hash of version 1"
    assert "compare with Kafka" in wrong["advice"]


def test_the_doctor_shows_how_far_it_has_read_beside_its_table(imported: Program) -> None:
    done = imported("doctor")
    assert "Reading all events" in done.err
    assert "Reading all events" not in done.out
    assert "every event names the one before it" in done.out
