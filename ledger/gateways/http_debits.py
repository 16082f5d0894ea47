"""A debit gateway over HTTP, in JSON.

POST presentations   {"presentations": [...]}    2xx: all are accepted, those that were before too, but none withheld
POST withheld        {"ids": [...]}              {"ids": [...]}: which of them were never accepted, and never will be
GET  outcomes        {"outcomes": [...]}         the oldest that nobody has acknowledged
POST acknowledged    {"ids": [...]}              2xx: they are not told again

All four may be repeated, so a call whose answer was lost is made once more.
"""

import http.client
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from ledger.application.autopay import DebitOutcome, Presentation
from schemas.errors import BadInput, Unavailable

_ANSWER_BYTES_MAX = 16 * 1024 * 1024


class GatewayUnavailable(Unavailable):
    """A gateway that does not answer, or not as agreed."""

    code = "gateway_unavailable"


class InvalidGateway(BadInput):
    code = "invalid_gateway"


class _Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outcomes: tuple[DebitOutcome, ...]


class _Withheld(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ids: tuple[str, ...]


_Answer = TypeVar("_Answer")


class HttpDebitGateway:
    """The gateway at a URL, http or https. `timeout_s`: for each answer."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidGateway(f"asked to present debits at {url[:200]!r}; give an http or https address")
        self._url, self._parts, self._timeout_s = url, parts, timeout_s

    def present(self, presentations: Sequence[Presentation]) -> None:
        self._call("POST", "presentations", {"presentations": presentations})

    def withhold(self, presentation_ids: Sequence[str]) -> Sequence[str]:
        answer = self._call("POST", "withheld", {"ids": presentation_ids})
        withheld = self._read(answer, _Withheld, "withheld").ids
        if unasked := sorted(set(withheld) - set(presentation_ids)):
            raise GatewayUnavailable(
                f"asked {self._url} to withhold debits; it names {unasked[0]!r}, which was not asked"
            )
        return withheld

    def outcomes(self) -> Sequence[DebitOutcome]:
        return self._read(self._call("GET", "outcomes"), _Outcomes, "outcomes").outcomes

    def acknowledge(self, outcomes: Sequence[DebitOutcome]) -> None:
        self._call("POST", "acknowledged", {"ids": [each.id for each in outcomes]})

    def _read(self, answer: bytes, kind: type[_Answer], what: str) -> _Answer:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise GatewayUnavailable(f"asked {self._url} for {what}; the answer is not as agreed: {error}") from error

    def _call(self, method: str, what: str, document: dict[str, Any] | None = None) -> bytes:
        body = msgspec.json.encode(document) if document is not None else None
        for last in (False, True):
            try:
                return self._call_once(method, what, body)
            except (OSError, http.client.HTTPException) as error:
                if last:
                    raise GatewayUnavailable(
                        f"asked {self._url} for {what}: {str(error) or type(error).__name__}. Run autopay again later; "
                        "nothing is debited twice"
                    ) from error
        raise AssertionError("the last try returns or raises")

    def _call_once(self, method: str, what: str, body: bytes | None) -> bytes:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        assert self._parts.hostname, "looked at when it was made"
        connection = kind(self._parts.hostname, self._parts.port, timeout=self._timeout_s)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, f"{self._parts.path.rstrip('/')}/{what}", body, headers)
            response = connection.getresponse()
            answer = response.read(_ANSWER_BYTES_MAX)
            if response.status // 100 != 2:
                raise http.client.HTTPException(f"status {response.status} {answer[:200].decode(errors='replace')}")
            return answer
        finally:
            connection.close()
