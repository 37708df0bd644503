"""Tunnel rows that nothing uses any more: those with settings of the NVC stay for a while."""

import logging

import pytest

from vtep_ofapp.features.tunnels.unused_rows import GRACE, UnusedTunnelRows

from .builders import FAR, FURTHER, locator, tunnel_row

PARAMS = {"enable": "true", "min_rx": "300"}
BARE = tunnel_row(FURTHER)
SET = tunnel_row(FAR, bfd_params=PARAMS, bfd_config_remote={"bfd_dst_ip": "169.254.1.7"})


class Bench:
    """A row with settings, another one without, and a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rows = UnusedTunnelRows("br0", lambda: self.now)
        self.rows.set_rows([SET, BARE])


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_row_without_settings_may_go_at_once(bench: Bench) -> None:
    assert bench.rows.may_go(BARE.locator)
    assert bench.rows.may_go(locator("10.0.0.9").uuid)
    assert bench.rows.next_end() is None


def test_a_row_with_settings_stays_and_its_end_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vtep_ofapp")
    assert not bench.rows.may_go(SET.locator)
    assert bench.rows.next_end() == bench.now + GRACE
    bench.now += GRACE - 0.1
    assert not bench.rows.may_go(SET.locator)
    assert caplog.records == []
    bench.now += 0.1
    assert bench.rows.may_go(SET.locator)
    assert bench.rows.may_go(SET.locator)
    assert bench.rows.next_end() is None
    (record,) = caplog.records
    assert record.getMessage() == (
        "br0: nothing has used 10.0.0.2 for 5 s; its Tunnel row goes, with bfd_params enable=true, "
        "min_rx=300 and bfd_config_remote bfd_dst_ip=169.254.1.7"
    )


def test_a_row_that_is_used_again_begins_a_grace_of_its_own_later(bench: Bench) -> None:
    assert not bench.rows.may_go(SET.locator)
    bench.now += GRACE - 1
    bench.rows.use(SET.locator)
    assert bench.rows.next_end() is None
    bench.now += GRACE
    assert not bench.rows.may_go(SET.locator)
    assert bench.rows.next_end() == bench.now + GRACE


def test_a_row_that_is_gone_or_bare_is_awaited_no_longer(bench: Bench) -> None:
    assert not bench.rows.may_go(SET.locator)
    bench.rows.set_rows([tunnel_row(FAR), BARE])
    assert bench.rows.next_end() is None
    assert bench.rows.may_go(SET.locator)
