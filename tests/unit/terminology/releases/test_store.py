"""The store: what is in use, what a kill leaves behind, what a changed file looks like."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from counterfoil.foundation.errors import DataError, UsageError
from counterfoil.terminology.releases import Releases, store
from small_dmd_release import FORMER, SUPPLEMENT, VMP, SmallRelease
from support import ROOT


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "home" / "terminology")


def put(releases: Releases, tmp_path: Path, date: str, *kinds: str) -> str:
    made = SmallRelease()
    made.date = date
    return releases.load(made.write(tmp_path / f"{date}.zip", *kinds)).name


def test_an_empty_home_has_nothing(releases: Releases) -> None:
    assert releases.names() == []
    assert releases.current("products") is None
    assert releases.pinned() == {}
    assert releases.resolve("1") == "1"
    assert releases.in_use().products.num_rows == 0
    assert not releases.root.exists()


def test_the_newest_is_in_use_until_another_is_chosen(releases: Releases, tmp_path: Path) -> None:
    new = put(releases, tmp_path, "140825")
    old = put(releases, tmp_path, "070825")
    assert releases.pinned() == {"products": new}
    releases.use(old)
    assert Releases(releases.root).pinned() == {"products": old}
    current = releases.current("dmd")
    assert current is not None
    assert current.name == old
    newest = put(releases, tmp_path, "210825")
    assert releases.pinned() == {"products": old}
    releases.use_newest("products")
    assert releases.pinned() == {"products": newest}
    with pytest.raises(UsageError, match="no release 'x'"):
        releases.use("x")


def test_what_is_in_use_together_follows_the_choice(releases: Releases, tmp_path: Path) -> None:
    put(releases, tmp_path, "140825")
    before = releases.in_use()
    assert releases.in_use() is before
    assert releases.resolve(FORMER[1]) == FORMER[1]
    put(releases, tmp_path, "140825", *SUPPLEMENT)
    assert releases.resolve(FORMER[1]) == VMP["tablet"]
    assert before.pinned == {"products": "dmd-2025-08-14"}


def test_a_choice_that_is_gone_falls_back_to_the_newest(releases: Releases, tmp_path: Path) -> None:
    name = put(releases, tmp_path, "140825")
    (releases.root / "in-use.json").write_text(json.dumps({"products": "dmd-1999-01-01"}))
    assert releases.pinned() == {"products": name}
    (releases.root / "in-use.json").write_text("{")
    with pytest.raises(DataError, match="in-use"):
        releases.pinned()


def test_a_changed_file_is_found(releases: Releases, tmp_path: Path) -> None:
    release = releases.get(put(releases, tmp_path, "140825"))
    assert release.damaged() == []
    with (release.folder / "product.parquet").open("ab") as file:
        file.write(b"x")
    (release.folder / "source" / "vmp.parquet").unlink()
    assert release.damaged() == ["product.parquet", "source/vmp.parquet"]


def test_a_release_of_another_format_is_not_read(releases: Releases, tmp_path: Path) -> None:
    release = releases.get(put(releases, tmp_path, "140825"))
    text = (release.folder / "manifest.json").read_text()
    (release.folder / "manifest.json").write_text(text.replace('"format": 1', '"format": 0'))
    assert releases.names() == []
    assert put(releases, tmp_path, "140825").startswith("dmd-2025-08-14-")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        put(Releases(tmp_path / "file" / "terminology"), tmp_path, "140825")


def test_a_full_disk_leaves_nothing_behind(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_sync_tree", full)
    with pytest.raises(UsageError, match="No space left"):
        put(releases, tmp_path, "140825")
    assert list(releases.folder.iterdir()) == []


def test_what_a_killed_load_left_is_removed(releases: Releases, tmp_path: Path) -> None:
    left = releases.folder / ".partial-abc"
    left.mkdir(parents=True)
    (left / "product.parquet").write_text("half")
    put(releases, tmp_path, "140825")
    assert [p.name for p in releases.folder.iterdir()] == ["dmd-2025-08-14"]


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_release_whole_or_absent(
    releases: Releases, tmp_path: Path
) -> None:
    path = SmallRelease().write(tmp_path / "a.zip")
    code = (
        "import sys; from pathlib import Path;"
        "from counterfoil.terminology.releases import Releases, dmd;"
        "print('go', flush=True);"
        "Releases(Path(sys.argv[1])).load(Path(sys.argv[2]))"
    )
    for wait in (0.02, 0.08, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(releases.root), str(path)],
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for name in releases.names():
            assert releases.get(name).damaged() == []
    assert releases.load(path).name == "dmd-2025-08-14"
    assert releases.get("dmd-2025-08-14").damaged() == []
