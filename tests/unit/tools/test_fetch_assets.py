"""The front-end files: pinned, matching the components, free of fonts and addresses of others."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import re
import tarfile
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from support import ROOT


def tool() -> ModuleType:
    """The script as a module; ``tools`` is no package."""
    spec = importlib.util.spec_from_file_location("fetch_assets", ROOT / "tools/fetch_assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CSS = (
    '@charset "UTF-8";@font-face{font-family:F;src:url(https://fonts.example/F.woff2)}'
    ".a{background:url(/assets/images/cross.svg)}\n/*# sourceMappingURL=a.css.map */"
)


def small_archive() -> bytes:
    """A package with the four kinds of file that are taken."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in {
            "dist/nhsuk/nhsuk-frontend-1.0.0.min.css": CSS,
            "dist/nhsuk/nhsuk-frontend-1.0.0.min.js": "export{};\n//# sourceMappingURL=a.js.map",
            "dist/nhsuk/assets/images/cross.svg": "<svg/>",
            "README.md": "# x\n\n## Licence\n\nMIT\n",
        }.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data.encode()))
    return content.getvalue()


def test_the_pinned_version_is_the_one_the_components_state() -> None:
    pinned = tomllib.loads((ROOT / "tools/assets.lock.toml").read_text())["nhsuk-frontend"]
    ours = importlib.metadata.version("nhsuk-frontend-jinja")
    readme = importlib.metadata.metadata("nhsuk-frontend-jinja").get_payload()
    rows = {b: a for a, b in re.findall(r"\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|", str(readme))}
    assert rows[ours] == pinned["version"]


def test_a_style_sheet_loses_fonts_and_foreign_addresses() -> None:
    css = tool().without_fonts(CSS)
    assert css == '@charset "UTF-8";.a{background:url(images/cross.svg)}\n'


def test_an_archive_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tool()
    fetched = tmp_path / "fetched.tgz"
    fetched.write_bytes(b"not the archive")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "npm_pack", lambda spec, folder: fetched)
    assert module.main(["--target", str(tmp_path / "target")]) == 1
    assert "expected sha512-" in capsys.readouterr().err
    assert not (tmp_path / "target").exists()


def test_files_are_laid_once_and_mended_when_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tool()
    content = small_archive()
    integrity = module.integrity_of(content)
    lock = tmp_path / "lock.toml"
    lock.write_text(f'[nhsuk-frontend]\nversion = "1.0.0"\nintegrity = "{integrity}"\n')
    fetches: list[str] = []

    def pack(spec: str, folder: Path) -> Path:
        fetches.append(spec)
        (folder / "a.tgz").write_bytes(content)
        return folder / "a.tgz"

    monkeypatch.setattr(module, "LOCK", lock)
    monkeypatch.setattr(module, "npm_pack", pack)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    target = tmp_path / "target"
    assert module.main(["--target", str(target)]) == 0
    assert (target / "images/cross.svg").read_text() == "<svg/>"
    (target / "nhsuk-frontend.min.css").write_text("spoilt")
    assert not module.in_place(target, integrity)
    assert module.main(["--target", str(target)]) == 0
    assert module.in_place(target, integrity)
    assert fetches == ["nhsuk-frontend@1.0.0"], "the kept copy serves the second time"
