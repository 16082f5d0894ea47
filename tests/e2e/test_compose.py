"""The compose file without an engine: its schema and references, and each service's own command and health check.

Commands and checks are taken from the file as parsed, and run against local servers in place of the containers.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import yaml
from compose_spec import PyCompose

from ledger.embedded.jars import jar_folder
from ledger.embedded.wheels import java, postgres_binaries
from tests.e2e.conftest import Program

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
WAIT_S = 60


def check_of(service: str) -> list[str]:
    """The health check of a service, as the engine would execute it."""
    test: list[str] = SERVICES[service]["healthcheck"]["test"]
    kind, *command = test
    assert kind == "CMD"
    return command


def is_healthy(ledger: Program, service: str) -> bool:
    program, *arguments = check_of(service)
    assert program == "ledger"
    return ledger(*arguments, status=None).status == 0


def becomes_healthy(ledger: Program, service: str) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if is_healthy(ledger, service):
            return True
    return False


@pytest.fixture
def composed(ledger: Program, kafka_bootstrap: str) -> Program:
    """The program with the settings that the compose file gives its services, the addresses being the local ones."""
    settings = dict(SERVICES["relay"]["environment"])
    assert settings.keys() == {"LEDGER_DATABASE_URL", "LEDGER_KAFKA_BOOTSTRAP"}
    ledger.settings["LEDGER_KAFKA_BOOTSTRAP"] = kafka_bootstrap
    return ledger


def test_the_file_fits_the_compose_schema() -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    subprocess.run([program, "--builtin-schema", "vendor.compose-spec", FILE], check=True)


def test_every_network_and_volume_that_a_service_names_exists() -> None:
    compose = PyCompose.from_json(orjson.dumps(yaml.safe_load(FILE.read_text())).decode())  # merge keys resolved
    compose.validate_networks()
    compose.validate_volumes()
    compose.validate()


def test_every_service_waits_for_what_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            gated = how["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[needed]
            assert gated, f"{name} waits for {needed}, which has no health check"


def test_the_database_is_healthy_by_its_own_check(server_url: str) -> None:
    program, *arguments = check_of("postgres")
    binaries, address = postgres_binaries(), urlsplit(server_url)
    command = [binaries.program(program), *arguments, f"--port={address.port}"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_the_broker_is_healthy_by_its_own_check(kafka_bootstrap: str) -> None:
    script, *arguments = check_of("kafka")
    assert script.endswith("/kafka-broker-api-versions.sh")  # which runs the class below
    here = [argument.replace("localhost:9092", kafka_bootstrap) for argument in arguments]
    tool = [str(java()), "-cp", f"{jar_folder()}/*", "org.apache.kafka.tools.BrokerApiVersionsCommand"]
    assert subprocess.run([*tool, *here], check=False, capture_output=True, timeout=60).returncode == 0


def test_each_of_our_services_does_its_work_and_says_that_it_is_healthy(composed: Program) -> None:
    composed(*SERVICES["migrate"]["command"])
    assert not is_healthy(composed, "relay")
    composed.start(*SERVICES["relay"]["command"])
    assert becomes_healthy(composed, "relay")
    assert not is_healthy(composed, "project")
    workers: Sequence[Any] = [composed.start(*SERVICES["project"]["command"]) for _ in range(2)]
    assert becomes_healthy(composed, "project")
    composed("loan", "open", "l1", "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
    assert [row["loan"] for row in composed("balances", "--json").json] == ["l1"]
    assert [worker.poll() for worker in workers] == [None, None]


def test_the_migration_may_run_again(composed: Program) -> None:
    first = composed(*SERVICES["migrate"]["command"])
    again = composed(*SERVICES["migrate"]["command"])
    assert "opened" in first.out
    assert "is open" in again.out


def test_the_image_has_what_the_services_run() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["ledger"]' in dockerfile
    assert {"migrate", "relay", "project", "cli"} == OURS
    copied = [word for line in dockerfile.splitlines() if line.startswith("COPY") for word in line.split()[1:-1]]
    assert all((ROOT / path).exists() for path in copied)
