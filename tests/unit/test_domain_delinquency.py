from datetime import date, timedelta

import pytest

from ledger.domain.delinquency import bucket, days_past_due

DUE = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (0, "M0"),
        (1, "M1"),
        (30, "M1"),
        (31, "M2"),
        (60, "M2"),
        (61, "M3"),
        (90, "M3"),
        (91, "M4"),
        (120, "M4"),
        (121, "M5"),
        (150, "M5"),
        (151, "M6"),
        (180, "M6"),
        (181, "M7"),
        (182, "M7"),
        (36_500, "M7"),
    ],
)
def test_a_bucket_ends_on_its_thirtieth_day(days: int, stage: str) -> None:
    assert bucket(days) == stage


@pytest.mark.parametrize(("after", "late"), [(-400, 0), (-1, 0), (0, 0), (1, 1), (30, 30), (365, 365)])
def test_days_past_due_count_from_the_day_after_the_due_date(after: int, late: int) -> None:
    assert days_past_due(DUE, DUE + timedelta(after)) == late


def test_a_leap_day_counts_as_a_day() -> None:
    assert days_past_due(date(2028, 2, 28), date(2028, 3, 1)) == 2
