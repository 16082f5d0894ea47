"""The SQL beside the modules."""

import pytest

from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.statements import load


def test_statements_are_found_by_name_without_the_comment_at_the_top() -> None:
    statements = load("queries.sql")
    assert statements["totals"].startswith(b"select currency, status")
    assert not [name for name, text in statements.items() if b"-- name:" in text]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str(projection.name))
def test_every_projection_makes_its_table_and_names_the_columns_of_its_digest(projection: Projection) -> None:
    assert f"projections.{projection.name} (".encode() in projection.statements["tables"]
    assert b"*" not in projection.statements["rows"]


def test_no_two_projections_share_a_name() -> None:
    assert len({projection.name for projection in PROJECTIONS}) == len(PROJECTIONS)
