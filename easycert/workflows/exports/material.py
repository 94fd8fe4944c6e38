"""What a recipe is made from: a certificate of the directory with its key, and the CAs above it as they are now."""

from __future__ import annotations

from cryptography import x509

from easycert.certdir import CertDir
from easycert.errors import IncompleteChain, InvalidInput, KeyMismatch, NotFound, StoreFailure, UnsafeDirectory
from easycert.model import Kind
from easycert.pki.certificates import authority_issuer, load_certificates
from easycert.pki.chains import IssuerPool, is_self_issued, new_issuers
from easycert.pki.keys import PrivateKey
from easycert.pki.names import SafeName
from easycert.pki.subjects import common_name, shown_name
from easycert.recipes.values import Material, Part, Recipe
from easycert.store import layout
from easycert.workflows.authorities import certificates_below
from easycert.workflows.lookup import find


class Materials:
    """The certificates of one directory, for one command: its CAs are read once."""

    def __init__(self, certdir: CertDir) -> None:
        """Take the directory to read from."""
        self._certdir = certdir
        self._authorities: tuple[x509.Certificate, ...] | None = None

    def place(self, text: str, kind: Kind | None, recipe: Recipe) -> tuple[Kind, SafeName]:
        """Return kind and name of the certificate that a person calls *text*; the recipe tells kinds apart, too.

        Raises NotFound, and AmbiguousName for several that the recipe is for.
        """
        if kind is None:
            fitting = [item for item in recipe.kinds if self._has(item, text)]
            kind = fitting[0] if len(fitting) == 1 else None
        found = find(self._certdir, text, kind=kind)
        if found.kind is None or found.entry is None:
            raise InvalidInput("name", text, "is that of a file; what is exported is in the certificate directory")
        if found.entry.suffix != "crt":
            raise NotFound(f"{found.kind.value} certificate", text)
        return found.kind, SafeName(found.entry.name)

    def of(self, kind: Kind, name: SafeName, recipe: Recipe) -> Material:
        """Return what *recipe* needs of this certificate.

        Raises NotFound, KeyMismatch, and IncompleteChain where the recipe wants the root, and it is not here.
        """
        try:
            return self._read(kind, name, recipe)
        except KeyMismatch as mismatch:  # a renewal that goes on at this moment has one of the two in place
            try:
                with self._certdir.store.transaction():
                    return self._read(kind, name, recipe)
            except (StoreFailure, UnsafeDirectory):  # nobody is at work where nobody can write
                raise mismatch from None

    def _read(self, kind: Kind, name: SafeName, recipe: Recipe) -> Material:
        found = self._certdir.read(layout.certificate(kind, name))
        if found is None:
            raise NotFound(f"{kind.value} certificate", name)
        certificate, *beside = load_certificates(*found)
        key = self._key(kind, name, certificate) if recipe.needs_key else None
        material = Material(kind, name, certificate, *self._above(certificate, beside), key)
        if not material.anchors and _needs_anchors(recipe):
            raise IncompleteChain(f"{kind.value} {name}", missing_above(material))
        return material

    def _key(self, kind: Kind, name: SafeName, certificate: x509.Certificate) -> PrivateKey:
        key = self._certdir.signers.key(kind, name)
        if key is None:
            raise NotFound(f"private key of the {kind.value}", name)
        try:
            authority_issuer(certificate, key)
        except KeyMismatch:
            path = self._certdir.store.path(layout.key(kind, name))
            raise KeyMismatch(path, "it is not the key of the certificate beside it") from None
        return key

    def _above(
        self, certificate: x509.Certificate, beside: list[x509.Certificate]
    ) -> tuple[tuple[x509.Certificate, ...], tuple[x509.Certificate, ...]]:
        """Return the intermediates, and the root if it is here.

        Of several certificates of one CA, the old and the new one of a renewal, the one that ends last is taken.
        """
        path = [certificate]
        pool = IssuerPool([*beside, *self._all_authorities()])
        while not is_self_issued(path[-1]) and (issuers := new_issuers(pool, path)):
            path.append(max(issuers, key=lambda item: item.not_valid_after_utc))
        above = tuple(path[1:])
        if not is_self_issued(path[-1]):
            return above, ()
        return (above[:-1], above[-1:]) if above else ((), (certificate,))

    def _all_authorities(self) -> tuple[x509.Certificate, ...]:
        if self._authorities is None:
            folder = layout.FOLDERS[Kind.CA]
            self._authorities = tuple(found for _, found in certificates_below(self._certdir, folder))
        return self._authorities

    def _has(self, kind: Kind, text: str) -> bool:
        try:
            entry = find(self._certdir, text, kind=kind).entry
        except NotFound:
            return False
        return entry is not None and entry.suffix == "crt"


def missing_above(material: Material) -> str:
    """Return the name of the CA whose certificate is not here, though it signed the last that is; empty if none is."""
    if material.anchors:
        return ""
    issuer = (material.certificate, *material.chain)[-1].issuer
    return common_name(issuer) or shown_name(issuer)


def _needs_anchors(recipe: Recipe) -> bool:
    return any(Part.ANCHORS in plan.parts and not plan.optional for plan in recipe.files)
