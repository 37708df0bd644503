"""Upgrade tests never skip: without the former version they say what to fetch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import former


def test_a_commit_that_is_missing_fails_the_test_and_says_what_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "COMMIT", "0" * 40)
    with pytest.raises(pytest.fail.Exception, match="git fetch --unshallow"):
        former.check_out(tmp_path)


def test_the_former_version_is_there_as_it_was(tmp_path: Path) -> None:
    checkout = former.check_out(tmp_path)
    assert (checkout / "vtep_ofapp" / "__init__.py").exists()
    assert not (checkout / "vtep_ofapp" / "engine").exists()
