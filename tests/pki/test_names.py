"""Names: which texts become one, which are refused, and that a refusal is one sentence (hazards A1 to A17)."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from easycert.errors import EasycertError, InvalidName, InvalidSan, NameLength
from easycert.model import Kind
from easycert.pki.dns import mixed_scripts, unicode_name
from easycert.pki.names import CaName, CodeName, CommonName, HostName, SafeName, SynapseHostName, UserName
from easycert.pki.sans import SanType, SubjectAltName, parse_san, typed_san, unique_sans
from easycert.store import layout

EVERY_NAME = [SafeName, CommonName, SynapseHostName, CaName, CodeName, UserName, HostName]
NARROW_NAMES = [CaName, CodeName, UserName, HostName]
EVERY_PARSER: list[Callable[[str], object]] = [*EVERY_NAME, parse_san]

OUTSIDE = ["../../x", "/etc/x", "a/b", "a\\b", ".", "..", "../x", "x/..", "\\\\host\\share", "C:\\x", "//x"]
INVISIBLE = [
    "root\0.example.com",
    "a\nb",
    "a\n",
    "\na",
    "a\tb",
    "a\rb",
    "\x1b[31mred",
    "a\u202eb",
    "a\u200bb",
    "a\u00adb",
    "\ufeffa",
    "a\u2028b",
    "a\x7fb",
    "a\x9bb",
    "\ud800",
    "\ue000",
]


@pytest.mark.parametrize("text", OUTSIDE)
@pytest.mark.parametrize("name", EVERY_NAME)
def test_A1_a_name_that_could_leave_its_folder_is_refused(name: type[SafeName], text: str) -> None:
    with pytest.raises(InvalidName):
        name(text)


@pytest.mark.parametrize("text", INVISIBLE)
@pytest.mark.parametrize("parse", EVERY_PARSER)
def test_A2_control_and_invisible_characters_are_refused_and_shown_escaped(
    parse: Callable[[str], object], text: str
) -> None:
    with pytest.raises(EasycertError) as refusal:
        parse(text)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "text", [f"{prefix}{text}" for prefix in ("DNS:", "IP:", "email:", "URI:") for text in INVISIBLE]
)
def test_A2_a_prefix_opens_no_way_round(text: str) -> None:
    with pytest.raises(InvalidSan):
        parse_san(text)


@pytest.mark.parametrize("text", ["", " ", "   ", "x" * 300])
@pytest.mark.parametrize("parse", EVERY_PARSER)
def test_A3_an_empty_blank_or_endless_name_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(EasycertError):
        parse(text)


@pytest.mark.parametrize("text", ["x" * 10_000_000, "ü" * 1_000_000, "a." * 1_000_000, "xn--" + "a" * 1_000_000])
@pytest.mark.parametrize("parse", EVERY_PARSER)
def test_A3_a_flood_is_refused_in_one_short_line(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(EasycertError) as refusal:
        parse(text)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(("text", "length"), [("", 0), ("x" * 65, 65), ("ü" * 33, 66)])
def test_A3_a_common_name_says_how_long_it_may_be(text: str, length: int) -> None:
    """RFC 5280 appendix A.1 ub-common-name; Synapse counts UTF-8 bytes."""
    with pytest.raises(NameLength) as refusal:
        CommonName(text)
    assert (refusal.value.length, refusal.value.limit) == (length, 64)


@pytest.mark.parametrize("text", ["x" * 64, "ü" * 32])
def test_A3_64_bytes_are_a_common_name(text: str) -> None:
    assert CommonName(text) == text


def test_A3_the_length_that_counts_is_that_of_the_normalised_name() -> None:
    """U+0958 is decomposed by NFC and doubles in size: 63 bytes in, 126 out."""
    with pytest.raises(NameLength):
        CommonName("\u0958" * 21)


def test_A3_ca_and_plain_user_names_fit_a_common_name() -> None:
    for name in (CaName, CodeName, UserName):
        with pytest.raises(NameLength) as refusal:
            name("x" * 65)
        assert refusal.value.limit == 64


@pytest.mark.parametrize("text", ["-x", "--ca", "-", "--"])
@pytest.mark.parametrize("name", NARROW_NAMES)
def test_A4_a_leading_hyphen_is_refused(name: type[SafeName], text: str) -> None:
    with pytest.raises(InvalidName):
        name(text)


@pytest.mark.parametrize("text", [".hidden", ".easycert", "...", ".x.example.com"])
@pytest.mark.parametrize("name", EVERY_NAME)
def test_A5_a_leading_dot_is_refused(name: type[SafeName], text: str) -> None:
    with pytest.raises(InvalidName):
        name(text)


def test_A6_a_U_label_becomes_its_A_label_and_is_shown_as_written() -> None:
    """RFC 9549 section 2.2: certificates carry A-labels; RFC 5891 makes them."""
    name = HostName("bücher.example")
    assert name == "xn--bcher-kva.example"
    assert name.display == "bücher.example"
    assert name.sans == (SubjectAltName(SanType.DNS, "xn--bcher-kva.example"),)


def test_A6_decomposed_and_composed_spellings_are_one_name() -> None:
    assert HostName("bu\u0308cher.example") == HostName("b\u00fccher.example")
    assert SafeName("jo\u0308rg") == SafeName("j\u00f6rg") == "j\u00f6rg"


def test_A6_sharp_s_is_kept_apart_from_ss() -> None:
    """IDNA2008 made a letter of it; IDNA2003 lost it."""
    assert HostName("faß.example") == "xn--fa-hia.example"


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("p\u0430ypal.example", ("p\u0430ypal",)),  # a Cyrillic a
        ("xn--pypal-4ve.example", ("p\u0430ypal",)),
        ("example.com", ()),
        ("bücher.example", ()),
        ("пример.example", ()),
        ("東京タワー.example", ()),
        ("東京ひらがな.example", ()),
    ],
)
def test_A7_labels_that_mix_scripts_are_found(text: str, mixed: tuple[str, ...]) -> None:
    """UTS 39 section 5.1; a warning, not a refusal: ``HostName`` takes them all."""
    assert mixed_scripts(HostName(text)) == mixed


@pytest.mark.parametrize(
    "text", ["xn--a-.example", "xn--", "xn--.example", "xn--\u00fc.example", "XN--A-.example", "xn--0"]
)
def test_A8_an_A_label_without_a_U_label_is_refused(text: str) -> None:
    """RFC 5890 section 2.3.2.1."""
    with pytest.raises(InvalidName):
        HostName(text)


@pytest.mark.parametrize("text", ["\u2100.com", "\ufdfa.com", "🙂.example", "a\u3002b", "\u0640.example", "\u2488com"])
def test_A8_what_IDNA2008_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        HostName(text)


def test_A8_a_label_that_cannot_be_decoded_is_shown_as_it_stands() -> None:
    assert unicode_name("xn--0.example") == "xn--0.example"


@pytest.mark.parametrize("name", [HostName, UserName])
def test_A9_host_and_user_names_are_lower_cased(name: type[SafeName]) -> None:
    """No two of them differ by case alone, which a case-insensitive file system could not hold."""
    assert name("WWW") == name("www") == "www"


def test_A9_an_email_address_is_lower_cased_in_a_user_name_but_keeps_its_case_in_a_san() -> None:
    """RFC 5321 section 2.4: only the mail host knows whether the case of a local part counts."""
    assert UserName("Alice@Example.COM") == "alice@example.com"
    assert parse_san("email:Alice@Example.COM").value == "Alice@example.com"


def test_A10_a_trailing_dot_is_never_stored() -> None:
    """RFC 9525 section 6.3: names in certificates are written without it."""
    assert HostName("www.example.com.") == "www.example.com"
    assert parse_san("DNS:www.example.com.").value == "www.example.com"
    assert UserName("bob@example.com.") == "bob@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "my_host.example",
        "my host.example",
        "a..b",
        "a..",
        ".",
        "x" * 64 + ".example",
        ".".join(["x" * 63] * 4),
        "-a.example",
        "a-.example",
        "a.-b.example",
        "host:8443",
        "http://host",
        "a@b",
        "a,b",
        "a'b",
        "a;b",
        "$(id).example",
        "a|b",
        "a&b",
        "(a)",
        "%00",
        "a%2fb",
    ],
)
def test_A11_what_DNS_cannot_say_is_refused(text: str) -> None:
    """RFC 1034 section 3.5, RFC 5890 section 2.3.1."""
    with pytest.raises(InvalidName):
        HostName(text)


def test_A11_the_longest_label_and_name_are_accepted() -> None:
    label = "x" * 63
    assert HostName(f"{label}.example") == f"{label}.example"
    longest = ".".join([label, label, label, "x" * 59])
    assert len(HostName(longest)) == 251  # and `.crt` fills NAME_MAX


def test_A11_an_underscore_is_accepted_only_where_it_is_asked_for() -> None:
    assert typed_san(SanType.DNS, "my_host", underscores=True).value == "my_host"
    with pytest.raises(InvalidSan):
        typed_san(SanType.DNS, "my_host")


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*.",
        "*.com",
        "*.*.com",
        "f*.example.com",
        "*f.example.com",
        "a.*.example.com",
        "**.example.com",
        "*.1.2.3.4",
    ],
)
@pytest.mark.parametrize("parse", [HostName, parse_san])
def test_A12_a_wildcard_is_the_whole_leftmost_label_above_two_others(parse: Callable[[str], object], text: str) -> None:
    """RFC 9525 section 6.3."""
    with pytest.raises(EasycertError):
        parse(text)


def test_A12_a_proper_wildcard_is_a_host_name() -> None:
    assert HostName("*.Example.com").sans == (SubjectAltName(SanType.DNS, "*.example.com"),)


@pytest.mark.parametrize(
    "text", ["email:bob@*.example.com", "URI:https://*.example.com/", "*.example.com@*.example.com"]
)
def test_A12_a_wildcard_means_nothing_in_a_mailbox_or_URI(text: str) -> None:
    with pytest.raises(InvalidSan):
        parse_san(text)


@pytest.mark.parametrize(
    ("text", "file_name", "value"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001_db8__1", "2001:db8::1"),
        ("::1", "__1", "::1"),
        ("::", "__", "::"),
    ],
)
def test_A13_an_address_is_an_IP_san_and_a_safe_file_name(text: str, file_name: str, value: str) -> None:
    """RFC 5280 section 4.2.1.6: never a dNSName."""
    name = HostName(text)
    assert name == file_name
    assert name.sans == (SubjectAltName(SanType.IP, value),)
    assert name.display == name.common_name == value


def test_A13_a_file_name_reads_back_as_the_same_address() -> None:
    assert HostName("2001_db8__1").address == HostName("2001:db8::1").address


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/24",
        "2001:db8::/32",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.0x4",
        "0x7f000001",
        "1",
        "fe80::1%eth0",
        "[::1]",
        "1.2.3.4:443",
        "①②⑦.⓪.⓪.①",
        "example.0x7f",
        "example.1",
    ],
)
@pytest.mark.parametrize("parse", [HostName, parse_san])
def test_A13_what_only_looks_like_an_address_is_refused(parse: Callable[[str], object], text: str) -> None:
    """A name that ends in a number is an IPv4 address to some clients (WHATWG URL section 3.5) and a name to others."""
    with pytest.raises(EasycertError):
        parse(text)


def test_A13_an_address_behind_the_prefix_for_names_is_still_an_address() -> None:
    assert parse_san("DNS:192.0.2.1") == SubjectAltName(SanType.IP, "192.0.2.1")


def test_A14_a_name_longer_than_a_common_name_has_none() -> None:
    name = HostName(f"{'x' * 60}.example.com")
    assert name.common_name is None
    assert [san.value for san in name.sans] == [name]


def test_A14_a_common_name_is_measured_in_bytes() -> None:
    """64 characters and 128 bytes; the CN could not be written."""
    assert UserName(f"{'ü' * 32}@example.com").common_name is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alice", "alice"),
        ("alice@example.com", "alice@example.com"),
        ("alice.b+c_d-e@example.com", "alice.b+c_d-e@example.com"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("jörg@vertex.link", "jörg@vertex.link"),
        ("root", "root"),
    ],
)
def test_A15_user_names(text: str, name: str) -> None:
    assert UserName(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "a@",
        "@b",
        "@",
        "a@b@c",
        "a..b@example.com",
        "a.@example.com",
        "a@b..c",
        "a b@c",
        "a@1.2.3.4",
        "a@-b",
        "x" * 65 + "@a.b",
    ],
)
def test_A15_what_is_no_mailbox_is_no_user_name(text: str) -> None:
    with pytest.raises(InvalidName):
        UserName(text)


def test_A15_an_email_address_as_user_name_is_an_email_san_too() -> None:
    assert UserName("alice@example.com").sans == (SubjectAltName(SanType.EMAIL, "alice@example.com"),)
    assert UserName("alice").sans == ()


def test_A15_a_mailbox_that_is_not_ASCII_is_an_email_san() -> None:
    """RFC 9598: written as SmtpUTF8Mailbox (see test_certificates.py); its domain is in A-labels all the same."""
    assert parse_san("ju\u0308rgen@bücher.example") == SubjectAltName(
        SanType.EMAIL, "j\u00fcrgen@xn--bcher-kva.example"
    )


@pytest.mark.parametrize(
    "text", ["root.key", "foo.crt", "a.crt.key", "ledger.sqlite", "lock", "journal", "easycert.toml"]
)
def test_A16_a_name_that_looks_like_a_file_of_ours_collides_with_none(text: str) -> None:
    """One suffix is always added, in a folder of the four kinds: `root.key` lies in `cas/root.key.crt`."""
    name = SafeName(text)
    entries = [make(kind, name) for kind in Kind for make in (layout.certificate, layout.key, layout.request)]
    plain = [make(kind, SafeName("root")) for kind in Kind for make in (layout.certificate, layout.key)]
    assert len(set(entries)) == len(entries)
    assert not set(entries) & set(plain)
    assert not any(entry.path.startswith((layout.STATE, "easycert.toml")) for entry in entries)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("WWW.example.com", "www.example.com."),
        ("2001:db8:0:0::1", "2001:0db8::1"),
        ("bu\u0308cher.example", "B\u00dcCHER.example"),
    ],
)
def test_A17_spellings_of_one_name_are_equal_so_that_the_second_exists_already(one: str, other: str) -> None:
    assert layout.certificate(Kind.HOST, HostName(one)) == layout.certificate(Kind.HOST, HostName(other))


@pytest.mark.parametrize(
    "text", ["Build Pipeline", "jörg@vertex.link", "*.vertex.link", "UPPER", "a:b", "a_b", "-x", "a,b"]
)
def test_the_wide_names_are_what_Synapse_accepts(text: str) -> None:
    assert CommonName(text) == text


@pytest.mark.parametrize("text", ["$HOME", "a$b", "$(id)", "${x}"])
@pytest.mark.parametrize("name", EVERY_NAME)
def test_no_name_holds_a_dollar_that_Synapse_would_expand(name: type[SafeName], text: str) -> None:
    with pytest.raises(InvalidName):
        name(text)


@pytest.mark.parametrize("text", ["Acme Root CA 1", "R&D (test), EU", "vertex", "Zürich", "a@b", "X_1-2+3.4"])
@pytest.mark.parametrize("name", [CaName, CodeName])
def test_ca_and_code_names_may_be_titles(name: type[SafeName], text: str) -> None:
    assert name(text) == text


@pytest.mark.parametrize(
    "text", ["a  b", " a", "a ", "*.example.com", "a:b", "a'b", 'a"b', "a;b", "a|b", "a<b", "#a", "a=b"]
)
@pytest.mark.parametrize("name", [CaName, CodeName])
def test_ca_and_code_names_hold_nothing_that_a_shell_or_file_system_treats_specially(
    name: type[SafeName], text: str
) -> None:
    with pytest.raises(InvalidName):
        name(text)


def test_a_synapse_host_has_a_san_only_where_DNS_can_say_its_name() -> None:
    assert SynapseHostName("00.cortex_1.link").sans == (SubjectAltName(SanType.DNS, "00.cortex_1.link"),)
    assert SynapseHostName("Build Pipeline").sans == ()


def test_a_refusal_carries_what_was_refused() -> None:
    with pytest.raises(InvalidName) as refusal:
        UserName("a/b")
    assert (refusal.value.what, refusal.value.text) == ("user name", "a/b")
    assert str(refusal.value) == "user name 'a/b' holds a path separator"


def test_a_name_joined_to_a_directory_stays_directly_in_it() -> None:
    for text in ("Build Pipeline", "*.vertex.link", "a..b", "~", "CON", "a:b"):
        path = os.path.join("/certs", layout.certificate(Kind.USER, SafeName(text)).filename)
        assert os.path.dirname(os.path.normpath(path)) == "/certs"


# --- subject alternative names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "san"),
    [
        ("DNS:www.example.com", "DNS:www.example.com"),
        ("dns:WWW.example.com", "DNS:www.example.com"),
        ("www.example.com", "DNS:www.example.com"),
        ("localhost", "DNS:localhost"),
        ("*.example.com", "DNS:*.example.com"),
        ("bücher.example", "DNS:xn--bcher-kva.example"),
        ("IP:192.0.2.1", "IP:192.0.2.1"),
        ("192.0.2.1", "IP:192.0.2.1"),
        ("IP:2001:DB8::1", "IP:2001:db8::1"),
        ("2001:db8::1", "IP:2001:db8::1"),
        ("::1", "IP:::1"),
        ("email:bob@example.com", "email:bob@example.com"),
        ("bob@Example.com", "email:bob@example.com"),
        ("Email:o'brien+tag@example.com", "email:o'brien+tag@example.com"),
        ("URI:spiffe://example.org/service", "URI:spiffe://example.org/service"),
        ("spiffe://my_domain/service", "URI:spiffe://my_domain/service"),
        ("https://user@www.example.com:8443/a?b#c", "URI:https://user@www.example.com:8443/a?b#c"),
        ("https://[2001:db8::1]/", "URI:https://[2001:db8::1]/"),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("URI:tag:example.com,2026:x", "URI:tag:example.com,2026:x"),
        (" DNS: www.example.com ", "DNS:www.example.com"),
    ],
)
def test_a_san_is_read_with_its_prefix_or_its_type_is_guessed(text: str, san: str) -> None:
    assert str(parse_san(text)) == san


@pytest.mark.parametrize(
    "text",
    [
        "localhost:8443",
        "RID:1.2.3.4",
        "dirName:cn=x",
        "otherName:1.2.3;UTF8:x",
        "IP:10.0.0.0/8",
        "IP:www.example.com",
        "IP:",
        "DNS:",
        "DNS:bob@example.com",
        "email:bob",
        "email:@example.com",
        "email:bob@",
        "email:a b@example.com",
        "email:bob@192.0.2.1",
        "email:bob@[192.0.2.1]",
        'email:"a b"@example.com',
        "email:ü@b@example.com",
        "email:ü(x)@example.com",
        "email:.bob@example.com",
        "email:" + "x" * 65 + "@example.com",
        "URI:www.example.com",
        "URI:/path",
        "URI:https://",
        "URI:https://:443/",
        "URI:https://a..b/",
        "URI:https://ex ample/",
        "URI:https://bücher.example/",
        "URI:https://a:99999/",
        "URI:https://[::1",
        "URI:https://a<b>/",
        "URI:https://a\\b/",
        "URI:1http://a/",
        "URI:" + "https://a/" + "x" * 2048,
        "a,b",
    ],
)
def test_a_san_that_cannot_be_certified_is_refused(text: str) -> None:
    with pytest.raises(InvalidSan) as refusal:
        parse_san(text)
    assert str(refusal.value).isprintable()


def test_sans_are_kept_once_in_their_order() -> None:
    sans = [parse_san(text) for text in ("b.example", "DNS:B.EXAMPLE.", "a.example", "DNS:192.0.2.1", "192.0.2.1")]
    assert [str(san) for san in unique_sans(sans)] == ["DNS:b.example", "DNS:a.example", "IP:192.0.2.1"]
