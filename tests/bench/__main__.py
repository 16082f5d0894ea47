"""Measures the path of an event on real servers, and quotes: `make bench`, or `python -m tests.bench append load`.

One JSON line per figure; what is not as it must be is said at the end, and makes the exit status 1.
"""

import argparse
import sys
from contextlib import ExitStack
from importlib import import_module

from tests.bench.reporting import report, report_missed
from tests.bench.servers import bench_servers

BENCHES = (
    *("append", "append_processes", "follow", "relay", "e2e", "load"),
    *("rebuild_journal", "rebuild_kafka", "rebuild_memory", "as_of", "lag_under_load", "quote"),
    *("fold", "import_payments", "day_end"),
)
WITHOUT_SERVERS = frozenset({"quote", "fold"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; none: all")
    names = parser.parse_args().names or BENCHES
    if unknown := set(names) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    with ExitStack() as stack:
        servers = stack.enter_context(bench_servers()) if set(names) - WITHOUT_SERVERS else None
        figures = [report(figure) for name in names for figure in import_module(f"tests.bench.{name}").run(servers)]
    report_missed(figures)
    sys.exit(any(not figure.is_met for figure in figures))


if __name__ == "__main__":
    main()
