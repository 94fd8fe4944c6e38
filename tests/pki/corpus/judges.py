"""Other verifiers, asked the question of a case: True, False, or None where they cannot be asked."""

from __future__ import annotations

import ipaddress
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, mldsa
from cryptography.x509 import verification

from easycert.pki.identity import host_reference
from easycert.pki.rules import Purpose
from tests.pki.chainmaker import pem
from tests.pki.corpus.case import AT, Case

_OPENSSL_PURPOSES = {Purpose.SERVER: "sslserver", Purpose.CLIENT: "sslclient", Purpose.ANY: "any"}
_GNUTLS_PURPOSES = {
    Purpose.SERVER: "1.3.6.1.5.5.7.3.1",
    Purpose.CLIENT: "1.3.6.1.5.5.7.3.2",
    Purpose.CODE: "1.3.6.1.5.5.7.3.3",
}
_NEW_KEYS = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)


def reference(case: Case) -> str | None:
    """Return the host as a client would look for it."""
    return None if case.host is None else str(host_reference(case.host))


def openssl(case: Case, program: str, folder: Path) -> tuple[bool | None, str]:
    """Ask ``openssl verify -x509_strict``, at a security level of 112 bits, and trusting anchors as they stand."""
    if case.purpose not in _OPENSSL_PURPOSES or _is_new(case):
        return None, ""
    command = [program, "verify", "-x509_strict", "-partial_chain", "-auth_level", "2", "-no-CApath", "-no-CAstore"]
    command += ["-purpose", _OPENSSL_PURPOSES[case.purpose], "-attime", str(int(case.at.timestamp()))]
    command += ["-policy_check", "-policy", "2.5.29.32.0"]
    host = reference(case)
    if host is not None:
        command += ["-verify_ip" if _is_address(host) else "-verify_hostname", host]
    if case.email is not None:
        command += ["-verify_email", case.email]
    if case.max_depth is not None:
        command += ["-verify_depth", str(case.max_depth)]
    (folder / "anchors").write_bytes(pem(*case.anchors))
    command += ["-CAfile", "anchors"]
    if case.pile:
        (folder / "pile").write_bytes(pem(*case.pile))
        command += ["-untrusted", "pile"]
    if case.crls:
        (folder / "crls").write_bytes(pem(*case.crls))
        command += ["-crl_check_all", "-extended_crl", "-use_deltas", "-CRLfile", "crls"]
    elif case.require_crl:
        command += ["-crl_check_all"]
    (folder / "leaf").write_bytes(pem(case.leaf))
    done = subprocess.run([*command, "leaf"], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


def gnutls(case: Case, program: str, folder: Path) -> tuple[bool | None, str]:
    """Ask ``certtool --verify``, which knows no time but now, and no CRLs."""
    if case.at != AT or case.crls or case.require_crl or case.max_depth is not None or _is_new(case):
        return None, ""
    (folder / "anchors").write_bytes(pem(*case.anchors))
    (folder / "chain").write_bytes(pem(case.leaf, *case.pile))
    command = [program, "--verify", "--load-ca-certificate", "anchors", "--infile", "chain"]
    if case.purpose in _GNUTLS_PURPOSES:
        command += ["--verify-purpose", _GNUTLS_PURPOSES[case.purpose]]
    host = reference(case)
    if host is not None:
        command += ["--verify-hostname", case.host if host.isascii() and not _is_address(host) else host]  # type: ignore[list-item]
    elif case.email is not None:
        command += ["--verify-email", case.email]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


def cryptography(case: Case) -> tuple[bool | None, str]:
    """Ask cryptography's verifier for servers or clients."""
    if case.purpose not in (Purpose.SERVER, Purpose.CLIENT) or case.crls or case.require_crl or case.email:
        return None, ""
    builder = verification.PolicyBuilder().store(verification.Store(list(case.anchors)))
    builder = builder.time(case.at.replace(tzinfo=None)).max_chain_depth(
        16 if case.max_depth is None else case.max_depth
    )
    host = reference(case)
    try:
        if case.purpose is Purpose.CLIENT:
            builder.build_client_verifier().verify(case.leaf, list(case.pile))
        elif host is None:
            return None, ""
        elif _is_address(host):
            builder.build_server_verifier(x509.IPAddress(ipaddress.ip_address(host))).verify(case.leaf, list(case.pile))
        else:
            builder.build_server_verifier(x509.DNSName(host)).verify(case.leaf, list(case.pile))
    except verification.VerificationError as error:
        return False, str(error)
    except ValueError as error:  # a name that it does not take
        return False, str(error)
    return True, ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_new(case: Case) -> bool:
    """Return whether ML-DSA is about, which OpenSSL reads from 3.5 on and GnuTLS from 3.8.9 on."""
    for certificate in (case.leaf, *case.pile, *case.anchors):
        try:
            if isinstance(certificate.public_key(), _NEW_KEYS):
                return True
        except ValueError:
            continue
    return False


def has_edwards_authority(case: Case) -> bool:
    """Return whether a CA signs with Ed25519 or Ed448, which cryptography's verifier does not take."""
    keys = (certificate.public_key() for certificate in (*case.pile, *case.anchors))
    return any(isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) for key in keys)
