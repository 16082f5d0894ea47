"""How days past due are counted, as somebody sets it on the command line."""

from tests.e2e.conftest import Program


def test_a_relief_that_is_known_late_withdraws_the_mark_of_a_loan(imported: Program) -> None:
    late = [row["loan"] for row in imported("delinquency", "--as-of", "2016-12-01", "--json").json]
    assert "c3" in late
    imported(
        "loan", "pause", "c3", "--reason", "relief", "--id", "r1", "--since", "2016-09-01", "--until", "2016-12-05"
    )
    late = [row["loan"] for row in imported("delinquency", "--as-of", "2016-12-01", "--json").json]
    assert "c3" not in late
    [row] = [row for row in imported("delinquency", "--as-of", "2016-12-08", "--json").json if row["loan"] == "c3"]
    assert (row["days_past_due"], row["bucket"]) == (3, "M1")
    told = [row["summary"] for row in imported("audit", "show", "c3", "--json").json]
    assert "pause of contractual and bureau and regulatory days from 2016-09-01 to 2016-12-05: relief (r1)" in told
    imported("loan", "resume", "c3", "r1", "--until", "2016-08-31")
    assert "c3" in [row["loan"] for row in imported("delinquency", "--as-of", "2016-12-01", "--json").json]


def test_rules_are_set_by_the_name_of_a_policy(imported: Program) -> None:
    said = imported("loan", "overdue-rules", "c3", "nobody", status=2).err
    assert "unknown_policy" in said
    assert "cn_card" in said
    assert "policy_of_other_currency" in imported("loan", "overdue-rules", "c3", "cn_card", status=2).err
    [event, *_] = imported("loan", "overdue-rules", "c3", "grace_of_3_days", "--json").json["events"]
    assert event["rules"]["contractual"] == {"grace_days": 3, "counts_grace": False}
    assert imported("loan", "pause", "c3", "--reason", "holiday", status=2).err.count("unknown_counter") == 1
    assert imported("loan", "resume", "c3", "nothing", status=4).err.count("pause_not_found") == 1


def test_rules_are_set_for_all_loans_of_a_product_and_again_changes_nothing(imported: Program) -> None:
    loans = {row["loan"]: row["status"] for row in imported("balances", "--json").json}
    open_loans = [loan for loan, status in loans.items() if status in {"active", "overdue"}]
    assert imported("overdue-rules", "grace_of_3_days", "--product", "car", "--json").json["loans"] == 0
    done = imported("overdue-rules", "grace_of_3_days", "--json").json
    assert (done["loans"], done["again"], done["refused"]) == (len(open_loans), 0, {})
    again = imported("overdue-rules", "grace_of_3_days", "--json").json
    assert (again["loans"], again["again"]) == (0, len(open_loans))
    for loan in open_loans:
        found = imported("loan", "why", loan, "--overdue", "--json").json
        assert {each["policy"] for each in found["counters"]} == {"grace_of_3_days@1900-01-01"}
    assert f"Set as_agreed for {len(open_loans)} loans" in imported("overdue-rules", "as_agreed").out


def test_a_loan_begins_with_its_rules_and_a_key_of_before_stands_for_the_same(imported: Program) -> None:
    opening = ("loan", "open", "n1", "100.00", "--due", "2030-01-31", "--key", "open-n1", "--json")
    first = imported(*opening).json
    assert imported(*opening).json["again"]
    assert [event["type"] for event in first["events"]] == ["ledger.loan.opened.v1"]
    opening = ("loan", "open", "n2", "100.00", "--due", "2030-01-31", "--overdue-policy", "cn_open_days", "--json")
    opened, rules = imported(*opening).json["events"]
    assert opened["standing"] == rules["standing"]
    assert rules["rules"]["policy"] == "cn_open_days@1900-01-01"
    found = imported("loan", "why", "n2", "--overdue", "--json").json
    assert {each["policy"] for each in found["counters"]} == {"cn_open_days@1900-01-01"}
