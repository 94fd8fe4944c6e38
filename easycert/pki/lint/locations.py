"""Rules for where things are found: CRL distribution points, freshestCRL, authority and subject information access.

Sources: RFC 5280 sections 4.2.1.13, 4.2.1.15, 4.2.2 and 8; CA/B Forum BR 7.1.2.11.2 and 7.1.2.7.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from easycert.pki.lint import der, names
from easycert.pki.lint.der import DerError, Node
from easycert.pki.lint.fields import (
    AUTHORITY_ACCESS,
    CRL_POINTS,
    FRESHEST_CRL,
    SUBJECT_ACCESS,
    Certificate,
    Extensions,
    guarded,
)

if TYPE_CHECKING:
    from easycert.pki.lint.fields import Breaches

#: RFC 5280 sections 4.2.1.13 and 4.2.2.1; https is no error by its syntax, but needs what it is to deliver (section 8).
_SCHEMES = ("http", "https", "ldap", "ldaps", "ftp")
_OCSP, _CA_ISSUERS, _CA_REPOSITORY = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2", "1.3.6.1.5.5.7.48.5"
_POINT_NAME, _POINT_REASONS, _POINT_ISSUER = der.context(0), der.context(1, constructed=False), der.context(2)
_FULL_NAME, _RELATIVE_NAME = der.context(0), der.context(1)


def judge(certificate: Certificate) -> Breaches:
    """Judge what of these extensions a certificate has."""
    yield from points(certificate.extensions)
    yield from access(certificate.extensions)
    if certificate.self_issued and certificate.is_authority and certificate.extensions.find(CRL_POINTS):
        yield "root-crl-points", "a root has cRLDistributionPoints"


def points(extensions: Extensions) -> Breaches:
    """Judge the distribution points of a certificate, and of freshestCRL, which CRLs may have too."""
    yield from guarded("cRLDistributionPoints", _points(extensions, CRL_POINTS, "a CRL distribution point"))
    yield from guarded("freshestCRL", _points(extensions, FRESHEST_CRL, "a freshestCRL point"))


def access(extensions: Extensions) -> Breaches:
    """Judge authority and subject information access, of a certificate or CRL."""
    for oid, name in ((AUTHORITY_ACCESS, "authorityInfoAccess"), (SUBJECT_ACCESS, "subjectInfoAccess")):
        yield from guarded(name, _access(extensions, oid, name))


def _points(extensions: Extensions, oid: str, where: str) -> Breaches:
    node = extensions.decoded(oid)
    if node is None:
        return
    found = node.children()
    if not found:
        yield "location-empty", "a list of distribution points is empty"
    for point in found:
        yield from _point(point, where)


def _point(point: Node, where: str) -> Breaches:
    """Judge one DistributionPoint (RFC 5280 section 4.2.1.13)."""
    parts = {part.tag: part for part in point.children()}
    if parts.keys() - {_POINT_NAME, _POINT_REASONS, _POINT_ISSUER}:
        raise DerError("a distribution point with unknown elements")
    if _POINT_NAME not in parts and _POINT_ISSUER not in parts:
        yield "crl-point-nowhere", f"{where} has neither a name nor a CRL issuer"
    if _POINT_REASONS in parts:
        yield "crl-point-reasons", f"{where} is for some reasons only"
    if _POINT_NAME in parts:
        yield from point_name(parts[_POINT_NAME].body, where)
    elif _POINT_ISSUER in parts:
        yield "crl-point-not-http", f"{where} names a CRL issuer and no URI"


def point_name(body: bytes, where: str) -> Breaches:
    """Judge a DistributionPointName, whose DER is *body*."""
    name = der.element(body)
    if name.tag == _RELATIVE_NAME:
        yield "crl-point-relative", f"{where} has a name relative to the CRL's issuer"
        return
    found = name.children(_FULL_NAME)
    if not found:
        yield "names-empty", f"{where} has an empty list of names"
    for item in found:
        yield from names.general_name(item, where)
    locations = [item.body.decode("latin-1") for item in found if item.tag == names.URI]
    for location in locations:
        yield from _scheme(location, where)
    if found and not any(location.lower().startswith("http://") for location in locations):
        yield "crl-point-not-http", f"{where} has no http URI"


def _scheme(location: str, where: str) -> Breaches:
    scheme = location.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        yield "location-scheme", f"{where} holds {names.shown_text(location)}"
    elif scheme == "https":
        yield "location-https", f"{where} holds {names.shown_text(location)}"


def _access(extensions: Extensions, oid: str, where: str) -> Breaches:
    node = extensions.decoded(oid)
    if node is None:
        return
    descriptions = node.children()
    if not descriptions:
        yield "location-empty", f"{where} is an empty list"
    for description in descriptions:
        parts = description.children()
        if len(parts) != 2:
            raise DerError("an access description that is not a method and a location")
        method, location = der.oid(parts[0]), parts[1]
        yield from names.general_name(location, where)
        if method not in (_OCSP, _CA_ISSUERS, _CA_REPOSITORY):
            continue
        if location.tag != names.URI:
            yield "location-scheme", f"{where} holds a location that is no URI"
        else:
            yield from _scheme(location.body.decode("latin-1"), where)
