"""Files within named roots: no spelling, link or race reaches outside."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discreet.connectors import files as files_module
from discreet.connectors.errors import BadAnswer, ConnectorError, InvalidArgument, Refused
from discreet.connectors.files import Files, FilesConfig
from tests.services.clock import NOW

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "root" / "tax").mkdir(parents=True)
    (tmp_path / "root" / "tax" / "2025.txt").write_text("bench 80\n")
    (tmp_path / "secret.txt").write_text("SECRET")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("SECRET")
    return tmp_path


@pytest.fixture
def files(place: Path) -> Files:
    return Files(FilesConfig({"docs": place / "root"}, file_bytes_max=1_000))


def test_what_is_written_is_read_listed_moved_and_deleted(files: Files, place: Path, call: Call) -> None:
    call(files, "write", path="docs/tax/new.txt", text="Grüße")
    assert call(files, "read", path="docs/tax/new.txt") == "Grüße"
    assert [e["name"] for e in call(files, "list", folder="docs/tax")] == ["2025.txt", "new.txt"]
    call(files, "move", path="docs/tax/new.txt", to="docs/moved.txt")
    assert call(files, "delete", path="docs/moved.txt") == {"deleted": True}
    assert sorted(p.name for p in place.rglob("*") if p.is_file()) == ["2025.txt", "secret.txt", "secret.txt"]  # no draft is left


@pytest.mark.parametrize("path", ["docs/../secret.txt", "../secret.txt", "docs/tax/../../secret.txt", "/etc/passwd", "etc/passwd", "docs", "docs/", "", "docs/./x", "docs/tax/..",
                                  "docs/a\0b", "docs/a\nb", "docs/" + "a" * 256, "docs/" + "a/" * 30, "other/x", "~/x", "docs\\..\\secret.txt"])
def test_paths_that_are_not_plainly_inside_are_refused(path: str, files: Files) -> None:
    for action, more in (("read", {}), ("write", {"text": "x"}), ("delete", {}), ("move", {"to": "docs/x"})):
        with pytest.raises((InvalidArgument, Refused)):
            files.call(action, {"path": path, **more}, "a nonce of a test", NOW)


@pytest.mark.parametrize("link", ["file", "folder", "dangling", "loop"])
def test_no_link_is_followed(link: str, files: Files, place: Path, call: Call, fails: Call) -> None:
    root = place / "root"
    target = {"file": place / "secret.txt", "folder": place / "outside", "dangling": place / "created.txt", "loop": root / "way"}[link]
    (root / "way").symlink_to(target)
    path = "docs/way/secret.txt" if link == "folder" else "docs/way"
    fails(Refused, files, "read", path=path)
    fails(Refused, files, "write", path=path, text="x")
    fails(Refused, files, "write", path=path, text="x", replace=True)
    fails(Refused, files, "delete", path=path)
    fails(Refused, files, "move", path=path, to="docs/mine")
    fails(Refused, files, "move", path="docs/tax/2025.txt", to=path)
    assert "way" not in [e["name"] for e in call(files, "list", folder="docs")]
    assert (place / "secret.txt").read_text() == "SECRET" and not (place / "created.txt").exists()


def test_swapping_a_folder_for_a_link_meanwhile_gains_nothing(files: Files, place: Path) -> None:
    root, stop, leaked = place / "root", threading.Event(), []
    (root / "swap").mkdir()
    (root / "swap" / "secret.txt").write_text("harmless")

    def swap() -> None:
        while not stop.is_set():
            os.rename(root / "swap", root / "aside")
            (root / "swap").symlink_to(place / "outside")
            os.unlink(root / "swap")
            os.rename(root / "aside", root / "swap")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(300):
            try:
                leaked.append(files.call("read", {"path": "docs/swap/secret.txt"}, "a nonce of a test", NOW))
            except ConnectorError:
                pass
    finally:
        stop.set()
        swapping.join()
    assert set(leaked) <= {"harmless"}


def test_devices_pipes_and_folders_are_no_files(files: Files, place: Path, fails: Call) -> None:
    os.mkfifo(place / "root" / "pipe")
    for name in ("pipe", "tax"):
        fails(Refused, files, "read", path=f"docs/{name}")
        fails(Refused, files, "delete", path=f"docs/{name}")
        fails(Refused, files, "write", path=f"docs/{name}", text="x", replace=True)


def test_nothing_is_overwritten_unless_told(files: Files, place: Path, fails: Call, call: Call) -> None:
    assert fails(Refused, files, "write", path="docs/tax/2025.txt", text="x").code == "exists"
    call(files, "write", path="docs/b.txt", text="b")
    assert fails(Refused, files, "move", path="docs/b.txt", to="docs/tax/2025.txt").code == "exists"
    assert (place / "root" / "tax" / "2025.txt").read_text() == "bench 80\n"
    call(files, "write", path="docs/tax/2025.txt", text="new", replace=True)
    assert (place / "root" / "tax" / "2025.txt").read_text() == "new"


def test_sizes_and_numbers_are_limited(files: Files, place: Path, fails: Call, monkeypatch: pytest.MonkeyPatch) -> None:  # G3.5
    (place / "root" / "big.txt").write_text("x" * 1_001)
    (place / "root" / "binary").write_bytes(b"\xff\xfe\x00")
    assert fails(BadAnswer, files, "read", path="docs/big.txt").code == "too_large"
    assert fails(BadAnswer, files, "read", path="docs/binary").code == "not_text"
    assert fails(InvalidArgument, files, "write", path="docs/x", text="ü" * 501).argument == "text"
    monkeypatch.setattr(files_module, "ENTRIES_MAX", 2)
    assert fails(BadAnswer, files, "list", folder="docs").code == "too_large"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(path=st.lists(st.sampled_from(["docs", "tax", "..", ".", "2025.txt", "secret.txt", "outside", "/", "\\", "way", "\0", ""]), max_size=6).map("/".join))
def test_no_path_reads_a_secret(path: str, files: Files, place: Path) -> None:
    try:
        found = files.call("read", {"path": path}, "a nonce of a test", NOW)
    except ConnectorError:
        return
    assert found == "bench 80\n"
