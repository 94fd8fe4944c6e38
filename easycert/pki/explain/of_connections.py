"""Why connections fail, and why servers refuse clients."""

from __future__ import annotations

from easycert.pki.explain.values import Cause, Fix

_LOOK = Fix("asks the server itself, and names the certificate, the rule and the file", "easycert probe {place}")
_DOCTOR = Fix("says which clients refuse what, and what mends it", "easycert doctor {name}")
_PRESENT = Fix(
    "presents a user's certificate and tells what the server makes of it", "easycert probe {place} --cert {user}"
)
_USER_AGAIN = Fix("makes the user's certificate anew", "easycert user {user} --signas {ca} --force")

CAUSES = (
    # --- client certificates
    Cause(
        "client-cert-required",
        "The server wants a client certificate, and got none.",
        "RFC 8446 4.4.2.4",
        (
            Fix("makes one", "easycert user {user} --signas {ca}"),
            _PRESENT,
            Fix("packs it for browsers", "easycert export {user} --for p12"),
        ),
    ),
    Cause(
        "client-ca-unknown",
        "The other side does not trust the CA of the certificate that it was shown; mostly a server, of a client's.",
        "RFC 8446 6.2",
        (
            _PRESENT,
            Fix("what must be in the server's file of client CAs", "easycert export {ca} --for ca"),
        ),
    ),
    Cause(
        "client-cert-refused",
        "The other side does not accept the certificate that it was shown; mostly a server, of a client's. Its log "
        "tells why.",
        "RFC 8446 6.2",
        (_PRESENT, Fix("judges it as a server does", "easycert verify {user} --purpose client")),
    ),
    Cause(
        "client-cert-expired",
        "The other side says that the certificate which it was shown has expired; mostly a server, of a client's.",
        "RFC 8446 6.2",
        (Fix("makes the successor", "easycert renew {user}"), _PRESENT),
    ),
    Cause(
        "client-cert-revoked",
        "The other side says that the certificate which it was shown was revoked; mostly a server, of a client's.",
        "RFC 8446 6.2",
        (_USER_AGAIN, _PRESENT),
    ),
    Cause(
        "client-cert-missing-here",
        "The program found no certificate or key for the user whom the URL names.",
        "RFC 8446 4.4.2",
        (
            Fix("makes them", "easycert user {user} --signas {ca}"),
            Fix("shows which there are", "easycert list --kind user"),
        ),
    ),
    # --- protocol
    Cause(
        "protocol-version",
        "The two sides have no version of TLS in common; since 2021 only 1.2 and 1.3 may be used.",
        "RFC 8996 5",
        (Fix("tells what the server speaks", "easycert probe {place}"), Fix("allow TLS 1.2 and 1.3 on both sides")),
    ),
    Cause(
        "no-common-ground",
        "The two sides have no cipher, signature or group in common, or the server wants a client certificate and says "
        "it badly.",
        "RFC 8446 6.2",
        (_LOOK, _PRESENT),
    ),
    Cause(
        "weak-parameters",
        "The key exchange or a cipher is too weak for the other side.",
        "RFC 9325 4",
        (_LOOK, Fix("let the server use ECDHE, or DH groups of 2048 bits or more")),
    ),
    Cause(
        "no-such-name",
        "The server serves no host of that name (SNI).",
        "RFC 6066 3",
        (Fix("asks for another name", "easycert probe {place} --servername NAME"),),
    ),
    Cause(
        "no-such-protocol",
        "The two sides have no application protocol in common (ALPN).",
        "RFC 7301 3.2",
        (_LOOK,),
    ),
    Cause(
        "not-tls",
        "One side does not speak TLS there: it is another protocol's port, plain HTTP, or TLS begins after STARTTLS.",
        "RFC 8446 5.1",
        (_LOOK, Fix("begins in the clear", "easycert probe {place} --starttls PROTOCOL")),
    ),
    Cause(
        "handshake-message",
        "A message of the handshake was not as it must be: a proxy in between, or a fault in one of the programs.",
        "RFC 8446 6.2",
        (_LOOK,),
    ),
    Cause(
        "connection-closed",
        "The other side ended the connection in the middle of the handshake without a word; its log tells why. Often "
        "it wants a client certificate, or something in between does not let TLS pass.",
        "RFC 8446 6.1",
        (_LOOK, _PRESENT),
    ),
    Cause("connection-refused", "Nobody listens there.", "RFC 9293 3.5.2", (_LOOK,)),
    Cause("no-answer", "Nobody answers there in time.", "RFC 9293 3.8.3", (_LOOK,)),
    Cause(
        "no-such-host",
        "The name of the host cannot be looked up.",
        "RFC 1034 3.7",
        (
            Fix(
                "asks an address, under the name that the certificate must have",
                "easycert probe ADDRESS:PORT --servername {host}",
            ),
        ),
    ),
    # --- what says no more
    Cause(
        "verification-failed",
        "A certificate was refused, and the text does not say by which rule.",
        "RFC 5280 6.1",
        (_LOOK, _DOCTOR),
    ),
    Cause(
        "tls-failed",
        "A TLS handshake failed, and the text does not say why.",
        "RFC 8446 6.2",
        (_LOOK,),
    ),
)
