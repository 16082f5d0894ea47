import pytest

from ledger.domain.errors import InvalidIdentifier
from ledger.domain.identifiers import book_stream, loan_stream, require_identifier, require_word

HOSTILE = ["", " ", "a b", "a\n", "\na", "a/b", "é", "a\x00", "１", "a" * 65, "a\ud800", "'; drop table loan; --"]


@pytest.mark.parametrize("text", ["a", "9", "a" * 64, "xqd20160302", "A.b_c:d-e"])
def test_letters_digits_and_a_few_signs_name_a_thing(text: str) -> None:
    assert require_identifier(text, "loan") == text


@pytest.mark.parametrize("text", [*HOSTILE, "-a", ".a", ":"])
def test_any_other_text_cannot_name_a_thing(text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="asked to name a loan"):
        require_identifier(text, "loan")


@pytest.mark.parametrize("text", [*HOSTILE, "Bank", "1a", "bank-return", "_a"])
def test_a_kind_is_one_lowercase_word(text: str) -> None:
    with pytest.raises(InvalidIdentifier, match="asked for the payment method"):
        require_word(text, "payment method")


def test_a_lowercase_word_is_taken() -> None:
    assert require_word("bank_return", "cause") == "bank_return"


def test_streams_say_what_they_are_of() -> None:
    assert (loan_stream("l1"), book_stream("main")) == ("loan/l1", "book/main")
