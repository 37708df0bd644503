"""Options of [vtep]: what they are when nobody says, and how wrong values are refused."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from os_ken import cfg

from vtep_ofapp.process import config, unused_options
from vtep_ofapp.process.config import Options
from vtep_ofapp.process.options import OPTIONS, BadOption
from vtep_ofapp.process.settings import Settings

Read = Callable[..., Options]
"""What the fixture ``read`` gives: it reads options from these lines."""
Pem = tuple[Path, Path, Path]
"""The files of our key, of our certificate and of another key."""


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    """Return a function that reads options from the lines of a configuration file."""
    path = tmp_path / "vtep.conf"

    def read_file(*text: str) -> Options:
        path.write_text("\n".join(["[vtep]", *text]))
        cfg.CONF([], project="vtep_ofapp", default_config_files=[str(path)])
        return config.read()

    config.register()
    yield read_file
    cfg.CONF.clear_default("ofp_ssl_listen_port")
    cfg.CONF.reset()


def test_without_options_both_databases_are_the_local_server(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVS_RUNDIR", "/some/where")
    options = read()
    assert options.vtep_db == "unix:/some/where/db.sock"
    assert options.ovs_db == {"Open_vSwitch": "unix:/some/where/db.sock"}


def test_without_a_run_directory_it_is_that_of_debian(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OVS_RUNDIR", raising=False)
    assert read().vtep_db == "unix:/var/run/openvswitch/db.sock"


def test_without_options_the_policy_is_the_default(read: Read) -> None:
    assert read().settings == Settings()


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("mac_aging", "20", 20),
        ("mac_aging", "65535", 65535),
        ("port_grace", "0", 0.0),
        ("port_grace", "2.5", 2.5),
        ("bound_port_grace", "600", 600.0),
        ("stats_interval", "0", 0.0),
        ("max_local_macs", "1", 1),
        ("max_local_macs_per_port", "100", 100),
        ("max_tunnels", "0", 0),
        ("flood_without_unknown_dst", "true", True),
    ],
)
def test_every_option_can_be_set(read: Read, option: str, text: str, value: str) -> None:
    assert getattr(read(f"{option} = {text}").settings, option) == value


def test_the_lock_has_a_name(read: Read) -> None:
    assert read().lock == "vtep_ofapp"
    assert read("lock = rack_7").lock == "rack_7"
    for name in ("", "7", "rack-7", "a b"):
        with pytest.raises(BadOption, match="lock"):
            read(f"lock = {name}")


REMOTES = [
    "unix:/var/run/db.sock",
    "unix:db.sock",
    "tcp:127.0.0.1:6640",
    "tcp:[::1]:6640",
    "tcp:10.0.0.1:6640,tcp:10.0.0.2:6640,tcp:10.0.0.3:6640",
]


@pytest.mark.parametrize("remote", REMOTES)
def test_remotes_are_written_as_ovsdb_has_them(read: Read, remote: str) -> None:
    options = read(f"vtep_db = {remote}", f"ovs_db = {remote}")
    assert options.vtep_db == remote
    assert options.ovs_db == {"Open_vSwitch": remote}
    assert options.tls is None


SSL = "ssl:vtep.example.org:6640"
FILES = {"ssl_key": "key", "ssl_cert": "certificate", "ssl_ca": "ca"}


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate that signs itself, and so is its own CA; return the paths."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=us"]
    subprocess.run(["openssl", "req", "-x509", *curve, *names], check=True, capture_output=True)
    return key, certificate


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    """The key and the certificate of us, and a key that is someone else's."""
    key, certificate = make_certificate(tmp_path_factory.mktemp("us"))
    return key, certificate, make_certificate(tmp_path_factory.mktemp("them"))[0]


@pytest.mark.parametrize("option", ["vtep_db", "ovs_db"])
def test_an_encrypted_remote_needs_keys_and_certificates(read: Read, pem: Pem, option: str) -> None:
    key, certificate, _ = pem
    paths = dict(zip(FILES, (key, certificate, certificate), strict=True))
    options = read(f"{option} = {SSL}", *(f"{name} = {path}" for name, path in paths.items()))
    assert SSL in (options.vtep_db, *options.ovs_db.values())
    assert {name: getattr(options.tls, each) for name, each in FILES.items()} == {
        name: str(path) for name, path in paths.items()
    }


def refusal_of(read: Read, *lines: str) -> str:
    """Return why the options are refused, in one line."""
    with pytest.raises(BadOption) as refusal:
        read(*lines)
    message = str(refusal.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("vtep", ("ssl_key", "ssl_cert", "ssl_ca")),
        ("DEFAULT", ("ctl_privkey", "ctl_cert", "ca_certs")),
    ],
)
def test_files_that_are_no_pem_or_do_not_fit_are_refused(
    read: Read, pem: Pem, tmp_path: Path, section: str, names: tuple[str, ...]
) -> None:
    key, certificate, their_key = pem
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("PEM")

    def refused(*files: Path | str) -> str:
        lines = [f"{name} = {file}" for name, file in zip(names, files, strict=True)]
        return refusal_of(
            read, f"vtep_db = {SSL if section == 'vtep' else 'unix:/a'}", f"[{section}]", *lines
        )

    pair = f"[{section}] {names[0]}, [{section}] {names[1]}: "
    assert refused(their_key, certificate, certificate) == (
        f"{pair}{their_key} is not the key of {certificate}"
    )
    no_key = "holds no private key in PEM format, or one with a password"
    assert refused(rubbish, certificate, certificate) == (
        f"[{section}] {names[0]}: {rubbish} {no_key}"
    )
    encrypted = tmp_path / "encrypted"
    argv = ["openssl", "ec", "-in", str(key), "-aes128", "-passout", "pass:x"]
    argv += ["-out", str(encrypted)]
    subprocess.run(argv, check=True, capture_output=True)
    assert refused(encrypted, certificate, certificate).endswith(f"{encrypted} {no_key}")
    no_certificate = f"{rubbish} holds no certificate in PEM format"
    assert refused(key, rubbish, certificate) == f"[{section}] {names[1]}: {no_certificate}"
    assert refused(key, certificate, rubbish) == f"[{section}] {names[2]}: {no_certificate}"


@pytest.mark.parametrize("name", FILES)
def test_a_key_or_certificate_that_nothing_is_encrypted_with_is_refused(
    read: Read, pem: Pem, name: str
) -> None:
    reason = refusal_of(read, "vtep_db = tcp:10.0.0.1:6640", f"{name} = {pem[0]}")
    assert reason == f"[vtep] {name}: it is given, but no remote begins with ssl:"


OPENFLOW_FILES = ("ctl_privkey", "ctl_cert", "ca_certs")


def openflow_lines(pem: Pem) -> dict[str, str]:
    key, certificate, _ = pem
    paths = zip(OPENFLOW_FILES, (key, certificate, certificate), strict=True)
    return {name: f"{name} = {path}" for name, path in paths}


def test_tls_for_openflow_has_its_usual_port_unless_told_otherwise(read: Read, pem: Pem) -> None:
    read("[DEFAULT]", *openflow_lines(pem).values())
    assert cfg.CONF.ofp_ssl_listen_port == 6653
    read("[DEFAULT]", *openflow_lines(pem).values(), "ofp_ssl_listen_port = 16653")
    assert cfg.CONF.ofp_ssl_listen_port == 16653


def test_ciphers_that_openssl_does_not_know_are_refused(read: Read, pem: Pem) -> None:
    lines = "[DEFAULT]", *openflow_lines(pem).values()
    assert read(*lines, "ciphers = ECDHE+AESGCM").openflow.ciphers == "ECDHE+AESGCM"
    reason = refusal_of(read, *lines, "ciphers = none of them")
    assert reason == "[DEFAULT] ciphers: 'none of them' is not a list of OpenSSL's ciphers"


@pytest.mark.parametrize("missing", OPENFLOW_FILES)
def test_tls_for_openflow_by_halves_is_refused(
    read: Read, pem: Pem, tmp_path: Path, missing: str
) -> None:
    lines = openflow_lines(pem)
    del lines[missing]
    for line in ([], [f"{missing} = {tmp_path / 'elsewhere'}"]):
        reason = refusal_of(read, "[DEFAULT]", *lines.values(), *line)
        assert reason.startswith(f"[DEFAULT] {missing}: ")
        assert "TLS for OpenFlow needs it" in reason


def test_a_port_for_tls_alone_is_refused(read: Read) -> None:
    reason = refusal_of(read, "[DEFAULT]", "ofp_ssl_listen_port = 6653")
    assert reason == "[DEFAULT] ctl_privkey: no file is given, and TLS for OpenFlow needs it"


def test_without_tls_there_is_no_port_for_it(read: Read) -> None:
    read()
    assert cfg.CONF.ofp_ssl_listen_port is None


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_key_or_certificate_is_refused_and_named(
    read: Read, tmp_path: Path, missing: str
) -> None:
    (tmp_path / "there").write_text("PEM")
    others = [f"{name} = {tmp_path / 'there'}" for name in FILES if name != missing]
    for line in ([], [f"{missing} = {tmp_path / 'elsewhere'}"]):
        reason = refusal_of(read, f"vtep_db = {SSL}", *others, *line)
        assert reason.startswith(f"[vtep] {missing}: ")


def test_there_may_be_an_open_vswitch_on_each_of_several_hosts(read: Read) -> None:
    options = read("ovs_db = tcp:10.0.0.1:6640", "ovs_db = tcp:10.0.0.2:6640,tcp:10.0.0.3:6640")
    assert options.ovs_db == {
        "Open_vSwitch of tcp:10.0.0.1:6640": "tcp:10.0.0.1:6640",
        "Open_vSwitch of tcp:10.0.0.2:6640,tcp:10.0.0.3:6640": (
            "tcp:10.0.0.2:6640,tcp:10.0.0.3:6640"
        ),
    }


def test_the_same_open_vswitch_twice_is_refused(read: Read) -> None:
    with pytest.raises(BadOption, match="ovs_db: the same remote"):
        read("ovs_db = tcp:10.0.0.1:6640", "ovs_db =  tcp:10.0.0.1:6640")


def test_blanks_between_the_servers_of_a_cluster_do_no_harm(read: Read) -> None:
    options = read("vtep_db = tcp:10.0.0.1:6640, tcp:10.0.0.2:6640")
    assert options.vtep_db == "tcp:10.0.0.1:6640,tcp:10.0.0.2:6640"


@pytest.mark.parametrize("option", ["vtep_db", "ovs_db"])
@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("", ""),
        ("/var/run/db.sock", "/var/run/db.sock"),
        ("unix:", "unix:"),
        ("tcp:127.0.0.1", "tcp:127.0.0.1"),
        ("tcp:127.0.0.1:ovsdb", "tcp:127.0.0.1:ovsdb"),
        ("tcp:127.0.0.1:65536", "tcp:127.0.0.1:65536"),
        ("tcp:::1:6640", "tcp:::1:6640"),
        ("ptcp:6640", "ptcp:6640"),
        ("tcp:10.0.0.1:6640,", ""),
        ("tcp:10.0.0.1:6640,udp:10.0.0.2:6640", "udp:10.0.0.2:6640"),
    ],
)
def test_a_bad_remote_is_refused_and_named_in_one_line(
    read: Read, option: str, value: str, named: str
) -> None:
    with pytest.raises(BadOption) as refusal:
        read(f"{option} = {value}")
    message = str(refusal.value)
    assert message.startswith(f"[vtep] {option}: {named!r} ")
    assert "unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("option", "values", "says"),
    [
        (
            "mac_aging",
            ["0", "-1", "65536", "soon", "1.5", ""],
            "not a whole number from 1 to 65535",
        ),
        ("port_grace", ["-1", "soon", "nan", "inf", ""], "not a number of at least 0"),
        ("bound_port_grace", ["-1", "a day", "nan", "inf", ""], "not a number of at least 0"),
        ("stats_interval", ["-0.5", "often", "nan", ""], "not a number of at least 0"),
        ("max_local_macs", ["0", "-1", "many", ""], "not a whole number of at least 1"),
        ("max_local_macs_per_port", ["0", "-1", "many", ""], "not a whole number of at least 1"),
        ("max_tunnels", ["-1", "4097", "many", ""], "not a whole number from 0 to 4096"),
        ("flood_without_unknown_dst", ["perhaps"], "neither true nor false"),
        ("accept_from", ["all", ""], "neither named nor any"),
    ],
)
def test_a_bad_value_is_refused_and_the_line_says_what_is_allowed(
    read: Read, option: str, values: list[str], says: str
) -> None:
    for value in values:
        reason = refusal_of(read, f"{option} = {value}")
        assert reason == f"[vtep] {option}: {value!r} is {says}"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("socket_timeout", "x", "'x' is not a number of at least 0.001"),
        ("socket_timeout", "-1", "-1.0 is not a number of at least 0.001"),
        ("echo_request_interval", "a b", "'a b' is not a number of at least 0.001"),
        ("echo_request_interval", "nan", "nan is not a number of at least 0.001"),
        ("echo_request_interval", "", "no value is not a number of at least 0.001"),
        ("maximum_unreplied_echo_requests", "x", "'x' is not a number of at least 0"),
        (
            "maximum_unreplied_echo_requests",
            "-1",
            "a negative number is not a number of at least 0",
        ),
    ],
)
def test_an_option_of_os_ken_on_which_connections_would_fail_is_refused(
    read: Read, option: str, value: str, says: str
) -> None:
    reason = refusal_of(read, "[DEFAULT]", f"{option} = {value}")
    assert reason == f"[DEFAULT] {option}: {says}"


def test_the_socket_for_openflow_has_an_absolute_path(read: Read) -> None:
    assert read("openflow_socket = /run/of").openflow.socket == "/run/of"
    for value in ("", "of", "unix:/run/of", "@of"):
        reason = refusal_of(read, f"openflow_socket = {value}")
        assert reason == f"[vtep] openflow_socket: {value!r} is not an absolute path"


def test_os_kens_own_options_have_our_defaults(read: Read) -> None:
    read()
    assert cfg.CONF.ofp_listen_host == "127.0.0.1"
    assert cfg.CONF.ofp_tcp_listen_port == 6653


def test_every_option_says_what_it_is() -> None:
    assert all(option.help and option.help.endswith(".") for option in OPTIONS)


CHECKED = [
    (
        "[vtep]",
        "mac_agign = 10",
        "[vtep] mac_agign: there is no such option; did you mean mac_aging?",
    ),
    (
        "[vtep]",
        "mac-aging = 10",
        "[vtep] mac-aging: there is no such option; did you mean mac_aging?",
    ),
    ("[vtep]", "colour = red", "[vtep] colour: there is no such option"),
    (
        "[vtep]",
        "ofp_listen_host = a",
        "[vtep] ofp_listen_host: it belongs in the group [DEFAULT]",
    ),
    ("[DEFAULT]", "vtep_db = unix:a", "[DEFAULT] vtep_db: it belongs in the group [vtep]"),
    (
        "[DEFAULT]",
        "config_file = a",
        "[DEFAULT] config_file: it has an effect on the command line only",
    ),
    ("[VTEP]", "", "[VTEP]: there is no such group; did you mean [vtep]?"),
    ("[ vtep ]", "", "[ vtep ]: there is no such group; did you mean [vtep]?"),
    ("[vteps]", "", "[vteps]: there is no such group; did you mean [vtep]?"),
    ("[vtep_ofapp]", "", "[vtep_ofapp]: there is no such group; did you mean [vtep]?"),
    ("[vtpe]", "lock = a", "[vtpe]: there is no such group; did you mean [vtep]?"),
]


@pytest.mark.parametrize(("group", "line", "says"), CHECKED)
def test_what_would_be_passed_over_is_refused(
    tmp_path: Path, group: str, line: str, says: str
) -> None:
    config.register()
    path = tmp_path / "vtep.conf"
    path.write_text(f"{group}\n{line}\n")
    with pytest.raises(BadOption) as refusal:
        config.load(str(path))
    assert str(refusal.value).startswith(f"{path}: {says}")


def test_what_others_have_stays_and_a_name_that_nobody_has_is_only_said(tmp_path: Path) -> None:
    config.register()
    cfg.CONF.register_opt(cfg.StrOpt("lock"), group="vteq")
    path = tmp_path / "vtep.conf"
    path.write_text(
        "[DEFAULT]\nofp_listen_hots = a\n[step]\na = b\n[neutron]\nlock = a\n[vteq]\nlock = b\n"
    )
    assert config.load(str(path)) == [
        "[DEFAULT] ofp_listen_hots: no loaded application has such an option; "
        "did you mean ofp_listen_host?"
    ]


def test_what_a_later_file_would_overrule_is_refused(tmp_path: Path) -> None:
    config.register()
    path = tmp_path / "vtep.conf"
    path.write_text("[DEFAULT]\nofp_listen_host = 127.0.0.1\n")
    for option in (["--ofp-listen-host=::1"], ["--ofp-listen-host", "::1"]):
        for file in (["--config-file", str(path)], [f"--config-file={path}"]):
            unused_options.check([*file, *option])
            with pytest.raises(BadOption, match=f"--ofp-listen-host: {path} sets it, too"):
                unused_options.check([*option, *file])


@pytest.mark.parametrize(
    ("value", "remote"),
    [
        ("unix:$OVS_RUNDIR/db.sock", "unix:/run/ovs/db.sock"),
        ("unix:${OVS_RUNDIR}/a", "unix:/run/ovs/a"),
        ("unix:/a$$b", "unix:/a$b"),
    ],
)
def test_a_dollar_stands_for_the_run_directory(
    read: Read, monkeypatch: pytest.MonkeyPatch, value: str, remote: str
) -> None:
    monkeypatch.setenv("OVS_RUNDIR", "/run/ovs")
    options = read(f"vtep_db = {value}", f"ovs_db = {value}")
    assert (options.vtep_db, *options.ovs_db.values()) == (remote, remote)


def test_another_name_behind_a_dollar_is_refused(read: Read) -> None:
    reason = refusal_of(read, "vtep_db = unix:$HOME/db.sock")
    assert reason.startswith("[vtep] vtep_db: only OVS_RUNDIR or an option may follow a $")
