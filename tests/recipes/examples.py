"""What recipes are tried with: a host and a user below an intermediate, and the CAs above."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from easycert.model import Kind
from easycert.recipes.values import Material, Recipe, Secret, Wanted
from tests.pki.chainmaker import Made, ca, name, server, shared_key
from tests.pki.chainmaker import Recipe as Maker

ROOT = ca()
ISSUING = ca("issuing", ROOT)
WWW = server(ISSUING)
ALICE = replace(Maker(name("alice")), names=["alice@example.com"]).make(ISSUING)
PASSPHRASE = b"correct horse"


def material(kind: Kind = Kind.HOST, **changes: Any) -> Material:
    """Return what there is of a certificate of *kind*, with *changes*."""
    made = {Kind.CA: ISSUING, Kind.HOST: WWW}.get(kind, ALICE)
    stem = {Kind.CA: "issuing", Kind.HOST: "www.example.com"}.get(kind, "alice")
    chain = () if kind is Kind.CA else (ISSUING.certificate,)
    key = None if kind is Kind.CA else made.key
    return Material(kind, stem, made.certificate, chain, (ROOT.certificate,), key)._replace(**changes)


def material_for(recipe: Recipe) -> Material:
    """Return material of a kind that *recipe* takes."""
    kind = Kind.HOST if Kind.HOST in recipe.kinds else recipe.kinds[0]
    if recipe.keys == ("rsa",):
        made = made_with("www.example.com", "www.example.com", key_type="rsa2048")
        return material(kind, certificate=made.certificate, key=made.key)
    return material(kind)


def wanted(recipe: Recipe, destination: str = "/etc/tls") -> Wanted:
    """Return the least that *recipe* needs."""
    asks = recipe.secret is Secret.REQUIRED and not recipe.default_passphrase
    return Wanted(destination, PASSPHRASE if asks else None)


@cache
def made_with(common_name: str, *names: str, key_type: str = "ec256") -> Made:
    """Return a server's certificate with these names."""
    return replace(Maker(name(common_name)), names=list(names), key=shared_key(key_type)).make(ISSUING)
