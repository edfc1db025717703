"""The collections that were added on the command line, kept in a file beside the index."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from advisor.domain.knowledge import Collection
from advisor.errors import InvalidInputError, NotFoundError, StorageError

_ALL = TypeAdapter(tuple[Collection, ...])


class CollectionsFile:
    """Reads and replaces the list, whole."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self) -> tuple[Collection, ...]:
        """Return the collections, in the order in which they were added; raise InvalidInputError for a damaged file."""
        try:
            return _ALL.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return ()
        except (ValidationError, ValueError):
            raise InvalidInputError(
                f"{self._file.name} cannot be read.", "Correct it, or delete it and add the folders again."
            ) from None

    def put(self, collection: Collection) -> None:
        """Add a collection, or replace the one of that name."""
        self._save([*(known for known in self.load() if known.name != collection.name), collection])

    def remove(self, name: str) -> None:
        """Take a collection off the list; raise NotFoundError."""
        known = self.load()
        kept = [collection for collection in known if collection.name != name]
        if len(kept) == len(known):
            raise NotFoundError(f'There is no collection "{name[:60]}".', "See `advisor collections list`.")
        self._save(kept)

    def _save(self, collections: list[Collection]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_suffix(".part")
            part.write_bytes(_ALL.dump_json(tuple(collections), indent=1))
            part.replace(self._file)
        except OSError as error:
            raise StorageError(
                f"The list of collections cannot be written ({error.strerror}).", "Check the data directory."
            ) from error
