"""The bytes of each file: what it holds, in the format that the recipe names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from cryptography import x509

from easycert.errors import NotFound
from easycert.pki.encodings import Encoding, NoEncryption, PrivateFormat
from easycert.pki.keys import PrivateKey, private_pem
from easycert.recipes.values import Format, Material, Part, Parts, Plan

#: What ``java @FILE`` reads (the java command, "java Command-Line Argument Files").
_JAVA_OPTIONS = ("-Djavax.net.ssl.keyStorePassword=", "-Djavax.net.ssl.trustStorePassword=")
#: What stands for a UTF-16 code unit in Java's properties, or for the backslash.
_UNIT = re.compile(r"\\(?:u([0-9a-f]{4})|\\)")
#: What is missing, in the words of an error.
_MISSING = {Part.CHAIN: "intermediate certificate above the {}", Part.ANCHORS: "root certificate above the {}"}


class Protection(NamedTuple):
    """What PKCS#12 is under; *is_written_down*: a file beside it holds the passphrase, so that slowness is no help."""

    passphrase: bytes | None
    legacy: bool
    is_written_down: bool


def contents(plan: Plan, material: Material, protection: Protection) -> bytes:
    """Return what the file *plan* is to hold of *material*; empty only where it is optional.

    Raises NotFound for something that there is not, and WeakKey for a key that the format cannot hold.
    """
    from easycert.pki.formats import dotenv, kubernetes, pkcs12  # each only where its recipe is used

    passphrase = protection.passphrase
    if plan.format.is_password:
        return _password(plan.format, _known(passphrase))
    if plan.format in (Format.PKCS12, Format.PKCS12_LEGACY):
        legacy = protection.legacy or plan.format is Format.PKCS12_LEGACY
        rounds = pkcs12.JAVA_ROUNDS if protection.is_written_down else pkcs12.ROUNDS
        chain = tuple(part for part in _certificates(plan.holds, material) if part != material.certificate)
        bundle = pkcs12.Bundle(_key(material), material.certificate, chain)
        return pkcs12.pack(material.name, bundle, passphrase=passphrase, legacy=legacy, rounds=rounds)
    if plan.format is Format.TRUST_STORE:
        _pem(plan.holds, material)  # says so where there is no anchor
        return pkcs12.pack_trust(material.anchors, passphrase=_known(passphrase))
    if plan.format is Format.DER:
        return _der(plan.holds[0], material)
    if plan.format is Format.PEM_TRADITIONAL:
        return private_pem(_key(material), traditional=True)
    if plan.format is Format.PEM:
        return _pem(plan.holds, material, optional=plan.optional)
    entries = [(key, _pem(parts, material)) for key, parts in plan.entries]
    if plan.format is Format.DOTENV:
        return dotenv.dotenv(entries)
    write: Callable[..., bytes] = kubernetes.secret if plan.format is Format.SECRET else kubernetes.config_map
    return write(material.name, entries)


def _known(passphrase: bytes | None) -> bytes:
    assert passphrase is not None
    return passphrase


def stored_passphrase(form: Format, data: bytes) -> bytes:
    """Return the passphrase in a file that :func:`contents` wrote in a *form* of passphrases.

    Raises ValueError for anything else: no passphrase, or not such as is ever written.
    """
    text = data.decode().removesuffix("\n")
    if form is Format.PASSWORD_PROPERTIES:
        text = _UNIT.sub(lambda found: chr(int(found[1] or "5c", 16)), text.removeprefix("password="))
        text = text.encode("utf-16", "surrogatepass").decode("utf-16")  # surrogates become one character
    elif form is Format.JAVA_OPTIONS:
        first = text.partition("\n")[0]
        text = re.sub(r"\\(.)", r"\1", first.removeprefix(_JAVA_OPTIONS[0])[1:-1])
    if not text or not text.isprintable() or _password(form, text.encode()) != data:
        raise ValueError(f"{form.value} was not written by this")
    return text.encode()


def _password(form: Format, passphrase: bytes) -> bytes:
    if form is Format.PASSWORD_PROPERTIES:
        return b"password=" + _property(passphrase) + b"\n"
    if form is Format.JAVA_OPTIONS:
        value = passphrase.decode().replace("\\", "\\\\").replace('"', '\\"')
        return "".join(f'{option}"{value}"\n' for option in _JAVA_OPTIONS).encode()
    return passphrase + b"\n"


def _property(value: bytes) -> bytes:
    """Return *value* (UTF-8) as Java's Properties read it: Latin-1 with escapes."""
    text = value.decode().replace("\\", "\\\\")
    units = text.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    # A space at the beginning would be skipped; nothing else has a meaning in a value.
    return "".join(chr(code) if 0x20 < code < 0x7F else f"\\u{code:04x}" for code in codes).encode()


def _pem(parts: Parts, material: Material, *, optional: bool = False) -> bytes:
    """Return *parts* one behind the other, a key first. Raises NotFound for the one that is all and is empty."""
    data = private_pem(_key(material)) if Part.KEY in parts else b""
    data += b"".join(certificate.public_bytes(Encoding.PEM) for certificate in _certificates(parts, material))
    if not data and not optional:
        raise NotFound(_MISSING[parts[0]].format(material.kind.value), material.name)
    return data


def _der(part: Part, material: Material) -> bytes:
    if part is Part.KEY:
        return _key(material).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _certificates((part,), material)[0].public_bytes(Encoding.DER)


def _certificates(parts: Parts, material: Material) -> tuple[x509.Certificate, ...]:
    """Return the certificates among *parts*, each once: a root that is exported is its own anchor."""
    held = {Part.LEAF: (material.certificate,), Part.CHAIN: material.chain, Part.ANCHORS: material.anchors}
    return tuple(dict.fromkeys(certificate for part in parts for certificate in held.get(part, ())))


def _key(material: Material) -> PrivateKey:
    if material.key is None:
        raise NotFound(f"private key of the {material.kind.value}", material.name)
    return material.key
