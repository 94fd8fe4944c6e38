"""The tools whose directories are adopted, driven as their users do; of step-ca, the library that it is made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.workflows.examples import dn

Need = Callable[[str], str]
PASSPHRASE = b"correct horse"

_OPENSSL_CNF = """
[ca]
default_ca = this
[this]
dir = .
database = $dir/index.txt
new_certs_dir = $dir/newcerts
certificate = $dir/cacert.pem
private_key = $dir/private/cakey.pem
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[v3_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$ENV::NAME
authorityKeyIdentifier = keyid
[client]
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
[plain]
basicConstraints = CA:FALSE
[ocsp]
extendedKeyUsage = OCSPSigning
[stamp]
extendedKeyUsage = critical, timeStamping
"""


class EasyRsa:
    """An easy-rsa PKI in *directory* whose keys are P-256 unless said otherwise."""

    def __init__(self, need: Need, directory: Path, algorithm: str = "ec", curve: str = "prime256v1") -> None:
        self._script = need("easyrsa")
        self.pki = directory / "pki"
        directory.mkdir(exist_ok=True)
        shutil.copytree(Path(self._script).parent / "x509-types", directory / "x509-types")
        shutil.copy(Path(self._script).parent / "openssl-easyrsa.cnf", directory)
        self._environment = {
            **os.environ,
            "EASYRSA": str(directory),
            "EASYRSA_PKI": str(self.pki),
            "EASYRSA_BATCH": "1",
            "EASYRSA_ALGO": algorithm,
            "EASYRSA_CURVE": curve,
            "EASYRSA_CERT_RENEW": "9999",
        }
        self("init-pki")

    def __call__(self, *words: str, **variables: str) -> None:
        """Run one command of easy-rsa."""
        ran([self._script, *words], env=self._environment | variables, cwd=self.pki.parent)


class OpensslCa:
    """An ``openssl ca`` directory with its own configuration."""

    def __init__(self, need: Need, directory: Path, cn: str = "openssl root", passphrase: bytes | None = None) -> None:
        self._openssl = need("openssl")
        self.directory = directory
        self._cn = cn
        self._cipher = ["-aes256", "-pass", f"pass:{passphrase.decode()}"] if passphrase else []
        self._pass = ["-passin", f"pass:{passphrase.decode()}"] if passphrase else []
        for folder in ("newcerts", "private"):
            (directory / folder).mkdir(parents=True)
        (directory / "openssl.cnf").write_text(_OPENSSL_CNF)
        (directory / "index.txt").touch()
        (directory / "serial").write_text("1000\n")
        (directory / "crlnumber").write_text("1000\n")
        self.key("private/cakey.pem", self._cipher)
        subject = ["-subj", f"/CN={cn}", "-x509", "-days", "3650", "-extensions", "v3_ca"]
        self.run("req", "-new", "-key", "private/cakey.pem", *self._pass, *subject, "-out", "cacert.pem")

    def run(self, *words: str, name: str = "none.example") -> None:
        """Run openssl in the directory, with its configuration where it takes one."""
        configured = ["-config", "openssl.cnf"] if words[0] in ("ca", "req") else []
        environment = {**os.environ, "NAME": name}
        ran([self._openssl, words[0], *configured, *words[1:]], cwd=self.directory, env=environment)

    def key(self, path: str, cipher: list[str] | None = None) -> None:
        """Make a P-256 key."""
        self.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", *(cipher or []), "-out", path)

    def request_for_itself(self, path: str) -> None:
        """Ask for another certificate for the CA's own key."""
        self.run("req", "-new", "-key", "private/cakey.pem", *self._pass, "-subj", f"/CN={self._cn}", "-out", path)

    def issue(self, cn: str, extensions: str = "server", *words: str) -> str:
        """Issue a certificate, whose key is in ``private/CN.key``; return the path of the certificate."""
        serial = (self.directory / "serial").read_text().strip()
        self.key(f"private/{serial}.key")
        self.run("req", "-new", "-key", f"private/{serial}.key", "-subj", f"/CN={cn}", "-out", "request.csr")
        signing = ["-batch", "-notext", "-extensions", extensions, "-in", "request.csr", "-out", "/dev/null"]
        self.run("ca", *signing, *self._pass, *words, name=cn)
        (self.directory / "request.csr").unlink()
        return f"newcerts/{serial}.pem"

    def revoke(self, certificate: str, *words: str) -> None:
        """Revoke a certificate; the CRL stays as it was."""
        self.run("ca", "-revoke", certificate, *self._pass, *words)

    def gencrl(self) -> None:
        """Write ``crl.pem``."""
        self.run("ca", "-gencrl", *self._pass, "-out", "crl.pem")


def mkcert(need: Need, caroot: Path, *words: str) -> None:
    """Run mkcert with this CAROOT, in it; it installs nothing anywhere."""
    caroot.mkdir(exist_ok=True)
    environment = {**os.environ, "CAROOT": str(caroot), "TRUST_STORES": "none"}
    ran([need("mkcert"), *words], cwd=caroot, env=environment)


def ran(command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
    """Run a tool that must end well."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class StepKeys(NamedTuple):
    """The key files of a ``$STEPPATH``, as they are to be encrypted."""

    root: bytes | None
    intermediate: bytes | None


def step_path(directory: Path, keys: StepKeys) -> None:
    """Make what ``step ca init`` leaves: its layout, names, PEM labels and encryption, its ``ca.json``.

    P-256 keys as SEC 1, encrypted in the old PEM form (``DEK-Info: AES-256-CBC``); :func:`real_step_path` is the slow
    way to have the same.
    """
    for folder in ("certs", "secrets", "config", "db", "templates"):
        (directory / folder).mkdir(parents=True, mode=0o700)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _step_certificate("Example Root CA", root_key, None, root_key, path_length=1)
    intermediate = _step_certificate("Example Intermediate CA", key, root, root_key, path_length=0)
    for name, certificate in (("root_ca", root), ("intermediate_ca", intermediate)):
        (directory / "certs" / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    for name, secret, passphrase in (("root_ca", root_key, keys.root), ("intermediate_ca", key, keys.intermediate)):
        _write_step_key(directory / "secrets" / f"{name}_key", secret, passphrase)
    (directory / "config" / "ca.json").write_text(
        '{"root": "/etc/step-ca/certs/root_ca.crt", "db": {"type": "badger"}}'
    )
    (directory / "db" / "000000.vlog").write_bytes(b"-----BEGIN nothing that anybody reads")


def real_step_path(need: Need, directory: Path) -> None:
    """Have step's own code make a ``$STEPPATH``, its keys encrypted with ``PASSPHRASE``.

    The programs step and step-ca are no Debian packages, but the library that ``step ca init`` calls is one.
    """
    go, library = need("go"), Path("/usr/share/gocode/src/github.com/smallstep/certificates/pki")
    if not library.is_dir():
        need("golang-github-smallstep-certificates-dev")  # skips, or fails where everything must be there
    source = directory.with_name("go") / "src" / "stepinit"
    shutil.copytree(Path(__file__).parent / "stepinit", source)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": f"{source.parents[1]}:/usr/share/gocode",
        "GOCACHE": str(directory.with_name("gocache")),
        "STEPPATH": str(directory),
    }
    program = str(source / "stepinit")
    ran([go, "build", "-o", program, "."], cwd=source, env=environment)
    directory.mkdir()
    ran([program, PASSPHRASE.decode()], cwd=directory, env=environment)


def _write_step_key(path: Path, key: ec.EllipticCurvePrivateKey, passphrase: bytes | None) -> None:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, protection))
    path.chmod(0o600)


def _step_certificate(
    cn: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    path_length: int,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usages = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False)
    usages |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
    return (
        x509.CertificateBuilder(not_valid_before=now, not_valid_after=now + timedelta(days=3650))
        .subject_name(dn(cn=cn))
        .issuer_name(issuer.subject if issuer else dn(cn=cn))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usages), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
