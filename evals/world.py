"""Where a suite is asked: advisors over the serving index, each with a scratch database of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from advisor.bootstrap import build_advisor, build_ingest, build_library_ingest, build_program
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import KnowledgeBase, Section
from advisor.errors import BusyError, InvalidInputError
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.program.office import ProgramOffice
from advisor.program.tables import import_table, read_table
from advisor.service import Advisor
from advisor.settings import Settings
from evals.cases import EvalCase, Kind, Suite
from evals.facts import Facts, read_facts
from evals.recount import Known
from evals.seen import File

_PATIENCE = 120
"""Seconds that another ingest is waited for."""
_SHARED = ("models", "generations")
_DATABASE = "evals.sqlite"


class World:
    """Advisors as cases need them: alone, with a register, or with the suite's documents."""

    def __init__(self, settings: Settings, suite: Suite, scratch: Path) -> None:
        """Lay out the data folders; what is expensive is opened when it is first needed. Call `prepare` first."""
        self._settings = settings
        self._suite = suite
        self._scratch = scratch
        self._offices: dict[date, ProgramOffice] = {}
        self._known: dict[date, Known] = {}
        self._facts: dict[date, Facts] = {}
        self._with_register: dict[date, Advisor] = {}

    def prepare(self, cases: list[EvalCase]) -> None:
        """Open what cases need, so that they can be asked side by side."""
        self._ingest()
        for case in cases:
            self.get_advisor(case)

    def _ingest(self) -> None:
        """Bring the index up to date; wait while another run does."""
        for _ in range(_PATIENCE):
            try:
                build_ingest(self._settings).run()
            except BusyError:
                time.sleep(1)
            else:
                return
        build_ingest(self._settings).run()

    def get_advisor(self, case: EvalCase) -> Advisor:
        """Return the advisor that a case is for."""
        if case.on_register:
            if case.as_of not in self._with_register:
                settings = self._make_settings(f"register-{case.as_of}")
                self._with_register[case.as_of] = build_advisor(settings, self.get_office(case.as_of))
            return self._with_register[case.as_of]
        return self._with_documents if self._needs_documents(case) else self.alone

    def _needs_documents(self, case: EvalCase) -> bool:
        return case.kind is Kind.DOCUMENTS or bool(self._suite.collections and not self._suite.apart)

    def get_sections(self, case: EvalCase) -> Mapping[str, Section]:
        """Return the sections that an answer to a case may quote, by id."""
        return self.sections | self._documents[0] if self._needs_documents(case) else self.sections

    def get_files(self, case: EvalCase) -> Mapping[str, File]:
        """Return all files of the suite's documents by id; an answer may quote those that its labels open."""
        return self._documents[1] if self._needs_documents(case) else {}

    @cached_property
    def _documents(self) -> tuple[dict[str, Section], dict[str, File]]:
        collections = {collection.name: collection for collection in self._suite.list_collections()}
        sections: dict[str, Section] = {}
        files: dict[str, File] = {}
        for head in self._with_documents.list_documents(LOCAL_CALLER):
            collection = collections[head.collection]
            changed = datetime.fromtimestamp((Path(collection.path) / head.path).stat().st_mtime, UTC).date()
            files[head.id] = File(head.path, head.title, collection.label, changed)
            sections |= {s.id: s for s in self._with_documents.get_document(LOCAL_CALLER, head.id)[1]}
        return sections, files

    def get_office(self, day: date) -> ProgramOffice:
        """Return the office of the suite's register, or of the demo company, on a day."""
        if day not in self._offices:
            office = build_program(self._make_settings(f"register-{day}"), lambda: day)
            self._fill(office)
            self._offices[day] = office
        return self._offices[day]

    def _fill(self, office: ProgramOffice) -> None:
        file = self._suite.records_file
        if file is None:
            office.load_demo(LOCAL_CALLER, door="evals")
            return
        report = import_table(office, LOCAL_CALLER, read_table(file))
        if report.problems:
            first = report.problems[0]
            raise InvalidInputError(f"{file.name}, {first.place}: {first.problem}", "Mend the row, or the case's day.")

    def get_known(self, day: date) -> Known:
        """Return how the criteria stand on a day, as the office says."""
        if day not in self._known:
            office = self.get_office(day)
            self._known[day] = Known(
                summary=office.summarise(LOCAL_CALLER),
                gates=office.assess_gates(LOCAL_CALLER),
                gaps=office.rank_gaps(LOCAL_CALLER),
            )
        return self._known[day]

    def get_facts(self, day: date) -> Facts:
        """Return what stands in the register's log on a day, read past the product."""
        if day not in self._facts:
            self.get_office(day)
            file = self._scratch / f"register-{day}" / _DATABASE
            self._facts[day] = read_facts(file, day, self._settings.knowledge_base_dir, self._settings.thresholds)
        return self._facts[day]

    @cached_property
    def alone(self) -> Advisor:
        """The advisor that has the playbooks alone."""
        return build_advisor(self._make_settings("alone"))

    @cached_property
    def _with_documents(self) -> Advisor:
        collections = self._suite.list_collections()
        settings = self._make_settings("documents").model_copy(update={"collections": collections})
        build_library_ingest(settings).run()
        return build_advisor(settings)

    @cached_property
    def _knowledge(self) -> KnowledgeBase:
        return load_knowledge_base(self._settings.knowledge_base_dir)

    @cached_property
    def sections(self) -> dict[str, Section]:
        """The sections of the playbooks by id."""
        return {section.id: section for section in self._knowledge.sections}

    @cached_property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Title and publisher of the articles that playbooks name, by id."""
        return {source.id: (source.title, source.publisher) for source in self._knowledge.sources}

    def _make_settings(self, name: str) -> Settings:
        """Return settings with the serving index and model, and everything else empty."""
        folder = self._scratch / name
        folder.mkdir(exist_ok=True)
        for shared in _SHARED:
            if not (folder / shared).exists():
                (folder / shared).symlink_to((self._settings.data_dir / shared).resolve())
        database = f"sqlite:///{folder / _DATABASE}"
        return self._settings.model_copy(update={"data_dir": folder, "database_url": database, "collections": ()})


@contextmanager
def open_world(settings: Settings, suite: Suite) -> Iterator[World]:
    """Yield a world that leaves nothing behind."""
    with TemporaryDirectory(prefix="evals-") as folder:
        yield World(settings, suite, Path(folder))
