"""Replicas may only read the folder of the index: they serve what is there, if this version can read it."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from advisor import bootstrap, settings
from advisor.bootstrap import build_ingest, prepare_index
from advisor.errors import IndexUnavailableError, ModelError, ReadOnlyError
from advisor.retrieval import generations as module
from advisor.settings import Settings


@pytest.fixture
def read_only(small: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an index that is there, in a folder whose lock cannot be taken: it is on a disk mounted read-only."""
    build_ingest(small).run()

    def refuse(_: object, timeout: float) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(module.filelock.FileLock, "acquire", refuse)
    return small


def change(base: Path) -> None:
    (base / "tea.md").unlink()
    (base / "tea.yaml").unlink()


def test_what_is_up_to_date_serves(read_only: Settings) -> None:
    report = prepare_index(read_only)
    assert report is not None
    assert report.unchanged


def test_what_another_process_has_yet_to_index_serves_as_it_is(read_only: Settings) -> None:
    change(read_only.knowledge_base_dir)
    serving = (read_only.generations_dir / "current").read_text()
    assert prepare_index(read_only) is None
    assert (read_only.generations_dir / "current").read_text() == serving


def test_an_ingest_says_that_the_folder_cannot_be_written(read_only: Settings) -> None:
    change(read_only.knowledge_base_dir)
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        build_ingest(read_only).run()


def test_an_index_that_this_version_cannot_read_does_not_serve(
    read_only: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("generations", "builder", "hybrid"):
        monkeypatch.setattr(f"advisor.retrieval.{place}.FORMAT", "index-next")
    with pytest.raises(IndexUnavailableError, match="another version"):
        prepare_index(read_only)


def test_without_an_index_there_is_nothing_to_serve(read_only: Settings) -> None:
    (read_only.generations_dir / "current").unlink()
    with pytest.raises(IndexUnavailableError, match="no index yet"):
        prepare_index(read_only)


def test_an_image_brings_its_own_model(small: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    carried = tmp_path / "image" / small.model_dir.name
    carried.parent.mkdir()
    small.model_dir.rename(carried)
    for place in (settings, bootstrap):
        monkeypatch.setattr(place, "BUNDLED_MODEL", carried)
    monkeypatch.setattr("advisor.retrieval.embeddings.export_default_model", None)  # an image has no torch
    assert build_ingest(small, rebuild=True).run(rebuild=True).embedded
    assert not (small.data_dir / "models" / carried.name).exists()


@pytest.mark.parametrize("name", ["embedding_model", "reranker"])
def test_what_an_image_cannot_do_it_says(small: Settings, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    build_ingest(small).run()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=f"not installed.*ADVISOR_{name.upper()}"):
        bootstrap.build_advisor(small.model_copy(update={name: "x"}))
