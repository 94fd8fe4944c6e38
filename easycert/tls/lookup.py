"""Which files of a certificate directory a URL means: the host's, the user's, the CA's (docs/synapse.md).

Only names are made here, and looked for; what is in the files is read by :mod:`easycert.tls.material`.
"""

from __future__ import annotations

from easycert.certdir import CertDir
from easycert.errors import NotFound
from easycert.model import Kind
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.tls.urls import SslUrl, TlsName


def host_candidates(name: TlsName) -> tuple[SafeName, ...]:
    """Return the names under which a host's certificate may lie in ``hosts/``, the best first.

    The name itself, then the wildcard that stands for it (RFC 9525 section 6.3: one label).
    """
    file_name = SafeName(name.replace(":", "_"))  # an IPv6 address
    if name.is_address or name.is_wildcard or name.count(".") < 2:
        return (file_name,)
    return file_name, SafeName(f"*.{name.partition('.')[2]}")


def user_candidates(url: SslUrl) -> tuple[SafeName, ...]:
    """Return the names under which a user's certificate may lie in ``users/``, the best first; none where none is due.

    ``user@cortex.vertex.link``, ``user@vertex.link``, ``user@link``: the domain is that of the name to verify. With a
    password none is looked up. ``certname=`` names it, and its domain is walked up alike, as Synapse does.
    """
    if url.certname is not None:
        user, at, domain = url.certname.partition("@")
        above = _domains(domain)[1:] if at else ()
        return (url.certname, *(SafeName(f"{user}@{parent}") for parent in above))
    if url.user is None or url.has_password:
        return ()
    return tuple(SafeName(f"{url.user}@{domain.replace(':', '_')}") for domain in url.hostname.parents)


def _domains(domain: str) -> tuple[str, ...]:
    labels = domain.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)) if labels[start])


def find_host(certdir: CertDir, name: TlsName) -> SafeName:
    """Return the name of the certificate in ``hosts/`` for *name*. Raises NotFound."""
    for candidate in host_candidates(name):
        if certdir.store.find(layout.certificate(Kind.HOST, candidate)):
            return candidate
    raise NotFound("host certificate", name)


def find_user(certdir: CertDir, url: SslUrl) -> SafeName | None:
    """Return the name of the certificate in ``users/`` that the client of *url* shows, or None where none is due.

    Raises NotFound where one is due and not there. A pinned server (``certhash=``) is visited without one, too.
    """
    candidates = user_candidates(url)
    for candidate in candidates:
        if certdir.store.find(layout.certificate(Kind.USER, candidate)):
            return candidate
    if candidates and (url.certname is not None or url.certhash is None):
        raise NotFound("user certificate", candidates[0])
    return None
