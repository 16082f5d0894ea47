"""Arrays of any length cost nothing that stays."""

import tracemalloc

from ledger.journal import arrays


def test_arrays_of_ever_other_lengths_leave_nothing_behind_that_grows() -> None:
    values = range(2_000)
    arrays.int8(values)
    tracemalloc.start()
    for length in range(1_900, 2_000):
        arrays.int8(values[:length])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000
