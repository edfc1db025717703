"""Backup and restore of an installation: its database, its playbooks and prompts, its list of collections.

Not in a backup: the index and the embedding model, which are built again; the files of documents, which stay where they
are; keys and tokens of the environment.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from advisor.bootstrap import build_audit
from advisor.domain.audit import NewLine
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import ConflictError, InvalidInputError, StorageError
from advisor.settings import Settings
from advisor.storage.backup import BackupManifest, check_backup, read_backup, read_file, write_backup
from advisor.storage.database import open_database

_PLAYBOOKS, _PROMPTS, _COLLECTIONS = "knowledge_base/", "prompts/", "collections.json"


class _LastBackup(BaseModel):
    made_at: datetime


class Restored(NamedTuple):
    """What a restore came to; `differing` are playbooks that are other than those of the backup."""

    manifest: BackupManifest
    differing: tuple[str, ...]


def back_up(settings: Settings, target: Path) -> tuple[Path, BackupManifest]:
    """Write a backup while everything goes on: to a .zip, or into a folder under a name of the moment.

    Raises InvalidInputError for a file that is there already, and StorageError.

    Return the archive and what is in it.
    """
    archive = target if target.suffix == ".zip" else target / f"advisor-{datetime.now():%Y%m%d-%H%M%S}.zip"
    if archive.exists():
        raise InvalidInputError(f"{archive} is there already.", "Give another name, or a folder.")
    engine = open_database(settings.effective_database_url)
    build_audit(settings).note(LOCAL_CALLER, NewLine(action="backup", subject=archive.name))
    files = {
        f"{place}{file.name}": file
        for place, folder in ((_PLAYBOOKS, settings.knowledge_base_dir), (_PROMPTS, settings.prompts_dir))
        for file in sorted(folder.glob("*"))
        if file.suffix in {".md", ".yaml"}
    }
    if settings.collections_file.exists():
        files[_COLLECTIONS] = settings.collections_file
    manifest = write_backup(engine, archive, files)
    with contextlib.suppress(OSError):  # a replica may not write there, and the backup is made
        settings.last_backup.write_text(_LastBackup(made_at=manifest.made_at).model_dump_json())
    return archive, manifest


def find_last_backup(settings: Settings) -> datetime | None:
    """Return when the last backup was written from this data directory, or None."""
    try:
        return _LastBackup.model_validate_json(settings.last_backup.read_bytes()).made_at
    except (OSError, ValidationError):
        return None


def restore(settings: Settings, archive: Path, playbooks: Path | None = None) -> Restored:
    """Fill the empty database of the settings from a backup, and an empty folder with its playbooks if one is named.

    Raises InvalidInputError for an archive that does not hold, ConflictError where something is there already, and
    StorageError; then nothing was restored.
    """
    manifest = check_backup(archive)
    if playbooks and playbooks.exists() and any(playbooks.iterdir()):
        raise ConflictError(f"{playbooks} is not empty.", "Name a new folder for the playbooks.")
    read_backup(archive, open_database(settings.effective_database_url))
    try:
        if playbooks:
            _write_playbooks(archive, manifest, playbooks)
        if _COLLECTIONS in manifest.files and not settings.collections_file.exists():
            settings.collections_file.parent.mkdir(parents=True, exist_ok=True)
            settings.collections_file.write_bytes(read_file(archive, _COLLECTIONS))
    except OSError as error:
        raise StorageError(
            f"The database is restored; the files of the backup could not be written ({error.strerror}).",
            "The archive is a zip: unpack its folder files/ by hand.",
        ) from error
    build_audit(settings).note(LOCAL_CALLER, NewLine(action="restore", subject=archive.name))
    differing = _find_differing(archive, manifest, playbooks or settings.knowledge_base_dir)
    return Restored(manifest, differing)


def _list_playbooks(manifest: BackupManifest) -> list[str]:
    return [name.removeprefix(_PLAYBOOKS) for name in manifest.files if name.startswith(_PLAYBOOKS)]


def _write_playbooks(archive: Path, manifest: BackupManifest, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _list_playbooks(manifest):
        (folder / Path(name).name).write_bytes(read_file(archive, _PLAYBOOKS + name))


def _find_differing(archive: Path, manifest: BackupManifest, folder: Path) -> tuple[str, ...]:
    def differs(name: str) -> bool:
        file = folder / name
        return not file.is_file() or file.read_bytes() != read_file(archive, _PLAYBOOKS + name)

    return tuple(name for name in _list_playbooks(manifest) if differs(name))
