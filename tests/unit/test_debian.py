"""Debian trees: names, reasons, and what pip in a tree is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.command import Refused
from sim.debian import release
from sim.debian.pip import for_tree, parsed


def test_a_tree_has_a_name_for_its_release_and_packages() -> None:
    name = release.name_of("trixie", ["python3", "iproute2"])
    assert name.startswith("trixie-")
    assert name == release.name_of("trixie", ["iproute2", "python3", "python3"])
    others = [release.name_of("sid", ["python3", "iproute2"]), release.name_of("trixie", [])]
    assert name not in others


@pytest.mark.parametrize("name", ["", "../trixie", "trixie sid", "--help"])
def test_what_cannot_be_a_release_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="no Debian release has the name"):
        release.name_of(name, [])


@pytest.mark.parametrize("name", ["", "python3,sed", "--help", "a b"])
def test_what_cannot_be_a_package_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="no Debian package has the name"):
        release.name_of("trixie", ["python3", name])


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "I: running\nE: Unable to locate package one\nE: Unable to locate package two\n",
            "Debian trixie has no package one, two",
        ),
        ("E: The repository 'x' does not have a Release file.", "Debian has no release trixie"),
        (
            "W: odd\nErr:1\n  Could not resolve 'there'\nE: failed",
            "Debian trixie cannot be unpacked: no address of there",
        ),
        ("I: done\nE: first\nE: second", "Debian trixie cannot be unpacked: first"),
        ("one\ntwo\n", "Debian trixie cannot be unpacked: two"),
        ("", "Debian trixie cannot be unpacked: no reason given"),
    ],
)
def test_why_mmdebstrap_failed_is_one_line(output: str, line: str) -> None:
    assert release.reason("trixie", output) == line


def test_without_root_or_mmdebstrap_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match=r"^mmdebstrap is missing"):
        release.unpack("trixie", [], tmp_path / "trees")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Refused, match=r"by root: use sudo$"):
        release.unpack("trixie", [], tmp_path / "trees")
    assert not (tmp_path / "trees").exists()


def test_settings_of_pip_are_read_as_pip_ranks_them() -> None:
    listing = (
        ":env:.find-links='/from/variable'\n"
        "global.find-links='/from/file'\n"
        "install.no-binary=':all:'\n"
        "global.extra-index-url='one\\ntwo'\n"
        "Some remark\n"
    )
    assert parsed(listing) == {
        "find-links": "/from/variable",
        "no-binary": ":all:",
        "extra-index-url": "one\ntwo",
    }
    assert parsed("") == {}


def test_a_tree_has_what_the_settings_of_pip_name(tmp_path: Path) -> None:
    bundle, index = tmp_path / "ca.crt", tmp_path / "store" / "simple"
    bundle.touch()
    index.mkdir(parents=True)
    made = for_tree(
        {
            "cert": str(bundle),
            "find-links": f"{tmp_path}\n{tmp_path}/missing",
            "extra-index-url": f"file://{index} https://index.example/simple",
            "constraint": f"file://{bundle}",
            "default-timeout": "180",
            "cache-dir": str(tmp_path),
        }
    )
    assert made.environment == {
        "PIP_CERT": "/run/pip/ca.crt",
        "PIP_FIND_LINKS": f"{tmp_path} {tmp_path}/missing",
        "PIP_EXTRA_INDEX_URL": f"file://{index} https://index.example/simple",
        "PIP_CONSTRAINT": "file:///run/pip/ca.crt",
        "PIP_DEFAULT_TIMEOUT": "180",
    }
    # Pages of an index link to files beside it.
    assert made.folders == {tmp_path, index.parent}
    assert made.files == {bundle: "/run/pip/ca.crt"}


def test_files_of_one_name_are_two_in_the_tree(tmp_path: Path) -> None:
    files = tmp_path / "here" / "list", tmp_path / "there" / "list"
    for file in files:
        file.parent.mkdir()
        file.touch()
    made = for_tree({"constraint": " ".join(map(str, files))})
    assert len({*made.files.values()}) == 2
    assert made.environment["PIP_CONSTRAINT"] == " ".join(made.files[file] for file in files)
