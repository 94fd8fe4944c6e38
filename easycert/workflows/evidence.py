"""What a certificate is judged by: whom to trust, what may stand between, and the CRLs.

It comes from the certificate directory (the self-signed certificates in ``cas/`` are the anchors, the others there may
stand between, CRLs lie in ``crls/``), or, where the caller names other anchors, from the named files alone. Never from
the system.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import Malformed, UnreadableFile, printable
from easycert.model import Kind
from easycert.pki.crl_scope import Listed, ListedFacts, read_once
from easycert.pki.describe.certificate import is_self_signed
from easycert.pki.formats.bundle import Bundle, read_bundle
from easycert.store import layout
from easycert.store.piles import read_pile

#: Ten thousand certificates in PEM, several times over.
_BUNDLE_LIMIT = 32 << 20
#: A CRL may name a million certificates.
_CRL_LIMIT = 64 << 20


class Evidence(NamedTuple):
    """Certificates and CRLs to judge by, and notes about files that could not be taken into account."""

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    crls: tuple[Listed, ...]
    notes: tuple[str, ...]


def gather_own(certdir: CertDir) -> Evidence:
    """Return what *certdir* offers, made for judging many certificates one after the other."""
    found = gather(certdir, (), (), ())
    return found._replace(crls=read_once(item for item in found.crls if not isinstance(item, ListedFacts)))


def gather(certdir: CertDir, trust: Iterable[str], untrusted: Iterable[str], crls: Iterable[str]) -> Evidence:
    """Return what the files *trust* (or, without any, *certdir*), *untrusted* and *crls* offer.

    Raises UnreadableFile, and Malformed for a file or directory that holds nothing of what it was named for.
    """
    notes: list[str] = []
    given = [item for path in untrusted for item in _certificates(path, notes)]
    lists = [item for path in crls for item in _crls(path, notes)]
    anchors = [item for path in trust for item in _certificates(path, notes)]
    if not anchors:
        own = tuple(_authorities(certdir, notes))
        anchors = [item for item in own if is_self_signed(item)]
        given += [item for item in own if item not in anchors]
        lists += _own_crls(certdir, notes)
    return Evidence(_once(anchors), _once(given), tuple(lists), tuple(notes))


def _once(certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    return tuple(dict.fromkeys(certificates))


# --- files that the caller names -------------------------------------------------------------------------------------


def _certificates(path: str, notes: list[str]) -> list[x509.Certificate]:
    found = [
        item
        for source, data in read_pile(path, limit=_BUNDLE_LIMIT)
        for item in _taken(read_bundle(data), source, notes).readable_certificates
    ]
    if not found:
        raise Malformed(path, "a certificate", "there is none in it that can be decoded")
    return found


def _crls(path: str, notes: list[str]) -> list[x509.CertificateRevocationList]:
    found = [
        item
        for source, data in read_pile(path, limit=_CRL_LIMIT)
        for item in _taken(read_bundle(data), source, notes).readable_crls
    ]
    if not found:
        raise Malformed(path, "a certificate revocation list", "there is none in it that can be decoded")
    return found


def _taken(bundle: Bundle, source: str, notes: list[str]) -> Bundle:
    notes += [f"{printable(source)}: {item.where} was ignored: it cannot be decoded" for item in bundle.undecodable]
    return bundle


# --- the certificate directory ---------------------------------------------------------------------------------------


def _authorities(certdir: CertDir, notes: list[str]) -> Iterator[x509.Certificate]:
    for path, data in _files(certdir, layout.FOLDERS[Kind.CA], "crt", notes):
        bundle = read_bundle(data)
        if bundle.undecodable or not bundle.certificates:
            notes.append(f"{printable(path)} was ignored: it is not a certificate that can be decoded")
        yield from bundle.readable_certificates


def _own_crls(certdir: CertDir, notes: list[str]) -> Iterator[x509.CertificateRevocationList]:
    for path, data in _files(certdir, layout.CRLS, "crl", notes):
        bundle = read_bundle(data)
        if bundle.undecodable or not bundle.crls:
            notes.append(f"{printable(path)} was ignored: it is not a certificate revocation list that can be decoded")
        yield from bundle.readable_crls


def _files(certdir: CertDir, folder: str, suffix: str, notes: list[str]) -> Iterator[tuple[str, bytes]]:
    try:
        entries = [entry for entry in certdir.store.entries(folder) if entry.suffix == suffix]
    except UnreadableFile as error:
        notes.append(f"{printable(error.path)} was ignored: {error.reason}")
        return
    for entry in entries:
        path = certdir.store.find(entry) or entry.path
        try:
            yield path, certdir.store.read(entry) or b""
        except UnreadableFile as error:
            notes.append(f"{printable(path)} was ignored: {error.reason}")
