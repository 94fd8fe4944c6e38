"""What each operating system calls things: where CA certificates lie, what makes them count, which package has a tool.

Facts, not code: another system is another row. Windows has none yet: its store is not supported.
"""

from __future__ import annotations

from easycert.model import Value


class Platform(Value):
    """One family of operating systems; paths are below its root directory, without the first slash.

    *markers* are what it is known by. *anchors* is where the administrator's own CA certificates go, as files that end
    in *suffix*; *adding* and *dropping* are the commands that make additions and removals count; *bundles* hold what is
    trusted then, in PEM. *elsewhere* are the options by which *adding* works below another root, each with a path.
    """

    name: str
    markers: tuple[str, ...]
    #: Tool -> the command that brings it.
    packages: dict[str, str]
    anchors: str = ""
    suffix: str = ".crt"
    adding: tuple[str, ...] = ()
    dropping: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()


LINUX = (
    Platform(
        name="Alpine",
        markers=("etc/alpine-release",),
        anchors="usr/local/share/ca-certificates",
        adding=("update-ca-certificates",),
        dropping=("update-ca-certificates",),
        bundles=("etc/ssl/certs/ca-certificates.crt",),
        packages={
            "update-ca-certificates": "apk add ca-certificates",
            "certutil": "apk add nss-tools",
            "keytool": "apk add openjdk17-jre-headless",
        },
    ),
    Platform(
        name="Debian",
        markers=("etc/debian_version", "usr/local/share/ca-certificates"),
        anchors="usr/local/share/ca-certificates",
        adding=("update-ca-certificates",),
        # Without --fresh, links to a file that is gone stay behind (update-ca-certificates(8)).
        dropping=("update-ca-certificates", "--fresh"),
        bundles=("etc/ssl/certs/ca-certificates.crt",),
        elsewhere=(
            ("--certsconf", "etc/ca-certificates.conf"),
            ("--certsdir", "usr/share/ca-certificates"),
            ("--localcertsdir", "usr/local/share/ca-certificates"),
            ("--etccertsdir", "etc/ssl/certs"),
            ("--hooksdir", "etc/ca-certificates/update.d"),
        ),
        packages={
            "update-ca-certificates": "apt-get install ca-certificates",
            "certutil": "apt-get install libnss3-tools",
            "keytool": "apt-get install default-jre-headless",
        },
    ),
    Platform(
        name="Fedora",
        markers=("etc/fedora-release", "etc/redhat-release", "etc/pki/ca-trust/source/anchors"),
        anchors="etc/pki/ca-trust/source/anchors",
        suffix=".pem",
        adding=("update-ca-trust", "extract"),
        dropping=("update-ca-trust", "extract"),
        bundles=("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",),
        packages={
            "update-ca-trust": "dnf install ca-certificates",
            "certutil": "dnf install nss-tools",
            "keytool": "dnf install java-headless",
        },
    ),
    Platform(
        name="Arch",
        markers=("etc/arch-release", "etc/ca-certificates/trust-source/anchors"),
        anchors="etc/ca-certificates/trust-source/anchors",
        adding=("trust", "extract-compat"),
        dropping=("trust", "extract-compat"),
        bundles=("etc/ca-certificates/extracted/tls-ca-bundle.pem", "etc/ssl/certs/ca-certificates.crt"),
        packages={
            "trust": "pacman -S p11-kit",
            "certutil": "pacman -S nss",
            "keytool": "pacman -S jre-openjdk-headless",
        },
    ),
    Platform(
        name="SUSE",
        markers=("etc/SUSE-brand", "etc/pki/trust/anchors"),
        anchors="etc/pki/trust/anchors",
        suffix=".pem",
        adding=("update-ca-certificates",),
        dropping=("update-ca-certificates",),
        bundles=("var/lib/ca-certificates/ca-bundle.pem", "etc/ssl/ca-bundle.pem"),
        packages={
            "update-ca-certificates": "zypper install ca-certificates",
            "certutil": "zypper install mozilla-nss-tools",
            "keytool": "zypper install java-17-openjdk-headless",
        },
    ),
)
MACOS = Platform(
    name="macOS",
    markers=(),
    packages={"certutil": "brew install nss", "keytool": "brew install openjdk"},
)

#: Where Firefox keeps profiles.ini below a home directory: as it comes, from 147 on, of snap, of Flatpak, on macOS.
FIREFOX = (
    ".mozilla/firefox",
    ".config/mozilla/firefox",
    "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/config/mozilla/firefox",
    "Library/Application Support/Firefox",
)
#: NSS databases of Chromium's kin that stand in sandboxes of their own, below a home directory.
SANDBOXED_CHROMES = (
    "snap/chromium/current/.pki/nssdb",
    ".var/app/org.chromium.Chromium/.pki/nssdb",
    ".var/app/org.chromium.Chromium/data/pki/nssdb",
    ".var/app/com.google.Chrome/.pki/nssdb",
    ".var/app/com.google.Chrome/data/pki/nssdb",
    ".var/app/com.brave.Browser/.pki/nssdb",
    ".var/app/com.brave.Browser/data/pki/nssdb",
    ".var/app/com.microsoft.Edge/.pki/nssdb",
    ".var/app/com.microsoft.Edge/data/pki/nssdb",
)
#: By any of these on PATH it is known that a browser of Chromium's kin is here.
CHROMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "brave-browser", "microsoft-edge")
#: A user's NSS database, the best first: Chromium takes the second only where there is no first (tried with 156).
NSS_OF_USER = (".pki/nssdb", ".local/share/pki/nssdb")
#: An NSS database for all users, which Fedora's programs read.
NSS_OF_SYSTEM = "etc/pki/nssdb"
#: Java's own store, below its home; the second is that of Java 8 and before.
CACERTS = ("lib/security/cacerts", "jre/lib/security/cacerts")
KEYCHAIN_OF_SYSTEM = "Library/Keychains/System.keychain"
KEYCHAIN_OF_USER = "Library/Keychains/login.keychain-db"
