"""What commands read from: a file by name, or standard input."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ledger.application.csv_records import UnreadableFile

_CHUNK_BYTES = 1 << 16


@contextmanager
def opened(file: str, what: str) -> Iterator[BinaryIO]:
    """A file to read `what` from, `-` for standard input. Raises `UnreadableFile`."""
    if file == "-":
        if sys.stdin is None:  # closed before the program began
            raise UnreadableFile(f"asked to read {what} from standard input, which is closed; open it, or name a file")
        yield sys.stdin.buffer
        return
    with _open(file, what) as stream:
        yield stream


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, each time without waiting for more, so that answers go out before the input pauses."""
    return iter(partial(os.read, stream.fileno(), _CHUNK_BYTES), b"")


def _open(file: str, what: str) -> BinaryIO:
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise UnreadableFile(
            f"asked to read {what} from {file}: {error.strerror}; name a file that can be read"
        ) from error
