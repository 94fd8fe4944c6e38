"""An error text is explained by the most telling thing that it says, and no text makes that slow or unsafe."""

from __future__ import annotations

import ctypes
import ctypes.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easycert.cli.app import application
from easycert.cli.table import COMMANDS
from easycert.pki.explain import openssl
from easycert.pki.explain.causes import CAUSES
from easycert.pki.explain.mentions import mentions
from easycert.pki.explain.search import PHRASES, TEXT_MAX, matches
from easycert.recipes import catalogue
from easycert.tls.alerts import ALERTS

#: What programs print, as it was printed, and its cause.
PRINTED = {
    "curl: (60) SSL certificate problem: unable to get local issuer certificate\n"
    "More details here: https://curl.se/docs/sslcerts.html": "unknown-ca",
    "verify error:num=20:unable to get local issuer certificate\nverify error:num=21:unable to verify the first "
    "certificate\nVerify return code: 21 (unable to verify the first certificate)": "unknown-ca",
    "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, "
    "certificate is not valid for 'a.example'. (_ssl.c:1006)": "wrong-host",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)": "verification-failed",
    "requests.exceptions.SSLError: HTTPSConnectionPool(host='a.example', port=443): Max retries exceeded with url: / "
    "(Caused by SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')))": "not-tls",
    'Get "https://a.example/": tls: failed to verify certificate: x509: certificate signed by unknown authority': (
        "unknown-ca"
    ),
    "x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is before "
    "2027-01-01T00:00:00Z": "not-yet-valid",
    'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying '
    'to verify candidate authority certificate "root")': "bad-signature",
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath."
    "SunCertPathBuilderException: unable to find valid certification path to requested target": "unknown-ca",
    "Caused by: java.security.cert.CertPathValidatorException: validity check failed\n"
    "Caused by: java.security.cert.CertificateNotYetValidException: NotBefore: Mon": "not-yet-valid",
    "Error: unable to verify the first certificate\n  code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'": "missing-intermediate",
    "Error: self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca\n"
    "  code: 'DEPTH_ZERO_SELF_SIGNED_CERT'": "self-signed",
    "NET::ERR_CERT_AUTHORITY_INVALID": "unknown-ca",
    "Error code: SSL_ERROR_RX_RECORD_TOO_LONG": "not-tls",
    "Error code: SEC_ERROR_REUSED_ISSUER_AND_SERIAL": "reused-serial",
    "fatal: unable to access 'https://a.example/x.git/': server certificate verification failed. CAfile: none "
    "CRLfile: none": "verification-failed",
    "- Status: The certificate is NOT trusted. The certificate issuer is unknown.\n*** PKI verification of server "
    "certificate failed...": "unknown-ca",
    "- Status: The certificate is NOT trusted. The certificate contains an unknown critical extension.\n": (
        "critical-extension"
    ),
    "error: invalid peer certificate: UnknownIssuer": "unknown-ca",
    "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))": "self-signed",
    "synapse.exc.BadCertVerify: mesg='certificate revoked'": "revoked",
    "synapse.exc.LinkErr: Server cert does not match pinned certhash=aa.": "pinned",
    "The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot": "untrusted-root",
    "schannel: next InitializeSecurityContext failed: SEC_E_UNTRUSTED_ROOT (0x80090325)": "untrusted-root",
    "400 No required SSL certificate was sent": "client-cert-required",
    "SSL_do_handshake() failed (SSL: error:0A000412:SSL routines::sslv3 alert bad certificate:SSL alert number 42)": (
        "client-cert-refused"
    ),
    "tlsv13 alert certificate required": "client-cert-required",
    "remote error: tls: unknown certificate authority": "client-ca-unknown",
    'FATAL:  could not load private key file "server.key": key values mismatch': "key-mismatch",
    'FATAL:  private key file "server.key" has group or world access': "bad-file",
    'psql: error: server certificate for "a" does not match host name "b"': "wrong-host",
    "wget: ERROR: no certificate subject alternative name matches\n\trequested host name 'a.example'.": "wrong-host",
}


@pytest.mark.parametrize(("text", "cause"), PRINTED.items(), ids=lambda item: item[:40])
def test_what_programs_print_is_explained(text: str, cause: str) -> None:
    assert matches(text)[0].cause.name == cause


def test_every_phrase_is_found_and_means_its_cause() -> None:
    for phrase in PHRASES:
        text = phrase.text.replace(" ... ", " something else ").upper()
        assert matches(f"error: {text}, they said")[0].cause.name == phrase.cause, phrase


def test_every_cause_is_meant_by_something_and_says_where_its_rule_is() -> None:
    assert {phrase.cause for phrase in PHRASES} == set(CAUSES)
    for cause in CAUSES.values():
        assert cause.what.endswith(".")
        assert cause.section.startswith(("RFC ", "CA/B Forum BR ", "Apple "))
        assert cause.fixes


@pytest.mark.real
def test_every_verification_error_of_this_openssl_is_explained() -> None:
    library = ctypes.util.find_library("crypto")
    if library is None:
        pytest.skip("there is no libcrypto")
    told = ctypes.CDLL(library).X509_verify_cert_error_string
    told.restype = ctypes.c_char_p
    texts = {number: told(number).decode() for number in range(1, 95)}
    unknown = {
        number: text
        for number, text in texts.items()
        if number not in (17, 95) and "unknown" not in text.lower() and not matches(text)
    }
    assert not unknown
    for number, cause in openssl.VERIFY_NUMBERS.items():
        assert matches(texts[number])[0].cause.name == cause, number


def test_every_alert_about_certificates_is_explained_as_openssl_writes_it() -> None:
    for alert in ALERTS.values():
        if 42 <= alert.number <= 48 or alert.number in (40, 70, 112, 116, 120):
            assert matches(f"SSL routines::tlsv1 alert {alert.name.replace('_', ' ')}"), alert.name


def test_every_command_that_is_advised_is_one_of_easycerts() -> None:
    for cause in CAUSES.values():
        for fix in cause.fixes:
            words = fix.command.split()
            assert not words or words[0] in ("easycert", "date"), fix
            if words[:1] == ["easycert"] and words[1] != "run":  # what it runs has options of its own
                assert words[1] in COMMANDS, fix
                options = _options(words[1], words[-1] if len(words) == 2 else words[2])
                assert {word for word in words if word.startswith("--") and word != "--"} <= options, fix
                if "--for" in words and (recipe := words[words.index("--for") + 1]).islower():
                    assert recipe in catalogue.names(), fix


def _options(name: str, second: str) -> set[str]:
    command = application().get_command(None, name)
    group = getattr(command, "commands", {})
    found = group.get(second, command)
    return {option for parameter in found.params for option in parameter.opts}


# --- whom it mentions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("HTTPSConnectionPool(host='a.example', port=8443): Max retries", "a.example", 8443),
        ("certificate is not valid for 'a.example'. (_ssl.c:1006)", "a.example", None),
        ("IP address mismatch, certificate is not valid for '127.0.0.1'.", "127.0.0.1", None),
        ("no alternative certificate subject name matches target host name 'a.example'", "a.example", None),
        ("x509: certificate is valid for b.example, c.example, not a.example", "a.example", None),
        ('Get "https://a.example:8443/x": x509: certificate signed by unknown authority', "a.example", 8443),
        ('Get "https://[::1]:8443/x": x509: certificate signed by unknown authority', "::1", 8443),
        ("No subject alternative DNS name matching a.example found.", "a.example", None),
        ("Host: a.example. is not in the cert's altnames: DNS:b.example", "a.example", None),
        ("unable to access 'https://bob@a.example/x.git/': server certificate", "a.example", None),
        ("requested host name 'A.Example'.", "a.example", None),
        ("SSL certificate problem: x. More details here: https://curl.se/docs/sslcerts.html", None, None),
        ("certificate not valid for name \u201ca.example\u201d; certificate is only valid for b", "a.example", None),
        ("host www does not verify: does not name a.example, only b.example [RFC 9525 6]", "a.example", None),
        ("port 99999", None, None),
    ],
)
def test_the_host_is_taken_from_the_text(text: str, host: str | None, port: int | None) -> None:
    found = mentions(text)
    assert (found.host, found.port) == (host, port)


def test_a_name_that_the_certificate_has_is_taken_from_the_text() -> None:
    assert mentions("x509: certificate is valid for b.example, not a.example").certified == "b.example"
    assert mentions("is not in the cert's altnames: DNS:b.example, DNS:c").certified == "b.example"


# --- hostile texts ----------------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_any_text_is_explained_or_not(text: str) -> None:
    for match in matches(text):
        assert match.cause.name in CAUSES
    host = mentions(text).host
    assert host is None or set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789_*.:-")


@given(st.sampled_from(PHRASES), st.text(max_size=30), st.text(max_size=30))
def test_a_known_phrase_is_found_whatever_stands_around_it(phrase: object, before: str, behind: str) -> None:
    text = phrase.text.replace(" ... ", " ")  # type: ignore[attr-defined]
    assert matches(f"{before} \n{text}\t {behind}")


@pytest.mark.parametrize(
    "piece",
    [
        "valid for ",
        "valid for a, not",
        "https://",
        "https://a@",
        "host='",
        "certificate ",
        "a.",
        "not valid for 'a",
        "x509: certificate has expired or is not yet valid: ",
        "\0",
        "port=",
        "dial tcp ",
    ],
)
def test_no_text_is_slow_by_its_form(piece: str) -> None:
    text = piece * (2 * TEXT_MAX // len(piece))  # a pattern that went back and forth would not come to an end
    matches(text)
    mentions(text)


def test_of_a_text_that_is_too_long_the_beginning_and_the_end_count() -> None:
    filler = "x " * TEXT_MAX
    assert matches(f"certificate has expired {filler}")[0].cause.name == "expired"
    assert matches(f"{filler} certificate has expired")[0].cause.name == "expired"
    assert not matches(f"{filler} certificate has expired {filler}")


def test_what_is_part_of_a_longer_word_or_number_is_not_meant() -> None:
    assert not matches("verify error:num=2000")
    assert not matches("xcertificate has expiredx")


@pytest.mark.parametrize("text", ["", "hello", "the weather is fine", "error 500", "permission denied"])
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert matches(text) == ()
