"""The subcommands: name, where it is implemented, and its line of help; nothing is imported before it is used."""

from __future__ import annotations

from easycert.model import Value


class Command(Value):
    """One subcommand: the module and function behind it, its panel in the overview, and one line of help."""

    module: str
    function: str
    panel: str
    help: str


_MAKE = "Make"
_REQUEST = "Requests"
_RENEW = "Renew"
_REVOKE = "Revoke"
_LOOK = "Look"
_USE = "Use"
_TRUST = "Trust"
_KEEP = "Keep"

#: Set by a shell that asks for completions.
COMPLETION_VARIABLE = "_EASYCERT_COMPLETE"

COMMANDS: dict[str, Command] = {
    "ca": Command("issue", "ca", _MAKE, "Make certificate authorities: roots, or intermediates with --signas."),
    "host": Command("issue", "host", _MAKE, "Make host (server) certificates."),
    "user": Command("issue", "user", _MAKE, "Make user (client) certificates."),
    "code": Command("issue", "code", _MAKE, "Make code-signing certificates."),
    "csr": Command("csr", "app", _REQUEST, "Make a key and a signing request for another CA to sign."),
    "sign": Command("csr", "sign", _REQUEST, "Sign a certificate signing request."),
    "import": Command("importing", "import_", _REQUEST, "Bring in certificates, keys and PKCS#12 files, checked."),
    "renew": Command("renew", "renew", _RENEW, "Renew certificates that are named, or due."),
    "revoke": Command("revoke", "revoke", _REVOKE, "Revoke certificates, and publish the CRL that says so."),
    "crl": Command("revoke", "crl", _REVOKE, "Publish the CRL of a CA, or those that are due."),
    "ocsp": Command("ocsp", "app", _REVOKE, "Answer OCSP requests from what CRL and ledger know."),
    "ocsp-signer": Command("ocsp", "ocsp_signer", _REVOKE, "Make the certificate that answers OCSP for a CA."),
    "status": Command("status", "status", _LOOK, "Show at a glance what needs doing."),
    "list": Command("listing", "list_", _LOOK, "List the certificates of the directory."),
    "tree": Command("listing", "tree", _LOOK, "Show what each CA has signed."),
    "show": Command("inspect", "show", _LOOK, "Show a certificate, key, request, CRL or PKCS#12 file."),
    "verify": Command("verify", "verify", _LOOK, "Verify a certificate; every reason is named."),
    "lint": Command("lint", "lint", _LOOK, "Hold certificates and CRLs against the standards, rule by rule."),
    "ledger": Command("ledger", "app", _LOOK, "Audit, export or make again the record of every certificate."),
    "check": Command("check", "check", _LOOK, "Say what ends soon, and fail if something does."),
    "doctor": Command("doctor", "doctor", _LOOK, "Say which clients refuse what is here, why, and what mends it."),
    "export": Command("exporting", "export", _USE, "Write certificates where programs read them, and keep them fresh."),
    "https": Command("https", "https", _USE, "Make the HTTPS pair of a service, such as a Synapse cell."),
    "tls": Command("tls", "app", _USE, "Try TLS with the certificates that are here: tls serve URL."),
    "probe": Command("probe", "probe", _USE, "Ask a TLS server who it is, and whether it takes us."),
    "explain": Command("explain", "explain", _USE, "Explain an error about certificates that some program printed."),
    "trust": Command("trust", "app", _TRUST, "Have this machine's programs trust a CA, or see which do."),
    "run": Command("run", "app", _TRUST, "Run a command that trusts the CAs here, or a throw-away PKI."),
    "env": Command("environment", "env", _TRUST, "Print the variables by which programs trust the CAs."),
    "backup": Command("backup", "backup", _KEEP, "Back up a service's directory, live, or verify a backup."),
    "restore": Command("backup", "restore", _KEEP, "Restore a backup to a new directory, checked as it is copied."),
}
