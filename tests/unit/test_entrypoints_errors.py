"""The one table from errors to exit and HTTP statuses is complete, and every code stands for one class."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import consumers
import ledger
import projections
import schemas
from ledger.entrypoints.errors import STATUSES, status_of
from schemas.errors import LedgerError


def import_everything() -> None:
    for package in (ledger, projections, consumers, schemas):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def below(kind: type[LedgerError]) -> Iterator[type[LedgerError]]:
    for each in kind.__subclasses__():
        if each.__module__.split(".")[0] in {"ledger", "projections", "consumers", "schemas"}:
            yield each
            yield from below(each)


def test_every_error_has_a_status() -> None:
    import_everything()
    assert all(status_of(kind.__new__(kind)).exit_status in range(2, 9) for kind in below(LedgerError))


def test_every_row_of_the_table_is_a_class_right_below_the_root() -> None:
    assert set(STATUSES) == {kind for kind in LedgerError.__subclasses__() if kind.__module__ == "schemas.errors"}


def test_every_error_has_a_code_of_its_own() -> None:
    import_everything()
    codes = Counter(kind.code for kind in set(below(LedgerError)))
    assert [code for code, count in codes.items() if count > 1] == []


def test_exit_statuses_tell_the_classes_apart() -> None:
    assert len({status.exit_status for status in STATUSES.values()}) == len(STATUSES)
