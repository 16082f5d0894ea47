"""The catalog of a database as SQL that a person can read: `python -m tests.integration.journal.dump URL`.

The URL is that of a database that was migrated. `schema.sql` is its output, and a test holds it so.
"""

import re
import subprocess
import sys
from pathlib import Path

from ledger.embedded.wheels import postgres_binaries

SCHEMA = Path(__file__).parent / "schema.sql"
_LIMIT_S = 60
_LOGIN = re.compile(r"OWNER TO (?!ledger_)\w+;")


def dump(url: str) -> str:
    """What `pg_dump --schema-only` says, without what differs between releases and runs."""
    command = [postgres_binaries().program("pg_dump"), "--schema-only", "--restrict-key=none", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_LIMIT_S).stdout
    kept = [line for line in text.splitlines() if not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog."))]
    paragraphs = _LOGIN.sub("OWNER TO whoever_migrated;", "\n".join(kept)).split("\n\n")
    return "\n\n".join(paragraph.strip("\n") for paragraph in paragraphs if paragraph.strip()) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(dump(sys.argv[1]), encoding="utf-8")
