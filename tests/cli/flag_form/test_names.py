"""A name that is not safe as one file name is refused wherever one is taken: one line, and nothing is written."""

from __future__ import annotations

import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NAME = "NAME"
PLACES = {
    "a CA": ["--ca", NAME],
    "a CA to be signed": ["--ca", NAME, "--signas", "vertex"],
    "a host": ["--server", NAME, "--signas", "vertex"],
    "a code signer": ["--code", NAME, "--signas", "vertex"],
    "a user": [NAME, "--signas", "vertex"],
    "a user's request": ["--csr", NAME],
    "a host's request": ["--csr", "--server", NAME],
    "a client bundle": ["--p12", NAME],
    "a revocation list": ["--crl", NAME],
    "a user to revoke": ["--revokeas", "vertex", NAME],
    "a host to revoke": ["--revokeas", "vertex", "--server", NAME],
    "a code signer to revoke": ["--revokeas", "vertex", "--code", NAME],
    "a CA to revoke": ["--revokeas", "vertex", "--ca", NAME],
    "the revoking CA": ["--revokeas", NAME, "visi@vertex.link"],
    "the CA of a CA": ["--ca", "new", "--signas", NAME],
    "the CA of a host": ["--server", "new.vertex.link", "--signas", NAME],
    "the CA of a code signer": ["--code", "new", "--signas", NAME],
    "the CA of a user": ["new@vertex.link", "--signas", NAME],
    "the CA of a request": ["--sign-csr", ".syn/certs/users/asked@vertex.link.csr", "--signas", NAME],
}
HOSTILE = {
    "parent": "..",
    "itself": ".",
    "up and away": "../evil",
    "up from a CA": "../cas/vertex",
    "below": "cas/vertex",
    "absolute": "/tmp/evil",
    "backslash": "..\\evil",
    "newline": "evil\nkey saved: /etc/passwd",
    "carriage return": "evil\r",
    "escape": "evil\x1b[2J",
    "NUL": "vertex\0.vertex.link",
    "right to left": "evil\u202etxt",
    "variable": "$HOME",
    "braced variable": "${HOME}x",
    "not UTF-8": "evil\udcff",
}
LENGTHS = {"empty": "", "65 bytes": "a" * 65}


def with_name(argv, name):
    return [name if argument == NAME else argument for argument in argv]


@pytest.mark.usefixtures("certs")
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_hostile_name_is_refused(easycert, unchanged, place, name):
    with unchanged():
        refused = easycert(*with_name(place, name))
    assert refused.code == 1
    (line,) = refused.lines
    assert line.startswith("ERROR: ")
    assert line.isprintable(), "what cannot be printed is shown escaped"


@pytest.mark.usefixtures("certs")
@pytest.mark.parametrize("name", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_name_that_no_certificate_can_have_is_refused(easycert, unchanged, place, name):
    with unchanged():
        refused = easycert(*with_name(place, name))
    assert refused.code == 1
    (line,) = refused.lines
    assert line.startswith(("ERROR: ", "Certificate not found: ", "Failed to revoke certificate: "))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_refused_name_makes_no_directory_either(easycert, unchanged, name):
    with unchanged():
        assert easycert("--ca", name).code == 1


def request_named(name, path):
    """Write a request, signed by its own key, whose common name is *name* as it stands."""
    with warnings.catch_warnings(action="ignore"):  # cryptography warns of a length that it would not write itself
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)])
    key = rsa.generate_private_key(65537, 2048)
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    path.write_bytes(request.public_bytes(serialization.Encoding.PEM))


@pytest.mark.usefixtures("certs")
@pytest.mark.parametrize("name", [name for name in HOSTILE.values() if name.isascii()] + [*LENGTHS.values()], ids=ascii)
def test_a_hostile_name_in_a_request_is_refused(easycert, own_home, unchanged, name):
    request_named(name, own_home / "hostile.csr")
    for flags in ([], ["--server"]):
        with unchanged():
            refused = easycert(*flags, "--sign-csr", "hostile.csr", "--signas", "vertex")
        assert refused.code == 1
        (line,) = refused.lines
        assert line.startswith("ERROR: ")
        assert line.isprintable()


@pytest.mark.parametrize(
    "argv",
    [
        ["--code", "Build Pipeline 2", "--signas", "vertex"],
        ["Jörg Müller@Vertex.link", "--signas", "vertex"],
        ["--server", "*.vertex.link", "--signas", "vertex"],
        ["--server", "127.0.0.1", "--signas", "vertex"],
        ["--server", "under_score.vertex.link", "--signas", "vertex"],
        ["--ca", "A Company, Inc."],
        ["--ca", "é" * 32],
    ],
    ids=lambda argv: argv[1] if argv[0].startswith("--") else argv[0],
)
def test_any_text_that_is_safe_as_one_file_name_is_accepted_and_kept(easycert, certs, argv):
    name = argv[1] if argv[0].startswith("--") else argv[0]
    made = easycert(*argv)
    assert made.code == 0, made.stdout
    path = certs / made.lines[1].removeprefix(f"cert saved: {certs}/")
    assert path.name == f"{name}.crt"
    (common_name,) = x509.load_pem_x509_certificate(path.read_bytes()).subject
    assert common_name.value == name
