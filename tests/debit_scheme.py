"""A debit scheme with a real HTTP server: it takes presentations once by name, and tells what came of them until that
is acknowledged. Tests say what comes of each, and what goes wrong on the way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class DebitScheme:
    """`drops`: so many POST calls are carried out and get no answer; `errors`: so many are answered with status 500."""

    url: str = ""
    presented: dict[str, dict[str, Any]] = field(default_factory=dict)
    handed_over: list[str] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)
    withholds_too: list[str] = field(default_factory=list)
    news: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    drops: int = 0
    errors: int = 0

    def settles(self, presentation_id: str, on: str) -> None:
        self._tell({"presentation_id": presentation_id, "outcome": "settled", "on": on})

    def returns(self, presentation_id: str, on: str, code: str) -> None:
        self._tell({"presentation_id": presentation_id, "outcome": "returned", "on": on, "code": code})

    def _tell(self, outcome: dict[str, Any]) -> None:
        name = f"news-{len(self.news) + 1}"
        self.news[name] = {"id": name, **outcome}

    def waiting(self) -> list[dict[str, Any]]:
        return [outcome for name, outcome in self.news.items() if name not in self.acknowledged]

    def answer(self, method: str, path: str, body: bytes) -> object:
        match method, path.rsplit("/", 1)[-1]:
            case "POST", "presentations":
                for each in orjson.loads(body)["presentations"]:
                    assert each["id"] not in self.withheld, "nobody hands over what is withheld"
                    self.handed_over.append(each["id"])
                    assert self.presented.setdefault(each["id"], each) == each, "one name, one debit"
                return {}
            case "POST", "withheld":
                never = [each for each in orjson.loads(body)["ids"] if each not in self.presented]
                self.withheld.update(never)
                return {"ids": never + self.withholds_too}
            case "GET", "outcomes":
                return {"outcomes": self.waiting()}
            case "POST", "acknowledged":
                self.acknowledged.update(orjson.loads(body)["ids"])
                return {}
        raise AssertionError(f"{method} {path}")


@contextmanager
def serving() -> Iterator[DebitScheme]:
    """A scheme that listens on a port of its own."""
    scheme = DebitScheme()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if scheme.errors:
                scheme.errors -= 1
                self.send_error(500)
                return
            answer = orjson.dumps(scheme.answer(self.command, self.path, body))
            if scheme.drops and self.command == "POST":
                scheme.drops -= 1
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the library
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield scheme
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
