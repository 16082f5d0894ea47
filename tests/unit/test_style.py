"""Rules of style that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ledger", "projections", "consumers", "schemas")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
DOMAIN = sorted((ROOT / "ledger" / "domain").glob("*.py"))
EMPTY_NAMES = re.compile(r"(utils?|helpers?|common|misc|manager|service|base)\.py")

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_fits_in_a_head(path: Path) -> None:
    assert not EMPTY_NAMES.fullmatch(path.name)
    assert len(path.read_text().splitlines()) <= MODULE_LINES_MAX
    functions = [node for node in nodes(path) if isinstance(node, ast.FunctionDef)]
    assert [each.name for each in functions if (each.end_lineno or 0) - each.lineno > FUNCTION_LINES_MAX] == []


@pytest.mark.parametrize("path", DOMAIN, ids=name_of)
def test_the_domain_knows_no_float_and_no_clock(path: Path) -> None:
    found = list(nodes(path))
    floats = [node for node in found if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    floats += [node for node in found if isinstance(node, ast.Name) and node.id == "float"]  # type: ignore[misc] # since the lists differ
    clocks = [node for node in found if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}]
    assert (floats, clocks) == ([], [])


@pytest.mark.parametrize("package", [path.parent for path in SOURCES if path.name == "__init__.py"], ids=name_of)
def test_a_package_says_what_it_is_and_exports_nothing(package: Path) -> None:
    body = ast.parse((package / "__init__.py").read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_locks_carry_hashes_and_no_host_names() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\S)", text.strip()))
