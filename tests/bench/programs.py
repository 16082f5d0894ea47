"""Commands of the program that keep running beside a bench."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from ledger.settings import Settings


@contextmanager
def started(settings: Settings, *command: str) -> Iterator[None]:
    """A command of the program that keeps running, with these settings and no others."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    ours = {f"LEDGER_{each.name.upper()}": str(getattr(settings, each.name) or "") for each in fields(settings)}
    arguments = [sys.executable, "-m", "ledger", *command]
    with subprocess.Popen(arguments, env=rest | ours, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
