"""How late loans are, as somebody asks on the command line: why, by class, by roll rates, by vintages."""

from pathlib import Path

from tests.e2e.conftest import Program


def test_why_a_loan_is_overdue_tells_counters_rules_and_events(imported: Program) -> None:
    found = imported("loan", "why", "c3", "--overdue", "--as-of", "2016-12-01", "--json").json
    assert {each["counter"] for each in found["counters"]} == {"contractual", "bureau", "regulatory"}
    assert len({each["days"] for each in found["counters"]}) == 1
    trail = {row["position"]: row["hash"] for row in imported("audit", "show", "c3", "--json").json}
    assert all(trail[change["position"]] == change["hash"] for change in found["changes"])
    told = imported("loan", "why", "c3", "--overdue", "--as-of", "2016-12-01").out
    assert "as_agreed@1900-01-01" in told
    assert "installment 1 overdue; M0 to M1" in told
    [late] = found["installments"]
    assert (late["installment"], late["due_on"], late["bucket"]) == (1, "2016-09-15", "M3")
    assert set(late["days"]) == {each["days"] for each in found["counters"]}
    said = imported("loan", "why", "c3", "--overdue", "--installment", "1", status=2).err
    assert "give either --balance, --installment or --overdue" in said


def test_classes_say_that_their_scheme_is_not_confirmed(imported: Program) -> None:
    found = imported("classification", "ifrs9", "--as-of", "2016-12-08", "--rules-of", "2026-01-01")
    assert "ifrs9@2018-01-01 is not confirmed" in found.err
    assert "c3" in found.out
    rows = imported("classification", "us_open_end", "--loan", "c3", "--as-of", "2016-12-08", "--json").json["loans"]
    assert rows[0]["changes"][0]["before"] == "current"
    assert "holds from a later date" in imported("classification", "cn_loan", "--as-of", "2016-12-08", status=2).err
    assert "use one of cn_card, cn_loan, eba_default" in imported("classification", "nobody", status=2).err


def test_terms_that_were_eased_make_a_class_until_that_was_an_error(imported: Program) -> None:
    asked = ("classification", "cn_loan", "--rules-of", "2026-01-01", "--loan", "a1", "--json")
    assert imported(*asked).json["loans"] == []
    said = ("loan", "restructured", "a1", "--first-payment", "2026-12-01", "--reason", "lost work", "--id", "r1")
    imported(*said, "--json")
    [row] = imported(*asked).json["loans"]
    assert row["now"] == "special_mention"
    assert "observed until 2027-12-01" in row["reason"]
    assert "restructuring_exists" in imported(*said, status=3).err
    assert "lost work" in imported("loan", "why", "a1", "--overdue").out
    imported("loan", "not-restructured", "a1", "r1", "--reason", "another loan was meant")
    assert imported(*asked).json["loans"] == []
    assert "restructuring_not_found" in imported("loan", "not-restructured", "a1", "r1", "--reason", "x", status=4).err


def test_roll_rates_and_vintages_are_tables_json_and_drawings(imported: Program, tmp_path: Path) -> None:
    rolls, cohorts = tmp_path / "rolls.svg", tmp_path / "cohorts.svg"
    told = imported("roll-rates", "--until", "2016-12-08", "--months", "3", "--svg", str(rolls))
    assert "from 2016-10-31 to 2016-11-30" in told.out
    assert "<svg" in rolls.read_text()
    assert imported("roll-rates", "--until", "2016-12-08", "--json").json[-1]["following"] == "2016-11-30"
    told = imported("vintages", "--until", "2016-12-08", "--days", "1", "--svg", str(cohorts))
    assert "Ever 1 days past due or more" in told.out
    assert "<svg" in cohorts.read_text()
    assert "no loan owed anything" in imported("roll-rates", "--until", "2010-01-01").out
    assert imported("vintages", "--until", "2010-01-01", "--json").json == []


def test_days_are_proved_by_their_control_totals(imported: Program) -> None:
    rows = imported("days", "--json").json
    assert rows
    assert all(row["proved"] for row in rows)
    assert "yes" in imported("days", "--last", "1").out
    assert "nothing was recorded" in imported("day-end", "--dry-run").out
