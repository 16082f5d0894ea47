from datetime import date

import pytest

from ledger.domain.daycount import fraction
from ledger.domain.terms import DayCount


@pytest.mark.parametrize(
    ("day_count", "start", "end", "share"),
    [
        (DayCount.ACTUAL_365F, "2026-01-31", "2026-03-31", (59, 365)),
        (DayCount.ACTUAL_360, "2026-01-31", "2026-03-31", (59, 360)),
        (DayCount.ACTUAL_365F, "2024-02-29", "2024-08-31", (184 - 0 - 0, 365)),
        (DayCount.THIRTY_360_US, "2026-01-31", "2026-03-31", (60, 360)),
        (DayCount.THIRTY_E_360, "2026-01-31", "2026-03-31", (60, 360)),
        (DayCount.THIRTY_360_US, "2026-01-31", "2026-02-28", (28, 360)),
        (DayCount.THIRTY_E_360, "2026-01-31", "2026-02-28", (28, 360)),
        (DayCount.THIRTY_360_US, "2024-02-29", "2024-08-31", (182, 360)),
        (DayCount.THIRTY_E_360, "2024-02-29", "2024-08-31", (181, 360)),
        (DayCount.THIRTY_U_360, "2024-02-29", "2024-08-31", (180, 360)),
        (DayCount.THIRTY_U_360, "2023-02-28", "2024-02-29", (360, 360)),
        (DayCount.THIRTY_360_US, "2026-01-15", "2026-01-31", (16, 360)),
        (DayCount.THIRTY_E_360, "2026-01-15", "2026-01-31", (15, 360)),
        (DayCount.ACTUAL_ACTUAL, "2023-12-12", "2024-01-12", (19 * 366 + 12 * 365, 365 * 366)),
        (DayCount.ACTUAL_ACTUAL_ISDA, "2023-12-12", "2024-01-12", (20 * 366 + 11 * 365, 365 * 366)),
        (DayCount.ACTUAL_ACTUAL, "2023-01-01", "2026-01-01", (3 * 365 * 366, 365 * 366)),
    ],
)
def test_a_share_of_a_year_is_exact(day_count: DayCount, start: str, end: str, share: tuple[int, int]) -> None:
    assert fraction(day_count, date.fromisoformat(start), date.fromisoformat(end)) == share


@pytest.mark.parametrize("day_count", [each for each in DayCount if each is not DayCount.PERIOD])
def test_no_time_is_no_share(day_count: DayCount) -> None:
    assert fraction(day_count, date(2024, 2, 29), date(2024, 2, 29))[0] == 0
