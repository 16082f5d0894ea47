"""Loads the SQL that lies beside a module: statements under their names, each after a line `-- name: ...`."""

import re
from collections.abc import Mapping
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(file: str) -> Mapping[str, bytes]:
    """The statements of a file of this package, by name. What stands before the first name is a comment."""
    _, *parts = _NAME.split(resources.files("projections").joinpath(file).read_text("utf-8"))
    return {name: statement.strip().encode() for name, statement in zip(parts[::2], parts[1::2], strict=True)}
