"""OVSDB over TLS with a wrong certificate at one end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.switch.test_tls import Listening, make_pki, run_with, tls  # noqa: F401


@dataclass(frozen=True)
class Ends:
    """The server with its own CA, and folders in which key and CA do not belong together."""

    switch: Listening
    wrong: dict[str, Path]


@pytest.fixture(scope="module")
def ends(tls: Listening) -> Ends:  # noqa: F811
    """The server with its own CA, and folders that have a key of one CA and trust the other."""
    others = make_pki(tls, "others")
    wrong = {}
    for name, key, ca in (("ours", others, tls.pki), ("theirs", tls.pki, others)):
        folder = wrong[name] = tls.folder / f"wrong-{name}"
        (folder / "pki").mkdir(parents=True)
        for file in ("us-privkey.pem", "us-cert.pem"):
            (folder / file).symlink_to(key / file)
        (folder / "pki" / "switchca").symlink_to(ca / "pki" / "switchca")
    return Ends(tls, wrong)


@pytest.mark.parametrize("wrong", ["ours", "theirs"])
def test_a_certificate_of_another_ca_at_either_end_is_refused(ends: Ends, wrong: str) -> None:
    switch = ends.switch
    run_with(switch, ends.wrong[wrong])
    switch.wait_for_log(f"hardware_vtep: {switch.remote}: no ")
    assert "hardware_vtep: connected" not in switch.app.log_text
    run_with(switch, switch.pki)
    switch.wait_for_log("br0 is managed")
