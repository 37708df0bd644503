"""OVSDB over TLS with a wrong certificate at one end."""

import pytest

from tests.switch.test_tls import make_pki, run_with, tls  # noqa: F401


@pytest.fixture(scope="module")
def ends(tls):  # noqa: F811
    """The server with its own CA, and folders that have a key of one CA and trust the other."""
    others = make_pki(tls, "others")
    tls.wrong = {}
    for name, key, ca in (("ours", others, tls.pki), ("theirs", tls.pki, others)):
        folder = tls.wrong[name] = tls.folder / f"wrong-{name}"
        (folder / "pki").mkdir(parents=True)
        for file in ("us-privkey.pem", "us-cert.pem"):
            (folder / file).symlink_to(key / file)
        (folder / "pki" / "switchca").symlink_to(ca / "pki" / "switchca")
    return tls


@pytest.mark.parametrize("wrong", ["ours", "theirs"])
def test_a_certificate_of_another_ca_at_either_end_is_refused(ends, wrong):
    run_with(ends, ends.wrong[wrong])
    ends.wait_for_log(f"hardware_vtep: {ends.remote}: no ")
    assert "hardware_vtep: connected" not in ends.app.log_text
    run_with(ends, ends.pki)
    ends.wait_for_log("br0 is managed")
