"""The short way to cryptography's encodings leads to the very objects of its public package."""

from __future__ import annotations

import builtins
import importlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from easycert.pki import encodings


@pytest.mark.parametrize("name", encodings.__all__)
def test_each_name_is_that_of_the_public_package(name: str) -> None:
    assert getattr(encodings, name) is getattr(serialization, name)


def test_the_public_package_is_used_when_the_private_names_move(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def moved(name: str, *rest: Any) -> Any:
        if name == "cryptography.hazmat.primitives._serialization":
            raise ImportError(name)
        return real_import(name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", moved)
        again = importlib.reload(encodings)
    assert again.load_pem_private_key is serialization.load_pem_private_key
    importlib.reload(encodings)
