"""Why certificates, CRLs and files of them are refused."""

from __future__ import annotations

from easycert.pki.explain.values import Cause, Fix

_LOOK = Fix("asks the server itself, and names the certificate, the rule and the file", "easycert probe {place}")
_RENEW = Fix("makes the successor; the server must read it then", "easycert renew {name}")
_FULL_CHAIN = Fix(
    "what the server must serve: its certificate and the CAs between", "easycert export {name} --for fullchain"
)
_DOCTOR = Fix("says which clients refuse what, and what mends it", "easycert doctor {name}")
_AGAIN = Fix("makes the certificate anew, with a new key", "easycert host {name} --signas {ca} --force")
_CRL = Fix("publishes the CRL of the CA anew", "easycert crl {ca}")
_SHOW = Fix("tells what a file really holds", "easycert show FILE")
_LINT = Fix("names every rule that the certificate breaks", "easycert lint {name}")

CAUSES = (
    # --- dates
    Cause(
        "expired",
        "A certificate is past its end: the server's own, a CA's above it, or an old copy that the server still has.",
        "RFC 5280 6.1.3 (a)(2)",
        (_RENEW, _LOOK, Fix("says what else ends soon", "easycert check")),
    ),
    Cause(
        "not-yet-valid",
        "A certificate has not begun: one of the two clocks is wrong, or it was made for later.",
        "RFC 5280 6.1.3 (a)(2)",
        (Fix("compare the clocks of both machines", "date -u"), _LOOK),
    ),
    Cause(
        "outside-validity",
        "A certificate is past its end, or has not begun.",
        "RFC 5280 6.1.3 (a)(2)",
        (_LOOK, _RENEW, Fix("compare the clocks of both machines", "date -u")),
    ),
    # --- names
    Cause(
        "wrong-host",
        "The certificate is good, but not for the name that was asked for. Only subject alternative names count.",
        "RFC 9525 6",
        (
            Fix("makes a certificate that has the name", "easycert host {name} --signas {ca} --san {host} --force"),
            Fix(
                "shows for which names it is good, and asks for another one", "easycert probe {place} --servername NAME"
            ),
        ),
    ),
    Cause(
        "no-san",
        "The certificate has a common name only, which no current client looks at.",
        "RFC 9525 2",
        (
            Fix(
                "makes it anew; the name becomes a subject alternative name",
                "easycert host {host} --signas {ca} --force",
            ),
        ),
    ),
    # --- trust
    Cause(
        "unknown-ca",
        "The client found no path to a CA that it trusts: it does not know the root, or the server does not send the "
        "certificate of a CA in between.",
        "RFC 5280 6.1.3 (a)",
        (
            Fix("tells which of the two it is", "easycert probe {place}"),
            Fix("teaches this machine to trust the CA", "easycert trust install {ca} --system"),
            Fix("runs one program that trusts it", "easycert run -- COMMAND"),
            _FULL_CHAIN,
        ),
    ),
    Cause(
        "missing-intermediate",
        "The server sends its own certificate alone, and the client does not know the CA that signed it: one in "
        "between is missing, or the root is not trusted.",
        "RFC 8446 4.4.2",
        (_LOOK, _FULL_CHAIN, Fix("teaches this machine to trust the CA", "easycert trust install {ca} --system")),
    ),
    Cause(
        "untrusted-root",
        "The chain is complete, but the client does not trust the root at its end.",
        "RFC 5280 6.1.1 (d)",
        (
            Fix("teaches this machine to trust the CA", "easycert trust install {ca} --system"),
            Fix("runs one program that trusts it", "easycert run -- COMMAND"),
            _LOOK,
        ),
    ),
    Cause(
        "self-signed",
        "The certificate signed itself and is not trusted as it stands.",
        "RFC 5280 6.1.3 (a)",
        (Fix("gives the host a certificate of a CA", "easycert host {name} --signas {ca} --force"), _LOOK),
    ),
    Cause(
        "not-trusted",
        "The certificate, or the CA above it, is marked as distrusted, or not trusted for this use.",
        "RFC 5280 6.1.1 (d)",
        (_LOOK,),
    ),
    Cause(
        "bad-signature",
        "The key of the CA did not make the signature: the CA was made anew under its old name, or a file was changed.",
        "RFC 5280 6.1.3 (a)(1)",
        (_AGAIN, Fix("says with which CA here it verifies", "easycert verify {name}")),
    ),
    Cause(
        "pinned",
        "The certificate is not the one that was pinned, by its fingerprint or its key.",
        "RFC 7469 2.6",
        (Fix("shows the fingerprint to pin (SHA-256)", "easycert show {name}"), _LOOK),
    ),
    # --- revocation
    Cause(
        "revoked",
        "The certificate, or a CA above it, was taken back by its CA.",
        "RFC 5280 6.3.3 (i)",
        (_AGAIN, Fix("tells when and why", "easycert ledger log {name}")),
    ),
    Cause(
        "crl-missing",
        "Revocation is to be checked, and there is no CRL of the CA that can be used.",
        "RFC 5280 6.3.3",
        (_CRL, Fix("or do not ask for CRLs where none are published")),
    ),
    Cause(
        "crl-stale",
        "The CRL is out of date, so nobody can tell what was revoked since.",
        "RFC 5280 5.1.2.5",
        (_CRL, Fix("publishes, from a timer, what is due", "easycert crl --due")),
    ),
    Cause(
        "crl-unusable",
        "The CRL is not one of this CA, is not for this, or cannot be read.",
        "RFC 5280 6.3.3 (b)-(f)",
        (Fix("shows whose CRL it is", "easycert show FILE"), _CRL),
    ),
    Cause(
        "ocsp",
        "The OCSP response that came along, or that was asked for, is missing, stale or not good.",
        "RFC 6960 3.2",
        (Fix("answers from what CRL and ledger know", "easycert ocsp respond REQUEST"), _LOOK),
    ),
    # --- form and use
    Cause(
        "not-a-ca",
        "A certificate stands where a CA must, and is none: its basicConstraints or its keyUsage do not say so.",
        "RFC 5280 6.1.4 (k), (n)",
        (Fix("gives the CA today's form; it keeps its key and name", "easycert renew {ca}"), _DOCTOR),
    ),
    Cause(
        "path-length",
        "There are more CAs in the path than one of them allows below it, or than the client follows.",
        "RFC 5280 6.1.4 (l)",
        (Fix("makes a CA below which others may stand", "easycert ca NAME --signas {ca} --pathlen 1"), _LOOK),
    ),
    Cause(
        "wrong-purpose",
        "The certificate is for something else: a user's does not serve, a host's does not call, unless it says both; "
        "or what stands above it is not made to sign.",
        "RFC 5280 4.2.1.12",
        (
            Fix("makes one that serves", "easycert host {name} --signas {ca}"),
            Fix("makes one that calls", "easycert user {user} --signas {ca}"),
        ),
    ),
    Cause(
        "name-constraints",
        "A CA above may not sign for this name.",
        "RFC 5280 4.2.1.10",
        (Fix("signs it with another CA", "easycert host {name} --signas CA --force"), _LOOK),
    ),
    Cause(
        "ca-constraints",
        "A CA above may not sign this: not for this name, not with so many CAs below it, or no certificates at all.",
        "RFC 5280 6.1.4",
        (_LOOK, _DOCTOR),
    ),
    Cause(
        "critical-extension",
        "A certificate has a critical extension that the client does not know, so it must refuse it.",
        "RFC 5280 4.2",
        (_LINT, _AGAIN),
    ),
    Cause(
        "strict-form",
        "A certificate breaks a rule of form that strict clients enforce (Python since 3.13, openssl -x509_strict); "
        "CAs of old form are the usual reason.",
        "RFC 5280 4.2.1",
        (Fix("gives the CA today's form; it keeps its key and name", "easycert renew {ca}"), _DOCTOR),
    ),
    Cause(
        "malformed",
        "A certificate cannot be decoded, or says two different things.",
        "RFC 5280 4.1",
        (_LINT, _AGAIN),
    ),
    Cause(
        "invalid",
        "The certificate breaks a rule, and the program does not say which: mostly its use, or the form of its CA.",
        "RFC 5280 6.1",
        (_DOCTOR, _LOOK, _LINT),
    ),
    Cause(
        "weak-key",
        "A key is too short for the client.",
        "CA/B Forum BR 6.1.5",
        (Fix("makes the certificate anew, with P-256", "easycert host {name} --signas {ca} --force"), _DOCTOR),
    ),
    Cause(
        "weak-hash",
        "A signature was made with MD5 or SHA-1, which can be forged.",
        "CA/B Forum BR 7.1.3.2",
        (_RENEW, _DOCTOR),
    ),
    Cause(
        "weak-algorithm",
        "A key is too short, a signature was made with MD5 or SHA-1, or the client does not know the algorithm.",
        "CA/B Forum BR 6.1.5, 7.1.3.2",
        (_DOCTOR, Fix("makes the certificate anew, with P-256", "easycert host {name} --signas {ca} --force")),
    ),
    Cause(
        "key-type",
        "The client does not know this type of key or signature.",
        "RFC 8446 4.2.3",
        (
            Fix("makes it with a key that all know", "easycert host {name} --signas {ca} --key-type ec256 --force"),
            _DOCTOR,
        ),
    ),
    Cause(
        "too-long-life",
        "The certificate is valid for longer than the client allows.",
        "Apple 103769",
        (Fix("makes it for 397 days", "easycert host {name} --signas {ca} --days 397 --force"), _DOCTOR),
    ),
    Cause(
        "transparency",
        "The client wants proof that the certificate is logged in public, which no private CA can give.",
        "RFC 9162 8.1",
        (Fix("tells the browser, by its policy, that the CA is private: a CA that was installed by hand is exempt"),),
    ),
    Cause(
        "reused-serial",
        "Two certificates of this CA have one serial number.",
        "RFC 5280 4.1.2.2",
        (_AGAIN, Fix("shows both", "easycert ledger export --csv")),
    ),
    # --- files
    Cause(
        "key-mismatch",
        "The private key is not that of the certificate beside it.",
        "RFC 5280 4.1.2.7",
        (_SHOW, Fix("writes a pair that belongs together", "easycert export {name} --for pem --to DIR")),
    ),
    Cause(
        "key-locked",
        "The private key, or PKCS#12 file, is encrypted, and the passphrase is missing or wrong.",
        "RFC 8018 6.2",
        (_SHOW, Fix("say it in the program's own setting, or give the program a key without")),
    ),
    Cause(
        "old-encryption",
        "A PKCS#12 file is encrypted in a way that the program does not know, or knows no longer.",
        "RFC 7292 5.1",
        (
            Fix("writes it as new programs read it", "easycert export {name} --for p12 --to DIR"),
            Fix("writes it as old programs read it", "easycert export {name} --for p12 --legacy --to DIR"),
        ),
    ),
    Cause(
        "bad-file",
        "A file of certificates or keys is not there, may not be read, or holds something else than what is expected.",
        "RFC 7468 2",
        (_SHOW, Fix("writes what the program reads", "easycert export {name} --for RECIPE --to DIR")),
    ),
    Cause(
        "no-certificate",
        "The server has no certificate to show, or none for the name that was asked for.",
        "RFC 8446 4.4.2.2",
        (_FULL_CHAIN, _LOOK),
    ),
)
