"""BFD: what the NVC wrote becomes settings of Open vSwitch, and what came of it a status."""

import pytest

from vtep_ofapp.features.tunnels import bfd

ENABLED = {"enable": "true"}
DEFAULTS = {
    "enable": "true",
    "bfd_local_dst_mac": "00:23:20:00:00:01",
    "bfd_dst_ip": "169.254.1.1",
    "bfd_src_ip": "169.254.1.0",
}


def test_with_enable_alone_everything_is_as_the_schema_has_it() -> None:
    assert bfd.settings(ENABLED, {}) == (DEFAULTS, [])


@pytest.mark.parametrize("params", [{}, {"enable": "false"}, {"min_rx": "300"}], ids=str)
def test_without_enable_there_is_no_bfd(params: dict[str, str]) -> None:
    assert bfd.settings(params, {}) == ({}, [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_rx", "300"),
        ("min_rx", "1"),
        ("min_tx", "1000"),
        ("decay_min_rx", "0"),
        ("forwarding_if_rx", "true"),
        ("cpath_down", "true"),
        ("check_tnl_key", "false"),
    ],
)
def test_parameters_are_passed_on(key: str, value: str) -> None:
    assert bfd.settings({**ENABLED, key: value}, {}) == ({**DEFAULTS, key: value}, [])


def test_numbers_are_written_plainly() -> None:
    column, _ = bfd.settings({**ENABLED, "min_rx": "0300"}, {})
    assert column["min_rx"] == "300"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("min_rx", "0"),
        ("min_rx", "-1"),
        ("min_rx", "soon"),
        ("min_rx", ""),
        ("min_rx", "300.5"),
        ("min_tx", "99999999999"),
        ("min_tx", "\u0663"),
        ("decay_min_rx", "-1"),
        ("forwarding_if_rx", "yes"),
        ("cpath_down", "True"),
        ("check_tnl_key", ""),
    ],
)
def test_a_bad_parameter_is_left_out_and_named(key: str, value: str) -> None:
    column, problems = bfd.settings({**ENABLED, key: value}, {})
    assert column == DEFAULTS
    (problem,) = problems
    assert problem.startswith(f"bfd_params:{key}: {value!r} ")


@pytest.mark.parametrize("value", ["yes", "TRUE", ""])
def test_a_bad_enable_is_no_bfd_and_named(value: str) -> None:
    column, (problem,) = bfd.settings({"enable": value}, {})
    assert column == {}
    assert problem == f"bfd_params:enable: {value!r} is neither true nor false"


def test_unknown_parameters_are_not_passed_on() -> None:
    assert bfd.settings({**ENABLED, "colour": "red"}, {}) == (DEFAULTS, [])


def test_the_other_end_may_expect_other_addresses() -> None:
    remote = {"bfd_dst_mac": "00:AA:00:00:00:01", "bfd_dst_ip": "169.254.1.7"}
    column, problems = bfd.settings(ENABLED, remote)
    assert problems == []
    assert column == {
        **DEFAULTS,
        "bfd_local_dst_mac": "00:aa:00:00:00:01",
        "bfd_dst_ip": "169.254.1.7",
    }


def test_bad_addresses_of_the_other_end_are_left_out_and_named() -> None:
    remote = {"bfd_dst_mac": "nonsense", "bfd_dst_ip": "169.254.1"}
    column, problems = bfd.settings(ENABLED, remote)
    assert column == DEFAULTS
    assert [problem.split(":")[:2] for problem in problems] == [
        ["bfd_config_remote", "bfd_dst_mac"],
        ["bfd_config_remote", "bfd_dst_ip"],
    ]


def test_the_status_is_that_of_the_interface_in_the_words_of_the_schema() -> None:
    interface = {
        "state": "up",
        "forwarding": "true",
        "diagnostic": "No Diagnostic",
        "remote_state": "up",
        "remote_diagnostic": "No Diagnostic",
        "flap_count": "3",
    }
    expected = {key: value for key, value in interface.items() if key != "flap_count"}
    assert bfd.status(interface) == {
        **expected,
        "enabled": "true",
        "info": "forwarding changed 3 times",
    }


def test_a_status_that_is_not_there_yet() -> None:
    assert bfd.status({}) == {"enabled": "true"}


def test_the_status_of_a_tunnel_that_cannot_be_made() -> None:
    assert bfd.failed("could not") == {"enabled": "false", "info": "could not"}
