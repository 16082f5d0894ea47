import pytest

from ledger.entrypoints.cli.output import print_table

COLUMNS = {"loan": "left", "owed": "right"}


@pytest.mark.parametrize("count", [3, 501])
def test_a_table_of_any_length_has_every_row_under_its_headings(capsys: pytest.CaptureFixture[str], count: int) -> None:
    print_table("Balances", COLUMNS, [(f"loan-{number}", number) for number in range(count)], footer="the end")
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == ["Balances"]
    assert lines[1] == ["loan", "owed"]
    assert lines[2:-1] == [[f"loan-{number}", str(number)] for number in range(count)]
    assert lines[-1] == ["the", "end"]


def test_numbers_of_a_long_table_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Balances", COLUMNS, [("\u8d37\u6b3e", 10**number) for number in range(7)] * 100)
    rows = capsys.readouterr().out.splitlines()[2:]
    assert {len(row) for row in rows} == {len(rows[0])}
