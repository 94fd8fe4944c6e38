"""The variables by which programs are told which CAs to trust, and which certificate to show: one table.

All of them want a file. Some programs add what is in it to the roots that they have anyway, others replace their roots
by it, and some do the one or the other as they were built; so all but the first kind get a file with the system's roots
and ours. Each row was seen to work with the program, or is told by the program's own manual.

GNU wget, GnuTLS's tools, curl as built for Windows or macOS, and browsers read no variable: ``easycert trust`` is for
them.
"""

from __future__ import annotations

from enum import Enum

from easycert.model import Value


class Contents(Enum):
    """Which certificates a program has to be given; the value is the name of the file."""

    #: The system's roots, and ours.
    MERGED = "bundle.pem"
    #: Ours alone.
    OURS = "ca.pem"
    #: Ours, and those that the caller had added already.
    ADDED = "extra.pem"
    #: Java's roots, and ours, as a PKCS#12 trust store.
    JAVA = "java.p12"


class Effect(Enum):
    """What a program does with the file."""

    REPLACES = "replaces its roots"
    ADDS = "adds to its roots"
    DEPENDS = "replaces or adds, as it was built"


class Variable(Value):
    """One variable: the file that it names, what becomes of the roots that the programs have, and which programs.

    One that is *only_if_set* stands before another variable of the same program, and is set where the caller set it:
    else it would only do harm.
    """

    name: str
    contents: Contents
    effect: Effect
    readers: str
    only_if_set: bool = False


class Part(Enum):
    """What of a user's certificate a variable names."""

    CERTIFICATE = "certificate"
    KEY = "key"


class ClientVariable(Value):
    """A variable that names the certificate, or its private key, which a client shows to servers that ask for one."""

    name: str
    part: Part
    readers: str


_M, _R, _A, _D = Contents.MERGED, Effect.REPLACES, Effect.ADDS, Effect.DEPENDS

#: The caller's own roots, if there are any: they are taken instead of the system's.
BASE = "SSL_CERT_FILE"
#: The caller's own additions.
ADDITIONS = "NODE_EXTRA_CA_CERTS"

VARIABLES: tuple[Variable, ...] = (
    Variable(BASE, _M, _D, "OpenSSL, and with it curl, Python's ssl, Ruby, PHP, .NET, Go, httpx, uv, cargo"),
    Variable("CURL_CA_BUNDLE", _M, _R, "curl, R, requests"),
    Variable("REQUESTS_CA_BUNDLE", _M, _R, "requests: certbot, the Azure CLI, conda, HTTPie"),
    Variable("PIP_CERT", _M, _A, "pip"),
    Variable("GIT_SSL_CAINFO", _M, _D, "git"),
    Variable("AWS_CA_BUNDLE", _M, _R, "the AWS CLI, boto3"),
    Variable("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", _M, _R, "gcloud"),
    Variable("PGSSLROOTCERT", _M, _R, "libpq: psql, psycopg"),
    Variable("CARGO_HTTP_CAINFO", _M, _D, "cargo"),
    Variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", _M, _R, "gRPC in C++, Python, Ruby, PHP"),
    Variable("LEGO_CA_CERTIFICATES", _M, _R, "lego, Traefik"),
    Variable("BUNDLE_SSL_CA_CERT", _M, _R, "Bundler"),
    Variable("COMPOSER_CAFILE", _M, _R, "Composer"),
    Variable("HEX_CACERTS_PATH", _M, _R, "Hex: mix, rebar3"),
    Variable("PERL_LWP_SSL_CA_FILE", _M, _R, "Perl's LWP"),
    Variable("HTTPLIB2_CA_CERTS", _M, _R, "httplib2"),
    Variable("NIX_SSL_CERT_FILE", _M, _R, "Nix, and what it has built"),
    # npm reads Node's variable, but neither that nor its own roots where it has this one.
    Variable("npm_config_cafile", _M, _R, "npm", only_if_set=True),
    Variable("NPM_CONFIG_CAFILE", _M, _R, "npm", only_if_set=True),
    Variable("JULIA_SSL_CA_ROOTS_PATH", _M, _R, "Julia, which reads SSL_CERT_FILE, too", only_if_set=True),
    Variable(ADDITIONS, Contents.ADDED, _A, "Node.js: npm, yarn, pnpm; bun, deno"),
    Variable("DENO_CERT", Contents.ADDED, _A, "deno"),
)

#: Java reads options from here; the one that names a trust store is appended to whatever stands there.
JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"
JAVA = Variable(JAVA_OPTIONS, Contents.JAVA, _R, "Java: Maven, Gradle, sbt, Kotlin, Scala")

CLIENT_VARIABLES: tuple[ClientVariable, ...] = (
    ClientVariable("PGSSLCERT", Part.CERTIFICATE, "libpq: psql, psycopg"),
    ClientVariable("PGSSLKEY", Part.KEY, "libpq: psql, psycopg"),
    ClientVariable("GIT_SSL_CERT", Part.CERTIFICATE, "git"),
    ClientVariable("GIT_SSL_KEY", Part.KEY, "git"),
    ClientVariable("VAULT_CLIENT_CERT", Part.CERTIFICATE, "vault, bao"),
    ClientVariable("VAULT_CLIENT_KEY", Part.KEY, "vault, bao"),
    ClientVariable("CONSUL_CLIENT_CERT", Part.CERTIFICATE, "consul"),
    ClientVariable("CONSUL_CLIENT_KEY", Part.KEY, "consul"),
    ClientVariable("NOMAD_CLIENT_CERT", Part.CERTIFICATE, "nomad"),
    ClientVariable("NOMAD_CLIENT_KEY", Part.KEY, "nomad"),
    ClientVariable("ETCDCTL_CERT", Part.CERTIFICATE, "etcdctl"),
    ClientVariable("ETCDCTL_KEY", Part.KEY, "etcdctl"),
)

#: For scripts: easycert's own names of the same files. None is the name of an option's variable.
CA_FILE, BUNDLE_FILE = "EASYCERT_CA_FILE", "EASYCERT_BUNDLE_FILE"
USER_CERT_FILE, USER_KEY_FILE = "EASYCERT_USER_CERT_FILE", "EASYCERT_USER_KEY_FILE"
HOST_CERT_FILE, HOST_KEY_FILE = "EASYCERT_HOST_CERT_FILE", "EASYCERT_HOST_KEY_FILE"
