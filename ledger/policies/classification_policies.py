"""Reads the schemes by which loans are classified. Each is a folder, with a file for each date from which other values
hold. They say what a loan is called; none of them forbids anybody anything.
"""

from datetime import date
from functools import lru_cache
from itertools import pairwise

import msgspec

from ledger.domain.classification import Scheme
from ledger.policies.dated_folders import UnreadablePolicy, names, newest, values


def classification_schemes() -> list[str]:
    """The names of all schemes."""
    return names("classification")


@lru_cache(maxsize=256)
def classification_scheme(name: str, on: date) -> Scheme:
    """The scheme of a name that holds on a date; its id is the name and the first date on which it holds."""
    return read_scheme(*newest("classification", name, on))


def read_scheme(policy: str, text: str) -> Scheme:
    """A scheme from its TOML. Raises `UnreadablePolicy` with what is wrong."""
    try:
        scheme = msgspec.convert({"policy": policy, **values(text)}, Scheme)
        if len(scheme.classes) != len(scheme.from_days) + 1:
            raise ValueError("each class but the first needs the days from which it holds")
        if any(before >= after for before, after in pairwise((0, *scheme.from_days))):
            raise ValueError("the days from which classes hold must rise")
        if scheme.impaired and scheme.impaired not in scheme.classes[1:]:
            raise ValueError(f"{scheme.impaired} is none of the classes after the first")
        if any(each and each not in scheme.classes[1:] for each in (scheme.restructured, scheme.restructured_again)):
            raise ValueError("the classes of restructured loans must be among those after the first")
        if bool(scheme.restructured) != bool(scheme.observation_months):
            raise ValueError("restructured loans need a class and months of observation, or neither")
        return scheme
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read classification scheme {policy}: {error}; correct the file") from error
