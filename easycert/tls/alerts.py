"""TLS alerts: what the other side says when it gives up, and what it means by it (RFC 8446 section 6, RFC 5246 7.2)."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """One alert: its number, its name in the RFC, what it means as a fragment after "the server", and the source."""

    number: int
    name: str
    meaning: str
    section: str


_RFC8446 = "RFC 8446 6.2"
_ALERTS = (
    Alert(0, "close_notify", "ended the connection in good order", "RFC 8446 6.1"),
    Alert(10, "unexpected_message", "got a message that did not belong there", _RFC8446),
    Alert(20, "bad_record_mac", "could not decrypt what it got", _RFC8446),
    Alert(22, "record_overflow", "got a record that is too long", _RFC8446),
    Alert(40, "handshake_failure", "found no common ground, or wants a certificate that it did not get", _RFC8446),
    Alert(41, "no_certificate", "has no certificate to offer", "RFC 5246 7.2.2"),
    Alert(42, "bad_certificate", "found the certificate damaged, or its signature wrong", _RFC8446),
    Alert(43, "unsupported_certificate", "does not take a certificate of this kind or for this use", _RFC8446),
    Alert(44, "certificate_revoked", "says that the certificate was revoked", _RFC8446),
    Alert(45, "certificate_expired", "says that the certificate expired or is not valid yet", _RFC8446),
    Alert(46, "certificate_unknown", "does not accept the certificate, and does not say why", _RFC8446),
    Alert(47, "illegal_parameter", "got something that contradicts itself", _RFC8446),
    Alert(48, "unknown_ca", "does not trust the CA of the certificate, or lacks one in between", _RFC8446),
    Alert(49, "access_denied", "knows the certificate and lets its owner not in", _RFC8446),
    Alert(50, "decode_error", "could not read a message", _RFC8446),
    Alert(51, "decrypt_error", "could not verify a signature of the handshake", _RFC8446),
    Alert(70, "protocol_version", "speaks no version of TLS that was offered", _RFC8446),
    Alert(71, "insufficient_security", "finds what was offered too weak", _RFC8446),
    Alert(80, "internal_error", "failed for a reason of its own; its log tells", _RFC8446),
    Alert(86, "inappropriate_fallback", "was offered less than both can do", _RFC8446),
    Alert(90, "user_canceled", "was told to give up", "RFC 8446 6.1"),
    Alert(100, "no_renegotiation", "does not negotiate again", "RFC 5246 7.2.2"),
    Alert(109, "missing_extension", "misses something that the handshake must have", _RFC8446),
    Alert(110, "unsupported_extension", "got an extension that it did not ask for", _RFC8446),
    Alert(112, "unrecognized_name", "serves no host of that name (SNI)", "RFC 6066 3"),
    Alert(113, "bad_certificate_status_response", "got an OCSP response that is no good", "RFC 6066 8"),
    Alert(115, "unknown_psk_identity", "does not know the shared key", _RFC8446),
    Alert(116, "certificate_required", "wants a client certificate and got none", _RFC8446),
    Alert(120, "no_application_protocol", "speaks none of the protocols that were offered (ALPN)", "RFC 7301 3.2"),
)
#: Every alert by its number.
ALERTS: dict[int, Alert] = {alert.number: alert for alert in _ALERTS}
CLOSE_NOTIFY, HANDSHAKE_FAILURE, UNRECOGNIZED_NAME, USER_CANCELED, CERTIFICATE_REQUIRED = 0, 40, 112, 90, 116


def alert_of(number: int) -> Alert:
    """Return the alert of this *number*; one that no RFC names is called by its number."""
    return ALERTS.get(number) or Alert(number, f"alert {number}", "gave up for a reason that no RFC names", _RFC8446)
