"""A Debian release is unpacked once, entered as a machine of its own, and left without a trace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.command import Refused
from sim.debian.release import COMPLETE, name_of, unpack
from sim.debian.tree import Bound, Tree
from sim.lab.namespaces import CommandFailed
from sim.lab.process import CHECKOUT
from sim.matrix.legs import LEGS
from sim.matrix.run import HERE, run_check
from sim.waiting import wait_until

RELEASE = "trixie"
PACKAGES = ("iproute2", "procps", "python3-venv")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release, unpacked where an unpacking was interrupted."""
    folder = tmp_path_factory.mktemp("some trees")  # a checkout may lie anywhere
    incomplete = folder / name_of(RELEASE, PACKAGES) / "root" / "usr" / "incomplete"
    incomplete.parent.mkdir(parents=True)
    incomplete.touch()
    root = unpack(RELEASE, PACKAGES, folder)
    assert not incomplete.exists()
    return root


@pytest.fixture
def tree(root: Path) -> Iterator[Tree]:
    with Tree(root) as entered:
        yield entered


def mounts(folder: Path) -> list[str]:
    """Return what this machine has mounted in a folder; other tests make other mounts."""
    name = str(folder).replace(" ", r"\040")
    return [line for line in Path("/proc/self/mounts").read_text().splitlines() if name in line]


def running(mark: str) -> list[int]:
    """Return the processes, of all trees, whose command line has a mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                found.append(int(pid))
    return found


def test_a_release_is_unpacked_once(root: Path) -> None:
    complete = root.parent / COMPLETE
    before = complete.stat()
    assert complete.read_text().split() == [RELEASE, *PACKAGES]
    assert unpack(RELEASE, [*reversed(PACKAGES)], root.parents[1]) == root
    assert complete.stat() == before


def test_an_unknown_release_or_package_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^Debian has no release nosuch$"):
        unpack("nosuch", [], tmp_path)
    with pytest.raises(Refused, match=r"^Debian trixie has no package nosuch-a, nosuch-b$"):
        unpack(RELEASE, ["nosuch-b", "nosuch-a"], tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"^.*/file/trixie-.*: Not a directory$"):
        unpack(RELEASE, [], tmp_path / "file")
    assert not list(tmp_path.glob("*/root"))
    assert not list(tmp_path.glob(f"*/{COMPLETE}"))


def test_an_unpacking_ends_with_the_process_that_needs_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sim.debian.release import unpack\n"
        "unpack(sys.argv[1], sys.argv[3:], Path(sys.argv[2]))"
    )
    root = tmp_path / name_of(RELEASE, PACKAGES) / "root"
    argv = [sys.executable, "-c", script, RELEASE, str(tmp_path), *PACKAGES]
    with subprocess.Popen(argv) as process:
        wait_until((root / "usr/bin/dpkg").exists, "the first packages", timeout=300)
        process.kill()
    wait_until(lambda: not running(str(root)), "the end of mmdebstrap")
    assert not (root / "usr/bin/ps").exists()  # it was not on its own until the end
    assert not mounts(tmp_path)


def test_what_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be entered"), Tree(tmp_path):
        pass


def test_commands_run_in_the_release_and_see_nothing_of_this_machine(tree: Tree) -> None:
    assert f"VERSION_CODENAME={RELEASE}" in tree.run(["cat", "/etc/os-release"])
    assert f"VERSION_CODENAME={RELEASE}" in (tree.path / "etc/os-release").read_text()
    assert tree.run(["sh", "-c", "echo /tmp/* /run/netns/*"]).split() == ["/tmp/*", "/run/netns/*"]
    # The shell that holds the tree, what it waits for, and ps.
    assert tree.run(["ps", "-e", "-o", "comm="]).split() == ["sh", "cat", "ps"]
    assert str(Path(__file__).parent) not in tree.run(["cat", "/proc/mounts"])


def test_a_command_has_the_variables_and_the_folder_that_it_is_given(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "here")
    said = tree.run(["sh", "-c", "pwd; env"], cwd="/usr", env={"MINE": "a b", "LANG": "C"})
    lines = said.splitlines()
    assert lines[0] == "/usr"
    assert {"MINE=a b", "LANG=C", "HOME=/root"} <= {*lines}
    assert "SECRET_OF_THIS_MACHINE" not in said


def test_a_command_that_fails_says_what_it_wrote(tree: Tree) -> None:
    with pytest.raises(CommandFailed, match="exit code 3: one two") as failed:
        tree.run(["sh", "-c", "printf 'one '; printf two >&2; exit 3"])
    assert failed.value.code == 3
    assert tree.run(["sh", "-c", "echo said; exit 3"], check=False) == "said\n"


def test_what_is_written_stays_until_the_end_and_never_in_the_release(root: Path) -> None:
    with Tree(root) as tree, Tree(root) as other:
        tree.run(["sh", "-c", "touch /etc/new /run/new; rm /etc/os-release; ip netns add mine"])
        assert tree.run(["sh", "-c", "ls /etc/new /run/new /run/netns"]).split()[-1] == "mine"
        assert not (other.path / "etc/new").exists()
        assert (other.path / "etc/os-release").exists()
        assert not mounts(root.parent)
    assert not (root / "etc/new").exists()
    assert (root / "etc/os-release").is_symlink()
    with Tree(root) as tree:
        assert not (tree.path / "etc/new").exists()
    assert not mounts(root.parent)


def test_a_folder_is_seen_or_copied_and_stays_as_it_is(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("ours")
    shown = [Bound(tmp_path, "/seen/here"), Bound(tmp_path, "/copied", is_copy=True)]
    with Tree(root, [*shown, Bound(tmp_path / "file", "/one/file")]) as tree:
        assert tree.run(["cat", "/seen/here/file", "/copied/file", "/one/file"]) == "ours" * 3
        with pytest.raises(CommandFailed, match="Read-only file system"):
            tree.run(["touch", "/seen/here/new"])
        with pytest.raises(CommandFailed, match="Read-only file system"):
            tree.run(["sh", "-c", "echo >/one/file"])
        tree.run(["sh", "-c", "rm /copied/file; touch /copied/new"])
        assert tree.run(["ls", "/copied"]) == "new\n"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "ours"


def test_a_command_that_takes_too_long_is_killed_with_its_children(tree: Tree) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        tree.run(["sh", "-c", "sleep 98701 & sleep 98701"], timeout=1)
    wait_until(lambda: not running("98701"), "its end")


def test_a_daemon_lives_until_the_end_of_the_tree(root: Path) -> None:
    with Tree(root) as tree:
        tree.run(["sh", "-c", "setsid sleep 98702 >/dev/null 2>&1 &"])
        assert running("98702")
        assert "sleep" in tree.run(["ps", "-e", "-o", "comm="])
    assert not running("98702")


def test_nothing_stays_of_a_process_that_is_killed(root: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sim.debian.tree import Tree\n"
        "with Tree(Path(sys.argv[1])) as tree:\n"
        "    tree.run(['sh', '-c', 'setsid sleep 98703 >/dev/null 2>&1 &'])\n"
        "    print('ready', flush=True); tree.run(['sleep', '98703'])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert running("98703")
        process.kill()
    wait_until(
        lambda: not running("98703"),
        "the end of the tree",
        evidence=lambda: "\n".join(mounts(root.parent)),
    )


def test_packages_come_from_debian_and_from_the_index_of_python(tree: Tree) -> None:
    tree.run(["apt-get", "update"])
    tree.run(["apt-get", "install", "--yes", "--no-install-recommends", "openvswitch-switch"])
    # No service starts by itself.
    assert "ovs-vswitchd" not in tree.run(["ps", "-e", "-o", "comm="])
    tree.run(["python3", "-m", "venv", "/root/venv"])
    tree.run(["/root/venv/bin/pip", "install", "--quiet", "netaddr"])
    assert "netaddr" in tree.run(["/root/venv/bin/pip", "list"])


def test_a_check_of_the_matrix_that_fails_is_shown(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("sh", "-c", "'echo what; echo why; echo 3 failed, 1 passed in 2s; exit 1'")
    with Tree(root, [Bound(CHECKOUT, HERE, is_copy=True)]) as tree:
        outcome = run_check(LEGS[0], tree, "of-a-test", argv)
        assert run_check(LEGS[0], tree, "of-a-test", ("ls", "setup*")).is_ok
    assert (outcome.is_ok, outcome.closing) == (False, "3 failed, 1 passed in 2s")
    lines = capsys.readouterr().out.splitlines()
    assert "why" in lines
    assert any(line.startswith("matrix 12-lowest: of-a-test FAILED") for line in lines)
