"""One zip for a support case: the same content gives the same bytes, and it appears whole or not at all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from hybridge.net.answerers.replay import CMDLETS_FOLDER
from hybridge.support.content import clean_recording

_DAY = (1980, 1, 1, 0, 0, 0)
_OWNER_ONLY = 0o600 << 16


def evidence_files(recorded: Mapping[str, bytes]) -> dict[str, bytes]:
    """The recorded exchanges that go along, without what people wrote; exports for other tools stay behind."""
    kept = {
        name: content
        for name, content in recorded.items()
        if name.endswith(".json") and (name.startswith(f"{CMDLETS_FOLDER}/") or "/" not in name)
    }
    return {f"evidence/{name}": clean_recording(content) for name, content in kept.items()}


def each_text(files: Mapping[str, bytes], change: Callable[[str], str]) -> dict[str, bytes]:
    """``files`` (all UTF-8 text) with ``change`` applied to each."""
    return {name: change(content.decode("utf-8", "replace")).encode("utf-8") for name, content in files.items()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """``files`` as a zip, in the order of their names, without times."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _OWNER_ONLY
            into.writestr(entry, files[name])
    return archive.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, readable for its owner only, whole or not at all. Raises ``OSError``."""
    part = path.with_name(path.name + ".part")
    try:
        part.touch(mode=0o600)
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
