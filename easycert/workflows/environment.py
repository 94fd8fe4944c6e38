"""The environment in which programs trust the CAs of a certificate directory: variables, and the files they name."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping

from easycert.certdir import CertDir
from easycert.errors import NotFound
from easycert.model import Kind, Value
from easycert.pki.names import SafeName
from easycert.store import layout
from easycert.trust import bundle, variables
from easycert.trust.variables import CLIENT_VARIABLES, JAVA_OPTIONS, VARIABLES, Contents, Part
from easycert.workflows.anchors import trusted

#: What no program that is started may see (hazard F2): each variable whose name begins so.
_WITHHELD = "EASYCERT_PASSPHRASE"
_TRUST_STORE = "-Djavax.net.ssl.trustStore"


class EnvironmentRequest(Value):
    """What is wanted, on top of the variables in *environ*.

    *authorities* are to be trusted, all that are here where there are none; clients show the certificate of *user*.
    """

    environ: Mapping[str, str]
    authorities: tuple[SafeName, ...] = ()
    user: str | None = None


class Pair(Value):
    """Paths of a certificate and of its private key."""

    certificate: str
    key: str


class TrustEnvironment(Value):
    """What to set: *variables*, by name; the CAs that are trusted then, and the *directory* of the files.

    *overridden* are those of the variables that said something else; *notes* are what a person should know.
    """

    variables: dict[str, str]
    authorities: tuple[str, ...]
    directory: str
    overridden: tuple[str, ...]
    notes: tuple[str, ...]


def environment(certdir: CertDir, request: EnvironmentRequest, *, place: str | None = None) -> TrustEnvironment:
    """Write the files that *request* needs into *place*, or where the user's caches lie, and return what names them.

    The certificate directory is only read. Raises what :func:`~easycert.workflows.anchors.trusted` does, NotFound for a
    user without certificate or key, StoreFailure, and UnsafeDirectory.
    """
    chosen = trusted(certdir, request.authorities, certdir.now())
    pair = None if request.user is None else client_pair(certdir, request.user)
    sources = bundle.sources(request.environ)
    content = bundle.bundle(sources, chosen.certificates)
    directory = bundle.write(content, place) if place else bundle.keep(content, bundle.places(request.environ))
    found = _variables(directory, request.environ) | (client_variables(pair) if pair else {})
    said = {name: request.environ[name] for name in found if request.environ.get(name)}
    known = {os.path.realpath(sources.base.path)} if sources.base else set()
    return TrustEnvironment(
        variables=found,
        authorities=tuple(name for name, _ in chosen.authorities),
        directory=directory,
        overridden=tuple(name for name, before in said.items() if not _is_kept(name, before, found[name], known)),
        notes=(*chosen.notes, *sources.notes),
    )


def client_pair(certdir: CertDir, user: str) -> Pair:
    """Return where the certificate and the key of *user* lie. Raises NotFound and InvalidName."""
    from easycert.workflows.lookup import spellings  # what nobody asks for costs nothing

    names = list(spellings(user, Kind.USER)) or [SafeName(user)]
    for name in names:
        certificate = certdir.store.find(layout.certificate(Kind.USER, name))
        if certificate is not None:
            key = certdir.store.find(layout.key(Kind.USER, name))
            if key is None:
                raise NotFound("private key of a user", name)
            return Pair(certificate, key)
    raise NotFound("user", user)


def client_variables(pair: Pair) -> dict[str, str]:
    """Return the variables by which clients learn which certificate to show."""
    paths = {Part.CERTIFICATE: pair.certificate, Part.KEY: pair.key}
    found = {variable.name: paths[variable.part] for variable in CLIENT_VARIABLES}
    return found | {variables.USER_CERT_FILE: pair.certificate, variables.USER_KEY_FILE: pair.key}


def for_child(environ: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a program that is started: *environ*, with *found*, and without passphrases."""
    return {name: value for name, value in environ.items() if not name.startswith(_WITHHELD)} | dict(found)


def java_options(before: str, store: str) -> str:
    """Return the options that Java reads from a variable: those of *before*, and the trust store at the path *store*.

    Of an option that stands there twice the last counts. Those of *before* that say how another store is opened would
    keep this one shut, and are outdone.
    """
    own = f"{_TRUST_STORE}={_java_quoted(store)}"
    before = _without_own(before)
    undone = [f"{_TRUST_STORE}Password="] if f"{_TRUST_STORE}Password=" in before else []
    undone += [f"{_TRUST_STORE}Type=PKCS12"] if f"{_TRUST_STORE}Type=" in before else []
    return " ".join([*([before] if before else []), *undone, own])


def _variables(directory: str, environ: Mapping[str, str]) -> dict[str, str]:
    paths = {contents: f"{directory}/{contents.value}" for contents in Contents}
    found = {
        variable.name: paths[variable.contents]
        for variable in VARIABLES
        if not variable.only_if_set or environ.get(variable.name)
    }
    found[JAVA_OPTIONS] = java_options(environ.get(JAVA_OPTIONS, ""), paths[Contents.JAVA])
    return found | {variables.CA_FILE: paths[Contents.OURS], variables.BUNDLE_FILE: paths[Contents.MERGED]}


def _is_kept(name: str, before: str, after: str, known: Container[str]) -> bool:
    """Return whether nothing is lost of what a variable said: roots that were taken over, options that still stand.

    *known* are the paths of the roots that were; a file that easycert made for another command is nothing to lose.
    """
    if name == JAVA_OPTIONS:
        return _TRUST_STORE not in _without_own(before)
    own = os.path.dirname(os.path.dirname(before)) == os.path.dirname(os.path.dirname(after))
    return own or name in (variables.BASE, variables.ADDITIONS) or os.path.realpath(before) in known


def _without_own(options: str) -> str:
    """Return *options* without the trust store that easycert appended to them for another command."""
    others, _, last = options.rpartition(" ")
    is_own = last.startswith(f"{_TRUST_STORE}=") and last.rstrip('"').endswith(f"/{Contents.JAVA.value}")
    return others if is_own else options


def _java_quoted(path: str) -> str:
    """Return *path* as one word of Java's options: quotation marks of either kind keep all between them together."""
    if not any(char.isspace() or char in "'\"" for char in path):
        return path
    return '"' + path.replace('"', '"\'"\'"') + '"'
