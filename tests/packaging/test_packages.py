"""The source distribution and the wheel install and start, with each Python of this machine."""

from __future__ import annotations

import email
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from sim.waiting import wait_until
from tests.docs.pages import PAGES, section
from tests.environments import install, kept, run
from tests.ports import held_port
from tests.switch.conftest import a_switch
from vtep_ofapp.version import VERSION

pytestmark = pytest.mark.timeout(900)  # pip makes an environment for each Python

ROOT = Path(__file__).parents[2]
OLDEST = (3, 10)
"""The first Python that setup.py allows."""
INSTALLED = {
    "share/vtep_ofapp": (
        "vtep_ofapp.conf",
        "vtep_ofapp.service",
        "vtep_ofapp@.service",
        "vtep-ofapp-web.service",
    ),
    "share/vtep_ofapp/grafana": ("grafana/vtep_ofapp.json",),
    "share/vtep_ofapp/prometheus": ("prometheus/vtep_ofapp.rules.yml",),
    "share/man/man8": ("man/vtep-ofapp.8", "man/vtep-ofapp-web.8"),
    "share/man/man5": ("man/vtep-ofapp.conf.5",),
    "share/bash-completion/completions": ("bash-completion/vtep-ofapp",),
}
"""Files of etc/, by the folder that they are installed in."""
COMMANDS = (("osken-manager", "vtep_ofapp"), ("vtep-ofapp",))
"""The two ways to start the application."""
ALONE = "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed"
"""Options of pip for a package alone: its libraries are there."""
NOT_TRACKED = (".*", "build", "dist", "*.egg-info", "__pycache__")


def pythons() -> dict[tuple[int, int], Path]:
    """Return the interpreters of this machine, one for each version that is allowed."""
    folders = [*map(Path, os.environ["PATH"].split(":")), Path("/usr/bin")]
    folders += Path.home().glob(".pyenv/versions/*/bin")
    found = {sys.version_info[:2]: Path(sys.executable)}
    for path in sorted(path for folder in folders for path in folder.glob("python3.*")):
        name = re.fullmatch(r"python3\.(\d+)", path.name)
        version = (3, int(name[1])) if name else (0, 0)
        if version < OLDEST or version in found:
            continue
        # A shim of pyenv may stand for a version that is not there.
        answer = subprocess.run([path, "-c", "import ensurepip"], capture_output=True, check=False)
        if answer.returncode == 0:
            found[version] = path
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, without what was made in it."""
    folder = tmp_path_factory.mktemp("source") / "vtep_ofapp"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_TRACKED))
    return folder


@functools.cache
def tools(version: tuple[int, int], python: Path) -> Path:
    """Return the environment with what vtep_ofapp and its build need.

    It is made once for each Python and each requirements.txt.
    """
    needed = "setuptools>=70.1", ROOT / "requirements.txt"
    return kept(f"{version[0]}.{version[1]}", python, *needed)


@pytest.fixture(scope="module")
def packages(source: Path) -> dict[str, Path]:
    """The source distribution of the checkout, and the wheel that is made from that alone."""
    run(sys.executable, "-m", "build", "--outdir", source.parent / "dist", cwd=source)
    (sdist,) = (source.parent / "dist").glob("*.tar.gz")
    (wheel,) = (source.parent / "dist").glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


@pytest.fixture(params=pythons().items(), ids=lambda each: f"{each[0][0]}.{each[0][1]}")
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A fresh environment with all that vtep_ofapp needs, and without it."""
    version, python = request.param
    return make_environment(version, python, tmp_path)


def make_environment(version: tuple[int, int], python: Path, tmp_path: Path) -> Path:
    """Make such an environment in a folder."""
    needed = tools(version, python)
    folder = tmp_path / "environment"
    run(needed / "bin/python", "-m", "venv", "--without-pip", folder)
    library = f"lib/python{version[0]}.{version[1]}/site-packages"
    (folder / library / "needed.pth").write_text(f"{needed / library}\n")
    return folder


def test_the_wheel_installs_and_starts(
    environment: Path, packages: dict[str, Path], tmp_path: Path
) -> None:
    check(environment, packages["wheel"], tmp_path)


def test_the_source_distribution_installs_and_starts(
    packages: dict[str, Path], tmp_path: Path
) -> None:
    """With one Python: it is made into the same wheel with each."""
    own = sys.version_info[:2]
    check(make_environment(own, Path(sys.executable), tmp_path), packages["sdist"], tmp_path)


def os_ken(which: str) -> str:
    """Return the lowest version of os-ken that the package allows, or the bounds of that."""
    bounds = re.search(r'^OS_KEN = "(.+)"$', (ROOT / "setup.py").read_text(), re.MULTILINE)
    assert bounds
    return bounds[1] if which == "highest" else re.sub(r">=([\d.]+).*", r"==\1", bounds[1])


@pytest.mark.parametrize("which", ["lowest", "highest"])
def test_it_manages_a_bridge_with_each_os_ken_in_both_ways(
    which: str, packages: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout: there a folder has the name of the module."""
    environment = make_environment(sys.version_info[:2], Path(sys.executable), tmp_path)
    install(environment, "--no-deps", "--ignore-installed", os_ken(which))
    install(environment, *ALONE, packages["wheel"])
    assert "os-ken 3.1" not in run(environment / "bin/vtep-ofapp", "--version")
    for program, *arguments in COMMANDS:
        with a_switch() as switch:
            command = [str(environment / "bin" / program), *arguments]
            command += ["--config-file", str(switch.app.config)]
            in_checkout = ["env", "--unset=PYTHONPATH", f"--chdir={ROOT}", *command]
            monkeypatch.setattr(switch.app, "command", lambda argv=in_checkout: argv)
            switch.manage()
            assert switch.app.stop() == 0


def check(environment: Path, package: Path, tmp_path: Path) -> None:
    """Install a package into an environment, and start the application there in both ways."""
    folder, python = environment, environment / "bin/python"
    install(folder, *ALONE, package)
    where = run(python, "-c", "import vtep_ofapp; print(vtep_ofapp.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(folder)
    for place, samples in INSTALLED.items():
        for sample in samples:
            installed = folder / place / Path(sample).name
            assert installed.read_bytes() == (ROOT / "etc" / sample).read_bytes()
    for file in (ROOT / "vtep_ofapp" / "web" / "static").iterdir():
        assert (Path(where.strip()).parent / "web" / "static" / file.name).exists()
    web = subprocess.run(
        [folder / "bin/vtep-ofapp-web"], capture_output=True, text=True, check=False
    )
    assert web.stderr.startswith("vtep-ofapp-web: prometheus_client is missing: apt install ")
    assert web.stderr.endswith("pip install 'vtep-ofapp[web]'\n")
    config = (folder / "share/vtep_ofapp/vtep_ofapp.conf").read_text()
    (tmp_path / "app.conf").write_text(config.replace("port = 6653", f"port = {held_port()}"))
    for program, *arguments in COMMANDS:
        starts([folder / "bin" / program, *arguments], tmp_path)


def starts(command: list[str | Path], folder: Path) -> None:
    """Start the application with app.conf of a folder, until it looks for its database there."""
    with (folder / "log").open("w") as log:
        app = subprocess.Popen(
            [*command, "--config-file", folder / "app.conf"],
            stderr=log,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "OVS_RUNDIR": str(folder)},
        )
    try:
        said = lambda: (folder / "log").read_text()  # noqa: E731
        wait_until(
            lambda: (
                app.poll() is not None
                or f"hardware_vtep: unix:{folder}/db.sock: No such file or directory" in said()
            ),
            "it looks for its database",
            timeout=60,
            evidence=said,
        )
        app.send_signal(signal.SIGTERM)
        assert app.wait(20) == 0, said()
    finally:
        app.kill()
        app.wait()


def test_they_have_what_an_index_wants_and_say_that_no_licence_was_chosen(
    packages: dict[str, Path],
) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *packages.values())
    with zipfile.ZipFile(packages["wheel"]) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == VERSION
    assert metadata["License"].startswith("None has been chosen yet")
    classifiers = metadata.get_all("Classifier", [])
    assert not [each for each in classifiers if each.startswith("License")]
    pythons = [each.rpartition(" ")[2] for each in classifiers if ":: Python ::" in each]
    assert metadata["Requires-Python"] == f">={pythons[0]}"
    assert tuple(map(int, pythons[0].split("."))) == OLDEST


def test_the_source_distribution_has_what_its_pages_link_to(packages: dict[str, Path]) -> None:
    with tarfile.open(packages["sdist"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for path in PAGES:
        page = path.relative_to(ROOT)
        links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
        named = {os.path.normpath(page.parent / link) for link in links}
        assert {str(page), *named} <= names, page


def test_the_lines_of_the_page_install_it_in_a_virtual_environment(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but those for systemd, in another folder."""
    needed = tools(sys.version_info[:2], Path(sys.executable))
    (libraries,) = needed.glob("lib/*/site-packages")
    # That pip finds the libraries, `make venv` shows.
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("PYTHONPATH", str(libraries))
    lines = section(ROOT / "docs" / "installing.md", "Virtual environment").split("```")[1]
    opt, etc = tmp_path / "opt", tmp_path / "etc"
    (etc / "systemd/system").mkdir(parents=True)
    for line in lines.strip().splitlines():
        if not line.startswith("systemctl "):
            here = line.replace("/opt/", f"{opt}/").replace(" /etc/", f" {etc}/")
            run("sh", "-c", here, cwd=source)
    unit = (etc / "systemd/system/vtep_ofapp.service").read_text()
    (command,) = re.findall(r"^ExecStart=(\S+) --config-file /etc/vtep_ofapp.conf$", unit, re.M)
    program = command.replace("/opt/", f"{opt}/")
    assert run(program, "check-config", etc / "vtep_ofapp.conf")
    assert VERSION in run(f"{program}-web", "--version")
