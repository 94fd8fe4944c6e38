"""TLS contexts from ``ssl://`` URLs: :func:`server_context` and :func:`client_context`.

What they return is an :class:`ssl.SSLContext` for asyncio, aiohttp, uvicorn, httpx, http.server, http.client and
whatever else calls ``wrap_socket`` or ``wrap_bio``. At each of these calls it looks whether files have changed, and
hands on to a context made of what is there now. Connections that are open go on as they began.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from contextlib import suppress

from easycert.certdir import CertDir
from easycert.errors import InvalidInput
from easycert.tls.material import Passphrase, Report
from easycert.tls.renewing import RenewingContext
from easycert.tls.sides import ClientSide, ServerSide, Wishes
from easycert.tls.urls import SslUrl, parse_url


def server_context(
    url: str | SslUrl,
    certdir: CertDir | str | os.PathLike[str] | Sequence[str] | None = None,
    *,
    report: Report | None = None,
    passphrase: Passphrase | None = None,
    require_crl: bool = False,
) -> ssl.SSLContext:
    """Return a context that serves as *url* says: ``ssl://0.0.0.0/?hostname=cortex.vertex.link&ca=vertex``.

    Certificates come from ``hosts/`` of *certdir* (None: the default one), by ``hostname=``, else by the URL's host; of
    several the client chooses by SNI, else it is the first. With ``ca=`` clients must show a certificate that chains to
    that CA and is on no CRL in ``crls/``; with *require_crl* a fresh CRL must speak for it.

    Changed files are taken up with the next handshake; one that cannot be used is told to *report* (the logger
    ``easycert.tls`` without one), and what it held before stays in use. *passphrase* is given the path of an encrypted
    key. Raises InvalidUrl, NotFound, UnreadableFile, Malformed, KeyMismatch, EncryptedKey and Refused.
    """
    parsed = _parsed(url)
    if parsed.certhash is not None or parsed.certname is not None:
        raise InvalidInput("URL", str(parsed), "has certhash or certname, which are for clients")
    wishes = Wishes(_safely(report or _log), passphrase, require_crl)
    return RenewingContext(ServerSide(parsed, _opened(certdir), wishes), wishes.report)


def client_context(
    url: str | SslUrl,
    certdir: CertDir | str | os.PathLike[str] | Sequence[str] | None = None,
    *,
    report: Report | None = None,
    passphrase: Passphrase | None = None,
    require_crl: bool = False,
) -> ssl.SSLContext:
    """Return a context for a client of *url*: ``ssl://user@cortex.vertex.link/``.

    It trusts every CA in ``cas/`` of *certdir* and those of the system, minds the CRLs in ``crls/``, and shows the
    certificate of ``certname=`` or of the URL's user. With ``hostname=`` the server must have that name, whatever name
    the library passes to the handshake; without, the name that is passed, else the URL's host. ``certhash=`` is all
    that counts where it is there. For the other parameters and what is raised, see :func:`server_context`.
    """
    parsed = _parsed(url)
    if parsed.ca is not None:
        raise InvalidInput("URL", str(parsed), "has ca, which is for servers: a client trusts all CAs in cas/")
    if len(parsed.hostnames) > 1 or parsed.hostname.is_wildcard:
        raise InvalidInput("URL", str(parsed), "has several names, and a client verifies one")
    wishes = Wishes(_safely(report or _log), passphrase, require_crl)
    return RenewingContext(ClientSide(parsed, _opened(certdir), wishes), wishes.report)


def _parsed(url: str | SslUrl) -> SslUrl:
    return url if isinstance(url, SslUrl) else parse_url(url)


def _opened(certdir: CertDir | str | os.PathLike[str] | Sequence[str] | None) -> CertDir:
    return certdir if isinstance(certdir, CertDir) else CertDir.open(certdir)


def _safely(report: Report) -> Report:
    def tell(sentence: str) -> None:
        with suppress(Exception):  # whoever cannot be told must not end a listener
            report(sentence)

    return tell


def _log(sentence: str) -> None:
    import logging

    logging.getLogger("easycert.tls").warning(sentence)
