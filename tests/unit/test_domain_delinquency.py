from datetime import date, timedelta

import pytest

from ledger.domain.delinquency import bucket, days_past_due

DUE = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (0, "m0"),
        (1, "m1"),
        (30, "m1"),
        (31, "m2"),
        (60, "m2"),
        (61, "m3"),
        (90, "m3"),
        (91, "m4"),
        (120, "m4"),
        (121, "m5"),
        (150, "m5"),
        (151, "m6"),
        (180, "m6"),
        (181, "m7"),
        (182, "m7"),
        (36_500, "m7"),
    ],
)
def test_a_bucket_ends_on_its_thirtieth_day(days: int, stage: str) -> None:
    assert bucket(days) == stage


@pytest.mark.parametrize(("after", "late"), [(-400, 0), (-1, 0), (0, 0), (1, 1), (30, 30), (365, 365)])
def test_days_past_due_count_from_the_day_after_the_due_date(after: int, late: int) -> None:
    assert days_past_due(DUE, DUE + timedelta(after)) == late


def test_a_leap_day_counts_as_a_day() -> None:
    assert days_past_due(date(2028, 2, 28), date(2028, 3, 1)) == 2
