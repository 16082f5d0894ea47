"""The SQL beside the modules."""

import re

import pytest

from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.statements import load


def test_statements_are_found_by_name_without_the_comment_at_the_top() -> None:
    statements = load("queries.sql")
    assert statements["totals"].startswith(b"select currency, status")
    assert not [name for name, text in statements.items() if b"-- name:" in text]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str(projection.name))
def test_every_projection_makes_its_tables_and_names_the_columns_of_its_digest(projection: Projection) -> None:
    made = re.findall(rb"create table (\S+) \(", projection.statements["tables"])
    assert [name.decode() for name in made] == list(projection.tables)
    assert b"*" not in projection.statements["rows"]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str(projection.name))
def test_no_statement_says_which_build_it_means(projection: Projection) -> None:
    assert [name for name, text in projection.statements.items() if b"projections" in text] == []


def test_no_two_projections_share_a_name_or_a_table() -> None:
    for names in (
        [projection.name for projection in PROJECTIONS],
        [table for projection in PROJECTIONS for table in projection.tables],
    ):
        assert len(set(names)) == len(names)
