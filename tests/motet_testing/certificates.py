"""Certificates for tests of TLS, made with the program `openssl`: an authority, and what it signs."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates that are trusted by whoever trusts `ca`, the certificate of the authority."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = name
        self.ca = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        subject = ("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.ca, "-days", "2", *subject)

    def issue(self, name: str = "localhost", *, expired: bool = False) -> Pair:
        """A certificate for a host or a client of that name; `localhost` is also good for 127.0.0.1."""
        start = self._folder / f"{self._name}-{name}{'-expired' if expired else ''}"
        request, key, signed, more = (start.with_suffix(end) for end in (".csr", ".key", ".pem", ".ext"))
        names = f"DNS:{name}, IP:127.0.0.1" if name == "localhost" else f"DNS:{name}"
        more.write_text(
            f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signer = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial")
        days = "-1" if expired else "2"
        _openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", more, "-out", signed)
        return Pair(signed, key)


def openssl() -> str | None:
    """Where `openssl` is, None where it is not installed."""
    return shutil.which("openssl")


def _openssl(*arguments: str | Path) -> None:
    found = openssl()
    assert found is not None, "openssl not found: apt-get install openssl"
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
