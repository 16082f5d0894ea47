import msgspec
import pytest
from msgspec import inspect

from ledger.application.quote_options import QuoteOption, meanings_of, options_of
from ledger.application.quote_reading import QuoteRequest, read_request
from ledger.domain import terms
from ledger.domain.terms import Choice, Terms
from tests.terms_builders import request_line

OPTIONS = options_of(QuoteRequest)
PARTS = (
    QuoteRequest,
    terms.RoundingTerms,
    terms.Fee,
    terms.Disbursement,
    terms.RateStep,
    terms.ExplicitLine,
    terms.Revolving,
)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_every_option_says_what_it_means_and_takes(option: QuoteOption) -> None:
    assert option.meaning
    assert option.values
    assert option.required or option.default is not ...


def test_every_field_of_every_part_is_an_option() -> None:
    fields = {name for part in PARTS for name in part.__struct_fields__}
    assert {name.rpartition(".")[2] for name in OPTIONS} == fields
    assert {name for name in OPTIONS if "." not in name} == set(QuoteRequest.__struct_fields__)


@pytest.mark.parametrize("choice", [word for kind in Choice.__subclasses__() for word in kind], ids=str)
def test_every_word_says_what_it_means(choice: Choice) -> None:
    assert choice.meaning


@pytest.mark.parametrize("part", PARTS)
def test_no_docstring_explains_a_field_that_is_not_there(part: type[msgspec.Struct]) -> None:
    assert set(meanings_of(part)) <= set(part.__struct_fields__)


def test_the_default_of_an_option_is_what_it_is_when_left_out() -> None:
    found = msgspec.to_builtins(read_request(request_line(annual_rate=..., term=1)))
    fields = inspect.type_info(Terms)
    assert isinstance(fields, inspect.StructType)
    optional = [option for option in OPTIONS.values() if not option.required and "." not in option.name]
    assert [found.get(each.name, each.default) for each in optional if each.name != "term"] == [
        each.default for each in optional if each.name != "term"
    ]
    assert {each.name for each in OPTIONS.values() if each.required and "." not in each.name} == {
        field.name for field in fields.fields if field.required
    }


def test_only_names_are_words_that_nobody_lists() -> None:
    free = [option.name for option in OPTIONS.values() if option.values.startswith("a word")]
    assert free == ["fees[].name", "fees[].paid_to"]


def test_options_of_objects_and_of_lists_have_their_place_in_their_names() -> None:
    assert OPTIONS["rounding.residue"].default == "last"
    assert OPTIONS["fees[].paid_to"].default == "lender"
    assert [word.word for word in OPTIONS["interest_from_due_dates"].words] == ["unadjusted", "adjusted", "nominal"]
    assert "cn" in OPTIONS["calendar"].values
