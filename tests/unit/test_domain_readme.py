"""The examples of the reference page are executed."""

import doctest
from pathlib import Path

import ledger.domain

README = Path(ledger.domain.__path__[0]) / "README.md"


def test_the_examples_of_the_reference_page_come_out_as_they_say() -> None:
    results = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert results.attempted > 0
    assert results.failed == 0
