"""The HTTPS pair of a service in its own directory, as a Synapse cell expects it: ``sslcert.pem`` and ``sslkey.pem``.

Self-signed, to begin with; or links to a host's files in the certificate directory. A copy of those is an export with
the recipe ``synapse-cell``.
"""

from __future__ import annotations

import os

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import NotFound, Refused
from easycert.model import Kind, Value
from easycert.pki import certificates, keys
from easycert.pki.certificates import certificate_pem, load_certificates
from easycert.pki.keys import KeyType
from easycert.pki.names import HostName, SafeName
from easycert.pki.profiles import MODERN
from easycert.pki.sans import SubjectAltName, parse_san, unique_sans
from easycert.pki.validity import When
from easycert.recipes.catalogue import recipe as recipe_called
from easycert.store import layout
from easycert.store.placing import Placed, Placing, link, ownership
from easycert.workflows.exports.material import Materials
from easycert.workflows.exports.writing import give_way
from easycert.workflows.issue import IssueRequest, describe
from easycert.workflows.signing import Drafter, Order

#: The recipe of a pair that is copied.
RECIPE = "synapse-cell"
CERTIFICATE, KEY = "sslcert.pem", "sslkey.pem"
#: What a service on this machine is called by those on this machine.
LOCAL = tuple(map(parse_san, ("DNS:localhost", "IP:127.0.0.1", "IP:::1")))


class PairRequest(Value):
    """What a self-signed pair is to be: for these names beside those of this machine, until *end*, for whom."""

    directory: str
    names: tuple[SubjectAltName, ...] = ()
    end: When | None = None
    owner: str = ""
    group: str = ""


class Pair(Value):
    """A pair that was made or linked: where, its certificate, and what a person should know."""

    certificate_path: str
    key_path: str
    certificate: x509.Certificate
    notes: tuple[str, ...] = ()


def self_signed(certdir: CertDir, request: PairRequest, *, replace: bool = False) -> Pair:
    """Write a new key, and a certificate for it that it signed itself. P-256: browsers, curl and Synapse all take it.

    Raises AlreadyExists unless *replace*, InvalidInput, StoreFailure and StoreBusy, with nothing written.
    """
    now = certdir.signing_time()
    names = unique_sans((*request.names, *LOCAL))
    wanted = IssueRequest(Kind.HOST, HostName(names[0].value), sans=names, end=request.end)
    key = keys.generate(KeyType.EC256)
    spec, notes = describe(wanted, None, now)
    issuer = certificates.self_issuer(spec, key)
    tbs = certificates.to_be_signed(spec, key.public_key(), issuer)
    Drafter().draft(Order(Kind.HOST, wanted.name, tbs, issuer, None, "fresh", MODERN.name))
    certificate = certificates.signed(tbs, key)
    files = (
        Placed(CERTIFICATE, certificate_pem(certificate), 0o644),
        Placed(KEY, keys.private_pem(key), 0o640 if request.group and not request.owner else 0o600),
    )
    with Placing(request.directory, ownership(request.owner, request.group), replace=replace) as placing:
        placing.stage(files)
        placing.put()
    forgotten = give_way(certdir, request.directory, (CERTIFICATE, KEY))
    return Pair(*_paths(request.directory), certificate, (*notes, *forgotten))


def linked(certdir: CertDir, text: str, directory: str, *, replace: bool = False) -> Pair:
    """Make links in *directory* to key and certificate of the host called *text*, which a renewal replaces in place.

    Raises AlreadyExists unless *replace*, NotFound, KeyMismatch, StoreFailure, and Refused where the certificate's file
    lacks the chain that a server has to send.
    """
    recipe, materials = recipe_called(RECIPE), Materials(certdir)
    _, name = materials.place(text, Kind.HOST, recipe)
    material = materials.of(Kind.HOST, name, recipe)
    targets = (layout.certificate(Kind.HOST, name), layout.key(Kind.HOST, name))
    certificate_path, key_path = (_found(certdir, entry, name) for entry in targets)
    _require_chain(certdir, targets[0], material.chain, name)
    link(directory, {KEY: key_path, CERTIFICATE: certificate_path}, replace=replace)
    note = f"whoever reads these links must be able to read {os.path.dirname(os.path.dirname(key_path))} as well"
    return Pair(*_paths(directory), material.certificate, (note, *give_way(certdir, directory, (CERTIFICATE, KEY))))


def _found(certdir: CertDir, entry: layout.Entry, name: SafeName) -> str:
    path = certdir.store.find(entry)
    if path is None:
        raise NotFound("host certificate", name)
    return os.path.abspath(path)


def _require_chain(certdir: CertDir, entry: layout.Entry, chain: tuple[x509.Certificate, ...], name: SafeName) -> None:
    held = load_certificates(certdir.store.read(entry) or b"", entry.path)
    needed = {item.subject for item in chain}
    if not needed <= {item.subject for item in held[1:]}:
        raise Refused(
            f"host {name}",
            f"its file {entry.filename} holds no chain that a link could lead to; leave out --link to copy",
        )


def _paths(directory: str) -> tuple[str, str]:
    return os.path.join(directory, CERTIFICATE), os.path.join(directory, KEY)
