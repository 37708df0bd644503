"""Packaging of vtep_ofapp."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.findall(
    r'^VERSION = "(.+)"$', (HERE / "vtep_ofapp" / "version.py").read_text(), re.MULTILINE
)[0]
"""Read without an import, which would need the libraries."""
OS_KEN = "os-ken>=3.0,<5"
"""What the application runs on. requirements.txt names what it is developed on."""
REQUIREMENTS = [
    line.split("#")[0].strip()
    for line in (HERE / "requirements.txt").read_text().splitlines()
    if line.split("#")[0].strip()
]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""Those that `make lint` checks and that docs/versions.md speaks of."""
WEB = ["prometheus_client>=0.16,<1"]  # Debian 12 has 0.16
SIM = ["pyroute2>=0.9,<0.10", "scapy>=2.6,<3", "pyyaml>=6,<7"]

setup(
    name="vtep-ofapp",
    version=VERSION,
    description="An os-ken application that makes Open vSwitch bridges VXLAN tunnel endpoints",
    license="None has been chosen yet: nobody has more permission than the law gives.",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["vtep_ofapp", "vtep_ofapp.*"]),
    package_data={"vtep_ofapp": ["py.typed"], "vtep_ofapp.web": ["static/*"]},
    data_files=[
        (
            "share/vtep_ofapp",
            [
                "etc/vtep_ofapp.conf",
                "etc/vtep_ofapp.service",
                "etc/vtep_ofapp@.service",
                "etc/vtep-ofapp-web.service",
            ],
        ),
        ("share/vtep_ofapp/grafana", ["etc/grafana/vtep_ofapp.json"]),
        ("share/vtep_ofapp/prometheus", ["etc/prometheus/vtep_ofapp.rules.yml"]),
        ("share/man/man8", ["etc/man/vtep-ofapp.8", "etc/man/vtep-ofapp-web.8"]),
        ("share/man/man5", ["etc/man/vtep-ofapp.conf.5"]),
        ("share/bash-completion/completions", ["etc/bash-completion/vtep-ofapp"]),
    ],
    scripts=["etc/osken-manager"],
    entry_points={
        "console_scripts": [
            "vtep-ofapp = vtep_ofapp.cli.main:main",
            "vtep-ofapp-web = vtep_ofapp.web.__main__:main",
        ]
    },
    python_requires=">=3.10",
    classifiers=[
        "Environment :: No Input/Output (Daemon)",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        *(f"Programming Language :: Python :: {each}" for each in PYTHONS),
        "Topic :: System :: Networking",
        "Typing :: Typed",
    ],
    install_requires=[OS_KEN, *(each for each in REQUIREMENTS if not each.startswith("os-ken"))],
    extras_require={
        "sim": SIM,
        "web": WEB,
        "bench": [*SIM, "matplotlib>=3.8,<4"],
        "test": [
            *SIM,
            *WEB,
            "build>=1,<2",
            "twine>=6,<7",
            "selenium>=4.25,<5",
            "pytest>=8,<10",
            "pytest-cov>=5,<8",
            "pytest-timeout>=2.3,<3",
            "pytest-xdist>=3.6,<4",
            "hypothesis>=6.100,<7",
            "ruff>=0.9,<1",
            "mypy>=1.14,<3",
            "types-pyyaml",
        ],
    },
)
