"""Every case there is, made once."""

from __future__ import annotations

import warnings
from functools import cache

from cryptography.utils import CryptographyDeprecationWarning

from tests.pki.corpus import algorithms, constraints, forms, graphs, lengths, lists, names, policies, usages
from tests.pki.corpus.case import Case

_PAGES = (names, constraints, lengths, usages, forms, algorithms, graphs, lists, policies)


@cache
def every_case() -> tuple[tuple[str, Case], ...]:
    """Return the cases with the names of their pages; cryptography warns of what it will refuse one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return tuple((page.__name__.rpartition(".")[2], case) for page in _PAGES for case in page.cases())
