"""Figures say what they are held to, and a missed one is told from a met one."""

import orjson
import pytest

from tests.bench.reporting import Figure, Must, percentile


def test_a_figure_without_peer_and_must_has_neither() -> None:
    line = orjson.loads(Figure(name="load", value=1.23456, unit="ms").line())
    assert (line["name"], line["value"], line["unit"]) == ("load", 1.235, "ms")
    assert (line["peer"], line["ratio"], line["must"]) == (None, None, None)


def test_a_figure_says_what_it_is_held_to() -> None:
    figure = Figure(name="relay", value=4000, unit="events/s", peer="bare", ratio=0.81, must=Must("ratio", ">=", 0.8))
    line = orjson.loads(figure.line())
    assert (line["peer"], line["ratio"], line["must"]) == ("bare", 0.81, "ratio >= 0.8")


@pytest.mark.parametrize(
    ("value", "ratio", "must", "is_met"),
    [
        (5.0, 0.79, Must("ratio", ">=", 0.8), False),
        (5.0, 0.8, Must("ratio", ">=", 0.8), True),
        (5.0, None, Must("ratio", ">=", 0.8), False),
        (20.0, None, Must("value", "<", 20), False),
        (19.9, None, Must("value", "<", 20), True),
        (1, None, Must("value", "==", 0), False),
        (0, None, Must("value", "==", 0), True),
        (0, None, None, True),
    ],
)
def test_a_missed_figure_is_told_from_a_met_one(
    value: float, ratio: float | None, must: Must | None, is_met: bool
) -> None:
    assert Figure(name="any", value=value, unit="ms", ratio=ratio, must=must).is_met is is_met


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
