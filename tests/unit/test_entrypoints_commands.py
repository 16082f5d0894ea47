"""The table of commands says where each is, so that a command starts without the others."""

from importlib import import_module

import pytest
import typer
from typer.main import get_command

from ledger.entrypoints.cli.commands import COMMANDS, LOAN_COMMANDS, register
from ledger.entrypoints.cli.writing import loan_app


def words_of(app: typer.Typer) -> set[str]:
    command = get_command(app)
    return set(getattr(command, "commands", {}))


@pytest.mark.parametrize("module", COMMANDS)
def test_every_module_has_the_commands_that_the_table_says(module: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"ledger.entrypoints.cli.{module}").register(app)
    assert words_of(app) == set(COMMANDS[module])


def test_the_commands_about_a_loan_are_where_the_table_says() -> None:
    for module in LOAN_COMMANDS:
        import_module(f"ledger.entrypoints.cli.{module}")
    found: dict[str, set[str]] = {}
    for each in loan_app.registered_commands:
        assert each.callback
        module = each.callback.__module__.rpartition(".")[2]
        found.setdefault(module, set()).add(each.name or each.callback.__name__)
    assert found == {module: set(words) for module, words in LOAN_COMMANDS.items()}


@pytest.mark.parametrize(
    ("arguments", "least"),
    [
        ([], {"init", "loan", "dev", "line"}),
        (["--help"], {"init", "loan", "dev", "line"}),
        (["nonsense"], {"init", "loan", "dev", "line"}),
        (["pay", "l1"], {"pay"}),
        (["loan", "show"], {"loan"}),
        (["period"], {"period"}),
    ],
)
def test_what_arguments_name_is_registered_and_all_where_they_name_none(arguments: list[str], least: set[str]) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app, arguments)
    assert words_of(app) >= least
    assert len(words_of(app)) < 6 or "init" in least
