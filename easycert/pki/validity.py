"""Validity periods: what people write, and the two instants that a certificate carries (RFC 5280 section 4.1.2.5).

All datetimes are aware and in UTC, with whole seconds, as X.509 stores them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from easycert.errors import InvalidInput
from easycert.model import Value

#: So that a verifier whose clock is a little behind accepts a certificate made just now (Boulder: up to an hour).
BACKDATE = timedelta(minutes=5)
#: notAfter is inclusive (RFC 5280 section 4.1.2.5): one second less makes 397 days exactly 397 days.
_INCLUSIVE = timedelta(seconds=1)
_DURATION = r"([0-9]{1,6}) ?([smhdwy])"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
#: "No well-defined expiration" (RFC 5280 section 4.1.2.5).
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Validity(Value):
    """The period in which a certificate is valid; both ends are included."""

    not_before: datetime
    not_after: datetime

    def clamped_to(self, latest: datetime) -> Validity:
        """Return the period, ending no later than *latest* (the end of the issuer's own validity)."""
        return Validity(self.not_before, min(self.not_after, latest))


class When(Value):
    """A point in time as a person wrote it: an instant, or a distance from now."""

    instant: datetime | None
    distance: timedelta | None

    def resolve(self, now: datetime) -> datetime:
        """Return the instant, seen from *now*. Raises InvalidInput when it lies beyond the year 9999."""
        if self.instant:
            return self.instant
        try:
            return now + (self.distance or timedelta())
        except OverflowError:
            raise InvalidInput("time", str(self.distance), "lies beyond the year 9999") from None


def parse_when(text: str) -> When:
    """Parse ``90d``, ``12h``, ``1y``, ``2027-03-15`` or an RFC 3339 time; without an offset it is UTC.

    Raises InvalidInput.
    """
    match = re.fullmatch(_DURATION, text.strip(), re.IGNORECASE)
    if match:
        return When(None, timedelta(seconds=int(match[1]) * _SECONDS[match[2].lower()]))
    try:
        instant = datetime.fromisoformat(text.strip())
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput("time", text, "is not like 90d, 12h, 1y, 2027-03-15 or 2027-03-15T12:00:00Z") from None
    return When(instant.replace(microsecond=0), None)


def days(count: int) -> When:
    """Return the point in time *count* days from now. Raises InvalidInput unless it is positive."""
    if not 0 < count <= 366 * 8000:
        raise InvalidInput("number of days", str(count), "must be positive and end before the year 9999")
    return When(None, timedelta(days=count))


def period(now: datetime, end: When, start: When | None = None) -> Validity:
    """Return the validity from *start* (by default just before *now*) to *end*. Raises InvalidInput when it is empty.

    A distance in *end* counts from the start of the period, so that ``90d`` is ninety days long.
    """
    now = now.astimezone(UTC).replace(microsecond=0)
    begin = start.resolve(now) if start else now
    until = end.resolve(begin)
    validity = Validity(begin if start else begin - BACKDATE, until - (timedelta() if end.instant else _INCLUSIVE))
    if validity.not_after < now:
        raise InvalidInput("validity", rfc3339(validity.not_after), "has ended already")
    if validity.not_after <= validity.not_before or validity.not_after > LATEST or validity.not_before.year < 1950:
        shown = f"{rfc3339(validity.not_before)} to {rfc3339(validity.not_after)}"
        raise InvalidInput("validity", shown, "is empty or cannot be written into a certificate")
    return validity


def is_due(not_before: datetime, not_after: datetime, now: datetime, within: timedelta | None = None) -> bool:
    """Return whether it is time to renew what is valid from *not_before* to *not_after*.

    That is when a third of its life or less is left (which counts for ninety days as for ten years), or with *within*
    when it ends so soon; what has expired is due. The one place that decides, for renewal, status and doctor alike.
    """
    return not_after - now <= ((not_after - not_before) / 3 if within is None else within)


def rfc3339(instant: datetime) -> str:
    """Return an instant as text: ``2027-03-15T12:00:00Z``."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(timespec="seconds")[:19] + "Z"  # strftime: no year 0001
