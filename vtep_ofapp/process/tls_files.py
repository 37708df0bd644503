"""Check the PEM files and ciphers that options name, before anything uses them."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from .options import BadOption


@dataclass(frozen=True)
class Tls:
    """PEM files: our private key, its certificate, and the CA of our peers."""

    key: str
    certificate: str
    ca: str


def read_tls(files: Mapping[str, str | None], why: str) -> Tls:
    """Return the PEM files of a key, its certificate and a CA.

    ``files`` are their paths by the names of the options, in this order. Raises BadOption if one is
    missing or has other contents; ``why`` says what needs it.
    """
    for name, path in files.items():
        if not path:
            raise BadOption(f"{name}: no file is given, and {why}")
        if not os.path.isfile(path):
            raise BadOption(f"{name}: there is no file {path}, and {why}")
    tls = Tls(*map(str, files.values()))
    key, certificate, ca = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name, path in ((ca, tls.ca), (certificate, tls.certificate)):
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise BadOption(f"{name}: {path} holds no certificate in PEM format") from None
        except OSError as error:
            raise BadOption(f"{name}: {path}: {error.strerror}") from None
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"{tls.key} is not the key of {tls.certificate}"
            raise BadOption(f"{key}, {certificate}: {reason}") from None
        reason = f"{tls.key} holds no private key in PEM format, or one with a password"
        raise BadOption(f"{key}: {reason}") from None
    except OSError as error:
        raise BadOption(f"{key}: {tls.key}: {error.strerror}") from None
    return tls


def are_ciphers(text: str) -> bool:
    """Return whether OpenSSL knows any of the ciphers of a cipher list."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
    except ssl.SSLError:
        return False
    return True
