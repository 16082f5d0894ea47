"""Everything that may be wrong with a loan file: where it is, what was found, what was expected."""

from datetime import date
from pathlib import Path

import pytest

from ledger.application.csv_records import Finding, UnreadableFile
from ledger.application.loan_file import LoanFile, read_loan_file

HEADER = "Loan_ID,loan_status,Principal,terms,effective_date,due_date,paid_off_time,past_due_days,age,education,Gender"
PAID = "a1,PAIDOFF,1000,30,9/8/2016,10/7/2016,9/14/2016 19:31,,45,High School or Below,male"
LATE = "b2,COLLECTION_PAIDOFF,800,15,9/8/2016,9/22/2016,9/23/2016 9:05,1,50,Bechalor,female"
OPEN = "c3,COLLECTION,300,7,9/9/2016,9/15/2016,,76,29,college,male"
COLUMNS = HEADER.split(",")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "loans.csv"


def read_text(path: Path, *lines: str, header: str = HEADER, end: str = "\n") -> LoanFile:
    return read_bytes(path, end.join([header, *lines, ""]).encode())


def read_bytes(path: Path, content: bytes, exponent: int = 2) -> LoanFile:
    path.write_bytes(content)
    return read_loan_file(path, "USD", exponent)


def a_row(**cells: str) -> str:
    """The first row with some cells changed."""
    return ",".join(cells.get(name, cell) for name, cell in zip(COLUMNS, PAID.split(","), strict=True))


def test_a_good_file_is_read_whole(path: Path) -> None:
    file = read_text(path, PAID, LATE, OPEN)
    assert file.findings == []
    assert [(loan.line, loan.loan_id, loan.principal_minor) for loan in file.loans] == [
        (2, "a1", 1000_00),
        (3, "b2", 800_00),
        (4, "c3", 300_00),
    ]
    assert (file.loans[0].opened_on, file.loans[0].due_on) == (date(2016, 9, 8), date(2016, 10, 7))
    assert [loan.paid_off_at and loan.paid_off_at.isoformat() for loan in file.loans] == [
        "2016-09-14T19:31:00",
        "2016-09-23T09:05:00",
        None,
    ]
    assert file.last_date == date(2016, 10, 7)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(path: Path, end: str, mark: bytes) -> None:
    file = read_bytes(path, mark + end.join([HEADER, PAID, ""]).encode())
    assert [loan.loan_id for loan in file.loans] == ["a1"]


def test_columns_may_stand_in_any_order_with_others_between(path: Path) -> None:
    order = [6, 0, 10, 2, 4, 3, 1, 5]
    header, row = (",".join(text.split(",")[n] for n in order) for text in (HEADER, PAID))
    assert [loan.loan_id for loan in read_text(path, row, header=header).loans] == ["a1"]


def test_quotes_blanks_and_empty_lines_are_fine(path: Path) -> None:
    file = read_text(path, a_row(Loan_ID=" a1 ", Principal='"1,000.00"'), "", OPEN)
    assert [(loan.line, loan.principal_minor) for loan in file.loans] == [(2, 1000_00), (4, 300_00)]


def test_a_file_with_a_header_only_holds_nothing(path: Path) -> None:
    file = read_text(path)
    assert (file.loans, file.findings, file.last_date) == ([], [], None)


@pytest.mark.parametrize(
    ("column", "found", "expected"),
    [
        ("Loan_ID", "", "1 to 64 letters"),
        ("Loan_ID", "a/1", "1 to 64 letters"),
        ("Loan_ID", "a" * 65, "1 to 64 letters"),
        ("loan_status", "paidoff", "one of PAIDOFF, COLLECTION_PAIDOFF, COLLECTION"),
        ("loan_status", "", "one of PAIDOFF"),
        ("Principal", "", "an amount of USD above zero"),
        ("Principal", "0", "an amount of USD above zero"),
        ("Principal", "-5", "an amount of USD above zero"),
        ("Principal", "1e3", "an amount of USD above zero"),
        ("Principal", "10.001", "an amount of USD above zero"),
        ("Principal", "90071992547409.92", "up to 2^53 - 1 minor units"),
        ("Principal", "９", "an amount of USD above zero"),
        ("terms", "", "a whole number of days above 0"),
        ("terms", "0", "a whole number of days above 0"),
        ("terms", "7.5", "a whole number of days above 0"),
        ("effective_date", "", "a date as month/day/year"),
        ("effective_date", "2016-09-08", "a date as month/day/year"),
        ("effective_date", "13/1/2016", "a date as month/day/year"),
        ("effective_date", "2/30/2016", "a date as month/day/year"),
        ("due_date", "9/8/16", "a date as month/day/year"),
        ("due_date", "9/31/2016", "a date as month/day/year"),
        ("paid_off_time", "9/14/2016", "a local date and time"),
        ("paid_off_time", "9/14/2016 24:00", "a local date and time"),
        ("paid_off_time", "9/14/2016 19:60", "a local date and time"),
        ("paid_off_time", "yesterday", "a local date and time"),
        ("past_due_days", "-1", "a whole number, or nothing"),
        ("past_due_days", "one", "a whole number, or nothing"),
    ],
)
def test_a_cell_that_cannot_be_read_is_a_finding(path: Path, column: str, found: str, expected: str) -> None:
    file = read_text(path, OPEN, a_row(**{column: found}))
    [finding] = file.findings
    assert (finding.line, finding.column, finding.found) == (3, column, found)
    assert expected in finding.expected
    assert [loan.loan_id for loan in file.loans] == ["c3"]


def test_a_finding_reads_as_a_sentence() -> None:
    finding = Finding(line=3, column="terms", found="x", expected="a whole number of days above 0")
    assert str(finding) == "line 3, column terms: found 'x', expected a whole number of days above 0"


def test_all_findings_of_all_rows_come_at_once(path: Path) -> None:
    file = read_text(path, a_row(Principal="x", terms="y"), a_row(Loan_ID="z9", due_date="?"), PAID)
    assert [(finding.line, finding.column) for finding in file.findings] == [
        (2, "Principal"),
        (2, "terms"),
        (3, "due_date"),
    ]
    assert [loan.line for loan in file.loans] == [4]


@pytest.mark.parametrize(("row", "fields"), [("a1,PAIDOFF", 2), (PAID + ",", 12), (PAID + ",x,y", 13)])
def test_a_row_with_another_number_of_fields_is_a_finding(path: Path, row: str, fields: int) -> None:
    [finding] = read_text(path, row).findings
    assert (finding.line, finding.column, finding.found) == (2, "(row)", row)
    assert finding.expected == f"11 fields, not {fields}"


def test_a_loan_that_stands_twice_is_a_finding_that_names_the_first_line(path: Path) -> None:
    file = read_text(path, PAID, OPEN, a_row(Principal="5"))
    assert file.findings == [
        Finding(line=4, column="Loan_ID", found="a1", expected="an id that no other line has; line 2 has it")
    ]
    assert [loan.line for loan in file.loans] == [2, 3]


@pytest.mark.parametrize(
    ("cells", "column", "expected"),
    [
        ({"due_date": "9/7/2016"}, "due_date", "2016-09-08 or a later date"),
        ({"paid_off_time": "9/7/2016 23:59"}, "paid_off_time", "2016-09-08 or later"),
        ({"paid_off_time": ""}, "paid_off_time", "a date and time, since loan_status is PAIDOFF"),
        ({"loan_status": "COLLECTION"}, "paid_off_time", "nothing, since loan_status is COLLECTION"),
    ],
)
def test_a_row_that_contradicts_itself_is_a_finding(
    path: Path, cells: dict[str, str], column: str, expected: str
) -> None:
    [finding] = read_text(path, a_row(**cells)).findings
    assert (finding.line, finding.column, finding.expected) == (2, column, expected)


def test_a_line_number_counts_lines_inside_quotes_too(path: Path) -> None:
    file = read_text(path, a_row(education='"two\nlines"'), a_row(Loan_ID="z9", terms="x"))
    assert [finding.line for finding in file.findings] == [4]


@pytest.mark.parametrize("column", ["Loan_ID", "loan_status", "Principal", "terms", "effective_date", "due_date"])
def test_a_column_that_is_missing_is_named(path: Path, column: str) -> None:
    with pytest.raises(UnreadableFile, match=f"line 1, column {column} is missing"):
        read_text(path, header=HEADER.replace(column, "other"))


def test_a_column_that_stands_twice_is_named(path: Path) -> None:
    with pytest.raises(UnreadableFile, match="line 1, column terms stands twice"):
        read_text(path, header=HEADER.replace("age", "terms"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "which is empty; expected a header with Loan_ID"),
        (b"\xef\xbb\xbf", "which is empty"),
        ((HEADER + "\n" + PAID).encode("utf-16"), "is missing"),
        (b"\x00\x01\x02", "is missing"),
        (b"PK\x03\x04 a spreadsheet", "is missing"),
    ],
)
def test_what_is_not_a_table_is_refused_with_its_line(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        read_bytes(path, content)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file or directory; name a readable CSV file"):
        read_loan_file(tmp_path / "none.csv", "USD", 2)
    with pytest.raises(UnreadableFile, match="Is a directory"):
        read_loan_file(tmp_path, "USD", 2)


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(256 * 1024 * 1024 + 1)
    with pytest.raises(UnreadableFile, match=r"more than 256 MiB\. Split it"):
        read_loan_file(path, "USD", 2)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ('"a1,PAIDOFF', "one record of CSV"),
        ('"a1"x,PAIDOFF', "one record of CSV"),
        (a_row(education="x" * 200_000), "field larger than field limit"),
        (a_row(education='"never closed'), "one record of CSV"),
    ],
)
def test_a_broken_record_is_a_finding_and_the_lines_after_it_are_read(path: Path, bad: str, expected: str) -> None:
    file = read_text(path, bad, OPEN)
    [finding] = file.findings
    assert (finding.line, finding.column) == (2, "(row)")
    assert expected in finding.expected
    assert len(finding.found) < 200
    assert [loan.line for loan in file.loans] == [3]


def test_bytes_that_are_not_utf_8_matter_only_where_they_are_read(path: Path) -> None:
    rows = [PAID.replace("male", "m\xe4le"), OPEN.replace("COLLECTION", "C\xd6LLECTION")]
    file = read_bytes(path, "\n".join([HEADER, *rows]).encode("latin-1"))
    assert [loan.line for loan in file.loans] == [2]
    [finding] = file.findings
    assert (finding.line, finding.column, finding.expected) == (3, "loan_status", "text in UTF-8")
    assert "\\udcd6" in finding.found


def test_columns_are_found_whatever_their_case_and_blank_lines_are_passed_over(path: Path) -> None:
    file = read_text(path, PAID, "", " , ,,", OPEN, header=HEADER.upper())
    assert [loan.line for loan in file.loans] == [2, 5]
    assert file.findings == []


@pytest.mark.parametrize("day", ["9/14/0206", "9/14/1969", "12/31/9999", "1/1/3000"])
def test_a_year_that_nobody_means_is_a_finding(path: Path, day: str) -> None:
    [finding] = read_text(path, a_row(due_date=day)).findings
    assert (finding.column, finding.found) == ("due_date", day)


def test_an_amount_has_the_decimals_of_the_currency(path: Path) -> None:
    [loan] = read_bytes(path, f"{HEADER}\n{PAID}\n".encode(), exponent=0).loans
    assert loan.principal_minor == 1000
