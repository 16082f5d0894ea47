"""What a person or a program sees: tables, JSON, progress bars, errors."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

_PIPED_WIDTH = 160
_LAID_OUT_MOST = 500  # rows

console = Console(highlight=False)
if not console.is_terminal and "COLUMNS" not in os.environ:
    console = Console(highlight=False, width=_PIPED_WIDTH)  # nobody's window: room for whole lines
errors = Console(stderr=True, highlight=False, soft_wrap=True)

Report = Callable[[int, int | None], None]
"""Told (done, total) as work goes on; None for a total that nobody knows yet."""


def print_json(value: object) -> None:
    """One JSON document on standard output; dates as ISO text, dataclasses as objects, paths as text."""
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def print_table(
    title: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]], footer: str | None = None
) -> None:
    """A table; `columns` maps each heading to `left` or `right`."""
    texts = [[str(cell) for cell in row] for row in rows]
    if len(texts) > _LAID_OUT_MOST:
        _print_long_table(title, columns, texts, footer)
        return
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        caption=Text(footer) if footer else None,
        caption_justify="left",
        box=None,
    )
    for heading, side in columns.items():
        table.add_column(Text(heading), justify="right" if side == "right" else "left", overflow="fold")
    for row in texts:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_long_table(
    title: str, columns: Mapping[str, str], rows: Sequence[Sequence[str]], footer: str | None
) -> None:
    """The same without wrapping cells to a window: to lay out twenty thousand rows takes the library twenty seconds."""
    lines = [list(columns), *rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    if title:
        console.print(title, style="bold", markup=False)
    for line in lines:
        cells = [
            " " * (width - cell_len(cell)) + cell if side == "right" else cell + " " * (width - cell_len(cell))
            for cell, width, side in zip(line, widths, columns.values(), strict=True)
        ]
        print("", "  ".join(cells).rstrip())
    if footer:
        console.print(footer, style="italic", markup=False)


def print_error(code: str, message: str) -> None:
    errors.print(f"[bold red]error[/] {code}: ", end="")
    errors.print(message, markup=False)


def print_warning(message: str) -> None:
    errors.print("[bold yellow]warning[/] ", end="")
    errors.print(message, markup=False)


def print_alarm(message: str) -> None:
    """What a person must see to before anything else."""
    errors.print("[bold white on red] ALARM [/] ", end="")
    errors.print(message, markup=False, style="bold red")


class _Rate(ProgressColumn):
    """How much in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._unit}/s")


@contextmanager
def progress(label: str, unit: str, *, rate: bool = False) -> Iterator[Report]:
    """A progress bar on standard error, so that standard output stays clean; its last state remains to be read.

    `rate`: also how much in a second, and the time that is left. Work that is refused before it begins draws none.
    """
    columns: tuple[Any, ...] = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        *((_Rate(unit), TextColumn("left"), TimeRemainingColumn()) if rate else ()),
    )
    bar = Progress(*columns, console=errors)
    task = bar.add_task(label, total=None)

    def report(done: int, total: int | None) -> None:
        bar.update(task, completed=done, total=total)
        bar.start()

    try:
        yield report
        if bar.tasks[0].total is None:  # there was nothing to do
            report(0, 0)
    finally:
        if bar.live.is_started:
            bar.stop()
