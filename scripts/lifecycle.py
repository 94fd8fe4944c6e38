"""Measure what easycert costs once a directory is large, each beside the physical floor of the same work.

The floor is the least that any program with the same library must do: read and parse every file, make and sign that
many certificates, build a CRL of that many entries. It is timed as a process of its own, in turn with easycert, and the
ratio is that of two neighbours. Peak memory is the largest that the process had, as the operating system tells it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CA = "benchca"
#: Renewing is measured over this many certificates, listing and the like over ``--certificates``.
RENEWED = 1000

#: Fills hosts/ with certificates that the CA signed, as fast as the library can; argv: certdir, count, with keys.
FILL = """
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

certdir, count, keys = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "keys"
ca = x509.load_pem_x509_certificate((certdir / "cas/benchca.crt").read_bytes())
ca_key = s.load_pem_private_key((certdir / "cas/benchca.key").read_bytes(), None)
ski = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
shared = [
    (x509.BasicConstraints(False, None), True),
    (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False),
]
(certdir / "hosts").mkdir(mode=0o700, exist_ok=True)
begin = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=300)
for number in range(count):
    name, key = f"h{number}.bench.test", ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        ca.subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key(),
        x509.random_serial_number(),
    ).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=397, seconds=-1))
    for extension, critical in [
        *shared,
        (x509.SubjectAlternativeName([x509.DNSName(name)]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]:
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(ca_key, hashes.SHA256())
    (certdir / "hosts" / f"{name}.crt").write_bytes(certificate.public_bytes(s.Encoding.PEM))
    if keys:
        path = certdir / "hosts" / f"{name}.key"
        path.touch(0o600)
        path.write_bytes(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
"""

#: Writes a CRL of the CA with that many entries; argv: certdir, count.
CRL = """
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as s

certdir, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
ca = x509.load_pem_x509_certificate((certdir / "cas/benchca.crt").read_bytes())
key = s.load_pem_private_key((certdir / "cas/benchca.key").read_bytes(), None)
ski = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
reason = x509.CRLReason(x509.ReasonFlags.superseded)
why = [x509.Extension(reason.oid, False, reason)]
entry = lambda: x509.RevokedCertificateBuilder(x509.random_serial_number(), now, why)
builder = x509.CertificateRevocationListBuilder(
    ca.subject, now, now + datetime.timedelta(days=30), revoked_certificates=[entry().build() for _ in range(count)]
).add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False)
crl = builder.add_extension(x509.CRLNumber(int(now.timestamp())), False).sign(key, hashes.SHA256())
path = pathlib.Path(sys.argv[3])
path.parent.mkdir(mode=0o700, exist_ok=True)
path.write_bytes(crl.public_bytes(s.Encoding.PEM))
"""

#: The floor of everything that looks at all certificates: read each file and parse it; argv: certdir.
PARSE = """
import os, sys
from cryptography import x509

folder = os.path.join(sys.argv[1], "hosts")
for name in os.listdir(folder):
    if name.endswith(".crt"):
        with open(os.path.join(folder, name), "rb") as file:
            x509.load_pem_x509_certificate(file.read())
"""


class Cost(NamedTuple):
    """What one process cost: seconds from start to reaped, and its peak memory in MiB."""

    seconds: float
    mebibytes: float


class Job(NamedTuple):
    """Work that is measured: easycert's command, the floor's, and what puts the ground back before each run."""

    name: str
    command: list[str]
    floor_name: str
    floor: list[str]
    prepare: Callable[[], None]


class Figure(NamedTuple):
    """What came out for one job: medians, and the median of the ratios of neighbours."""

    name: str
    seconds: float
    mebibytes: float
    floor: str
    floor_seconds: float
    ratio: float

    def __str__(self) -> str:
        """Return the figure as one line of the table."""
        own = f"{self.name:34}{self.seconds:8.2f} s {self.mebibytes:7.0f} MiB"
        return f"  {own} {self.ratio:7.2f}x of {self.floor} ({self.floor_seconds:.2f} s)"


class Ground:
    """The certificate directories that the jobs work on, and who works."""

    def __init__(self, python: Path, scratch: Path, certificates: int) -> None:
        self.python = str(python)
        self.easycert = str(python.parent / "easycert")
        self.count = certificates
        self.large, self.small = scratch / "large", scratch / "small"
        self._saved = scratch / "saved"

    def prepare(self) -> None:
        """Make the directories: one with many certificates, one with a thousand that have keys and are due."""
        for certdir, count, keys in ((self.large, self.count, "none"), (self.small, RENEWED, "keys")):
            self.run([self.easycert, "ca", CA, "-q", "--certdir", str(certdir)])
            self.run([self.python, "-c", FILL, str(certdir), str(count), keys])
            self.run([self.easycert, "ledger", "rebuild", "-q", "--certdir", str(certdir)])
        shutil.copytree(self.small, self._saved)

    def jobs(self) -> list[Job]:
        """Return what is measured."""
        large = ["--certdir", str(self.large)]
        parse = [self.python, "-c", PARSE, str(self.large)]
        crl = self.large / "crls" / f"{CA}.crl"
        entries = [self.python, "-c", CRL, str(self.large), str(self.count)]
        count = f"{self.count:,}"
        return [
            Job(
                f"ledger rebuild, {count}", [self.easycert, "ledger", "rebuild", "-q", *large], "parsing", parse, _leave
            ),
            Job(f"list, {count}", [self.easycert, "list", *large], "parsing", parse, _leave),
            Job(f"check, {count}", [self.easycert, "check", "--exit-zero", *large], "parsing", parse, _leave),
            Job(
                f"crl, {count} entries",
                [self.easycert, "crl", CA, *large],
                "building it anew",
                [*entries, str(self.large.with_name("floor.crl"))],
                lambda: self.run([*entries, str(crl)]),
            ),
            Job(
                f"renew, {RENEWED:,} with new keys",
                [self.easycert, "renew", "--within", "200d", "--due", "-q", "--certdir", str(self.small)],
                "signing and writing",
                [self.python, "-c", FILL, str(self._saved), str(RENEWED), "keys"],
                self._small_again,
            ),
        ]

    def run(self, command: list[str]) -> None:
        """Run a command of the preparation. Raises RuntimeError when it fails."""
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr or done.stdout}")

    def _small_again(self) -> None:
        shutil.rmtree(self.small)
        shutil.copytree(self._saved, self.small)


def _leave() -> None:
    """Leave the ground as it is."""


def environment() -> dict[str, str]:
    """Return our environment without what would keep Python from using bytecode or point easycert elsewhere."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "SYN_CERT_DIR")
    return {key: value for key, value in os.environ.items() if key not in dropped and not key.startswith("EASYCERT_")}


def cost(command: list[str]) -> Cost:
    """Return what *command* cost. Raises RuntimeError when it fails."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        streams = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]
        began = time.perf_counter()
        child = os.posix_spawn(command[0], command, environment(), file_actions=streams)
        _, status, usage = os.wait4(child, 0)
    finally:
        os.close(null)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(time.perf_counter() - began, kibibytes / 1024)


def figure(job: Job, runs: int) -> Figure:
    """Run floor and job in turn and return the medians."""
    pairs = []
    for _ in range(runs):
        floor = cost(job.floor)
        job.prepare()
        pairs.append((floor, cost(job.command)))
    return Figure(
        job.name,
        statistics.median(own.seconds for _, own in pairs),
        max(own.mebibytes for _, own in pairs),
        job.floor_name,
        statistics.median(floor.seconds for floor, _ in pairs),
        statistics.median(own.seconds / floor.seconds for floor, own in pairs),
    )


def measure(python: Path, scratch: Path, certificates: int, runs: int) -> list[Figure]:
    """Return the figures of every job. Raises RuntimeError when easycert fails."""
    ground = Ground(python, scratch, certificates)
    ground.prepare()
    return [figure(job, runs) for job in ground.jobs()]
