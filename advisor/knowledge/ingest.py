"""From files to a serving index."""

from __future__ import annotations

from pathlib import Path

from advisor.domain.knowledge import BuildReport
from advisor.knowledge.chunker import CHUNKER_VERSION, split_sections
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.ports import IndexWriter, Progress


class Ingest:
    """Loads the playbooks and has them indexed."""

    def __init__(self, *, knowledge_base_dir: Path, writer: IndexWriter, reviewed_only: bool = False) -> None:
        self._directory = knowledge_base_dir
        self._reviewed_only = reviewed_only
        self._writer = writer

    def run(self, *, rebuild: bool = False, progress: Progress | None = None) -> BuildReport:
        """Index what changed (everything with `rebuild`); on any error the old index goes on serving."""
        knowledge = load_knowledge_base(self._directory, reviewed_only=self._reviewed_only)
        chunks = split_sections(knowledge.sections)
        return self._writer.build(knowledge, chunks, chunker=CHUNKER_VERSION, rebuild=rebuild, progress=progress)
