"""The one object that doors call about the program: recording, judging, telling. Safe to share between threads."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import count, takewhile

from advisor.domain.checklist import ChecklistDraft, ChecklistItem, InterviewQuestion
from advisor.domain.criteria import CriteriaBook
from advisor.domain.dialogue import Answer, CitationKind, Draft, Outcome, Query, Report, Role
from advisor.domain.gaps import Finding, Gap, GapSummary, GateReadiness, StatusLine
from advisor.domain.identity import Caller, Permission
from advisor.domain.knowledge import Section
from advisor.domain.records import ActionItem, RecordKind
from advisor.domain.register import AnyRecord, Entry, RecordChange, Register
from advisor.errors import AdvisorError, ForbiddenError, InvalidInputError, NotFoundError
from advisor.ports import AuditLog, Embedder, RegisterLog
from advisor.program import checklists, interview
from advisor.program.answers.reporter import comment_on, find_earlier_day, report_on
from advisor.program.demo import demo_changes
from advisor.program.engine import Engine
from advisor.program.gates import assess_gates, describe_status
from advisor.program.ledger import Ledger, name_view
from advisor.program.names import find_exact, fold, suggest_names
from advisor.program.plain_words import Proposal, read_message
from advisor.program.ranking import Levels, rank_gaps
from advisor.program.reading import QuestionReader
from advisor.program.recording import Recorder, prepare_all
from advisor.program.restricted import RestrictedReads
from advisor.program.summaries import DAYS_BACK, Summariser

LONGEST_MESSAGE = 4000
_FIRST_DAY = date(2000, 1, 1)
_FEW_TASKS = 2


class ProgramOffice:
    """Keeps the register and judges it by the playbooks' criteria, for each caller as far as they may see."""

    def __init__(
        self,
        *,
        log: RegisterLog,
        book: CriteriaBook,
        sections: Mapping[str, Section],
        audit: AuditLog | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._log = log
        self.book = book
        self._sections = sections
        self._today = today
        self._summariser = Summariser(book)
        self._ledger = Ledger(log, book)
        self._restricted = RestrictedReads(audit)
        self._reader = QuestionReader(sections)

    @property
    def today(self) -> date:
        """The day that facts may not lie behind."""
        return self._today()

    # Reading

    def read_register(self, caller: Caller, as_of: date | None = None) -> Register:
        """Return what the caller may see of the register, as of the end of a day."""
        register = self._read(caller, as_of)
        self._restricted.note_all(caller, "the register", register)
        return register

    def _read(self, caller: Caller, as_of: date | None = None) -> Register:
        return self._ledger.read_visible(caller, as_of or self.today)

    def _engine(self, caller: Caller, as_of: date | None, *, site: str = "", initiative: str = "") -> Engine:
        if as_of is not None and not _FIRST_DAY <= as_of <= self.today:
            raise InvalidInputError(f"{as_of} is no day that can be looked at.", "Give today's date or an earlier one.")
        return self._ledger.get_engine(caller, as_of or self.today, site=site, initiative=initiative)

    def find_initiative(self, caller: Caller, name: str) -> str:
        """Return the id of the initiative that goes by a name, an alias or an id; raise NotFoundError."""
        return self._resolve(self._read(caller), RecordKind.INITIATIVE, name)

    def find_site(self, caller: Caller, name: str) -> str:
        """Return the id of the site that goes by a name or an id; raise NotFoundError."""
        return self._resolve(self._read(caller), RecordKind.SITE, name)

    @staticmethod
    def _resolve(register: Register, kind: RecordKind, name: str) -> str:
        records = register.sites if kind is RecordKind.SITE else register.initiatives
        named = {record.subject: record.fields for record in records}
        if found := find_exact(name, named):
            return found
        begins = [subject for subject, fields in named.items() if fold(fields.name).startswith(fold(name))]
        if len(begins) == 1 and name.strip():
            return begins[0]
        near = suggest_names(name, named)
        raise NotFoundError(
            f'There is no {kind.words} "{name[:80]}".',
            f"Did you mean {near}?" if near else "`advisor initiatives` lists what is in the register.",
        )

    def list_status(self, caller: Caller, *, as_of: date | None = None, site: str = "") -> tuple[StatusLine, ...]:
        """Return how each active initiative stands, in order of its id."""
        engine = self._engine(caller, as_of, site=site)
        self._restricted.note_all(caller, "status", engine.register)
        return tuple(describe_status(engine.register, initiative) for initiative in engine.active)

    def get_record(self, caller: Caller, kind: RecordKind, subject: str) -> AnyRecord:
        """Return one record; raise NotFoundError."""
        register = self._read(caller)
        record = register.find(kind, subject)
        if record is None:
            raise NotFoundError(f'There is no {kind.words} "{subject[:80]}".', "List the records for their ids.")
        self._restricted.note_record(caller, f"{kind.words} {subject}", register, record)
        return record

    def read_history(self, caller: Caller, kind: RecordKind, subject: str) -> tuple[Entry, ...]:
        """Return every entry on a record, oldest first; that of a withdrawn record only to an admin."""
        register = self._read(caller)
        entries = self._ledger.get_history(kind, subject)
        if entries and caller.permission is Permission.ADMIN:  # what was withdrawn keeps its history
            if record := register.find(kind, subject):
                self._restricted.note_record(caller, f"history of {kind.words} {subject}", register, record)
            return entries
        self.get_record(caller, kind, subject)
        return entries

    # Recording

    def record(self, caller: Caller, changes: Sequence[RecordChange], *, key: str = "", door: str) -> tuple[Entry, ...]:
        """Log all changes or none.

        The same `key` again returns what was logged. Raises ForbiddenError, InvalidInputError, NotFoundError, or
        ConflictError when a record has changed since the version that a change names.
        """
        recorder = self._recorder(caller, door)
        key = key or uuid.uuid4().hex
        if repeated := self._find_repeated(caller, key, changes):
            return repeated
        entries, problems = prepare_all(recorder, changes, key)
        if problems:
            raise problems[0][1]
        self._check_passes(caller, changes)
        return self._log.append(caller, entries, recorder.expected)

    def check(self, caller: Caller, changes: Sequence[RecordChange], *, door: str) -> list[tuple[int, AdvisorError]]:
        """Return what keeps changes from being recorded, each with the place of its change; record nothing."""
        problems = prepare_all(self._recorder(caller, door), changes, uuid.uuid4().hex)[1]
        if not problems:
            try:
                self._check_passes(caller, changes)
            except InvalidInputError as error:
                return [(0, error)]
        return problems

    def _check_passes(self, caller: Caller, changes: Sequence[RecordChange]) -> None:
        """Refuse to pass a gate today while exit criteria are open; what happened earlier is recorded as it was."""
        for change in changes:
            fields = change.fields
            if change.kind is not RecordKind.GATE_REVIEW or fields.get("outcome") != "pass":
                continue
            if change.on not in {None, self.today}:
                continue
            subject = self.find_initiative(caller, str(fields.get("initiative", "")))
            gate = next((gate for gate in assess_gates(self._engine(caller, None)) if gate.initiative == subject), None)
            if gate and gate.stage == fields.get("from_stage") and not gate.ready:
                missing = "; ".join(item.title for item in gate.open_items)
                raise InvalidInputError(
                    f"{gate.name} cannot pass the gate: {missing}.",
                    "Record what is missing, or the outcome override with a reason and an approver.",
                )

    def _recorder(self, caller: Caller, door: str) -> Recorder:
        if not caller.may(Permission.CONTRIBUTOR):
            raise ForbiddenError("You may read the register, not write it.", "Ask for the contributor permission.")
        return Recorder(
            register=self._read(caller),
            book=self.book,
            caller=caller,
            today=self.today,
            door=door,
            find_history=self._ledger.get_history,
        )

    def _find_repeated(self, caller: Caller, key: str, changes: Sequence[RecordChange]) -> tuple[Entry, ...]:
        """Return the entries that the same request made the first time, so that it need not fit the present.

        The same key with other changes finds nothing here, and is refused by the log.
        """
        entries = self.find_recorded(caller, key)
        same = len(entries) == len(changes) and all(map(_repeats, changes, entries))
        return entries if same else ()

    def find_recorded(self, caller: Caller, key: str) -> tuple[Entry, ...]:
        """Return the entries that a caller logged together with a key."""
        self._read(caller)  # what was logged a moment ago counts
        single = self._ledger.find_key(key)
        numbered = (self._ledger.find_key(f"{key}/{place}") for place in count())
        found = [single] if single else takewhile(lambda entry: entry is not None, numbered)
        return tuple(entry for entry in found if entry is not None and entry.recorded_by == caller.id)

    def read_message(self, caller: Caller, text: str) -> tuple[Proposal, ...]:
        """Return what a status message in plain words would record; nothing is written until it is confirmed."""
        if len(text) > LONGEST_MESSAGE:
            raise InvalidInputError(
                f"The message has more than {LONGEST_MESSAGE:,} characters.", "Send what changed, in a few sentences."
            )
        proposals = read_message(text, self._read(caller), self.today)
        if proposals:
            self._restricted.note_all(caller, "status in plain words", self._read(caller))
        gates = {gate.initiative: gate for gate in assess_gates(self._engine(caller, None))} if proposals else {}
        return tuple(_warn_of_gate(proposal, gates.get(proposal.initiative or "")) for proposal in proposals)

    def load_demo(self, caller: Caller, *, door: str) -> int:
        """Fill an empty register with a believable company; return how many entries that took."""
        if not self._read(caller).empty and not self._ledger.find_key("demo/0"):
            raise InvalidInputError(
                "The register is not empty.", "Set ADVISOR_DATA_DIR to another folder to look at the demo company."
            )
        return len(self.record(caller, demo_changes(self.today), key="demo", door=door))

    # Judging

    def find_findings(self, caller: Caller, as_of: date | None = None, *, initiative: str = "") -> tuple[Finding, ...]:
        """Return how every criterion stands on everything that it is asked of."""
        return self._engine(caller, as_of, initiative=initiative).findings

    def assess_gates(self, caller: Caller, as_of: date | None = None) -> tuple[GateReadiness, ...]:
        """Return which initiatives may leave their stage, and what the others lack."""
        engine = self._engine(caller, as_of)
        self._restricted.note_all(caller, "gates", engine.register)
        return assess_gates(engine)

    def rank_gaps(
        self, caller: Caller, as_of: date | None = None, *, site: str = "", initiative: str = ""
    ) -> tuple[Gap, ...]:
        """Return the gaps of the program, a site or an initiative, most pressing first; unknown ones included."""
        engine = self._engine(caller, as_of, site=site, initiative=initiative)
        self._restricted.note_all(caller, "gaps", engine.register)
        return rank_gaps(engine, Levels(engine), assess_gates(engine))

    def summarise(
        self,
        caller: Caller,
        *,
        as_of: date | None = None,
        since: date | None = None,
        site: str = "",
        initiative: str = "",
    ) -> GapSummary:
        """Return the page for the program, a site or an initiative, with what changed after the day `since`."""
        day = as_of or self.today
        if not _FIRST_DAY <= day <= self.today:
            raise InvalidInputError(f"{day} is no day that can be looked at.", "Give today's date or an earlier one.")
        back = since or day - timedelta(days=DAYS_BACK)
        if not _FIRST_DAY <= back < day:
            raise InvalidInputError(f"{back} is not before {day}.", "Give an earlier day to compare with.")
        present = self._read(caller, day)
        named = present.find(RecordKind.INITIATIVE, initiative) or present.find(RecordKind.SITE, site)
        self._restricted.note_all(caller, "gap summary", present.within(site=site, initiative=initiative))
        return self._summariser.summarise(
            lambda at: self._engine(caller, at, site=site, initiative=initiative),
            as_of=day,
            since=back,
            scope=named.fields.name if named else "the whole program",
            view=f"{name_view(caller)}|{site}|{initiative}",
        )

    # Answering

    def use_model(self, embedder: Embedder) -> None:
        """Find records by what a question means too, from now on; without, by the words that they share."""
        self._reader.use(embedder)

    def report(self, caller: Caller, question: str, query: Query | None, role: Role) -> Report | None:
        """Return what the register answers, or None for a question that is for the playbooks alone."""
        engine = self._engine(caller, None)
        before = query.context or query.text if query and query.follows else ""
        asked = self._reader.read(engine, question, before)
        if asked is None:
            return None
        earlier = self._engine(caller, find_earlier_day(asked, self.today))
        draft = report_on(engine, earlier, asked, question, role)
        self._restricted.note_draft(caller, "answer", engine.register, draft)
        return Report(draft=draft, wants_playbook=asked.wants_playbook and not asked.unknown, sure=asked.sure)

    def comment(self, caller: Caller, draft: Draft) -> Draft | None:
        """Return how the program stands to what an answer from the playbooks asks for, or None."""
        sections = tuple(dict.fromkeys(citation.section_id for citation in draft.citations))
        if draft.outcome is not Outcome.ANSWERED or not sections:
            return None
        engine = self._engine(caller, None)
        comment = comment_on(engine.findings, sections, {i.subject: i.fields.name for i in engine.active})
        self._restricted.note_draft(caller, "answer", engine.register, comment)
        return comment

    def find_head(self, caller: Caller) -> int:
        """Return the number of the newest entry that the caller may see."""
        return self._engine(caller, None).register.head

    def may_see(self, caller: Caller, answer: Answer) -> bool:
        """Whether the caller may still see every record that an answer of old rests on."""
        cited = {c.section_id for c in answer.citations if c.kind is CitationKind.REGISTER}
        if not cited:
            return True
        whole, visible = self._ledger.read(self.today), self._read(caller)
        for section_id in cited:
            _, kind, subject = (*section_id.split("/", 2), "", "")[:3]
            if (
                kind in set(RecordKind)
                and whole.find(RecordKind(kind), subject)
                and not visible.find(RecordKind(kind), subject)
            ):
                return False
        return True

    # Assessing

    def find_next_question(
        self, caller: Caller, *, initiative: str = "", dimension: str = ""
    ) -> InterviewQuestion | None:
        """Return the next question of the structural assessment, or None when all is said."""
        if dimension and dimension not in self.book.dimension_by_id:
            known = ", ".join(self.book.dimension_by_id)
            raise InvalidInputError(f'There is no dimension "{dimension[:40]}".', f"Use one of: {known}.")
        return interview.find_next_question(self._engine(caller, None), initiative=initiative, dimension=dimension)

    def answer_question(
        self,
        caller: Caller,
        criterion: str,
        verdict: str,
        *,
        initiative: str = "",
        note: str = "",
        reference: str = "",
        key: str = "",
        door: str,
    ) -> Entry:
        """Record an answer of the assessment as attested evidence."""
        change = interview.record_verdict(
            criterion,
            interview.parse_verdict(verdict),
            initiative=initiative,
            by=caller.id,
            note=note,
            reference=reference,
        )
        return self.record(caller, [change], key=key, door=door)[0]

    # Checklists

    def list_items(
        self, caller: Caller, *, initiative: str = "", owner: str = "", closed: bool = False
    ) -> tuple[ChecklistItem, ...]:
        """Return the action items, those due first first."""
        register = self._read(caller)
        self._restricted.note_all(caller, "checklist", register)
        return checklists.list_items(register, self._sections, initiative=initiative, owner=owner, closed=closed)

    def draft_from_section(self, section_id: str) -> tuple[ChecklistDraft, ...]:
        """Return the tasks of a playbook section; raise NotFoundError."""
        section = self._sections.get(section_id)
        if section is None:
            raise NotFoundError(
                f'There is no section "{section_id[:80]}".', "Use an id like kpis/choosing-kpis, as in a citation."
            )
        return checklists.draft_from_section(section)

    def draft_from_answer(self, answer: Answer) -> tuple[ChecklistDraft, ...]:
        """Return the tasks of an answer, and where it has fewer than two, those of the first section that it cites."""
        drafts = checklists.draft_from_answer(answer)
        if len(drafts) >= _FEW_TASKS:
            return drafts
        asked = [draft.section_id for draft in drafts]
        cited = (self._sections.get(id_) for id_ in (*asked, *(citation.section_id for citation in answer.citations)))
        found = (checklists.draft_from_section(section) for section in cited if section)
        more = next((tasks for tasks in found if tasks), ())
        known = {draft.title for draft in drafts}
        return (*drafts, *(task for task in more if task.title not in known))

    def draft_from_gate(self, caller: Caller, initiative: str) -> tuple[ChecklistDraft, ...]:
        """Return what an initiative lacks for its next gate."""
        gate = next((g for g in assess_gates(self._engine(caller, None)) if g.initiative == initiative), None)
        if gate is None:
            raise NotFoundError(f'"{initiative}" is not an active initiative.', "See `advisor initiatives`.")
        return self._with_owners(caller, checklists.draft_from_gate(gate))

    def draft_from_gap(self, caller: Caller, criterion: str) -> tuple[ChecklistDraft, ...]:
        """Return the action that closes a gap, wherever it is open."""
        gap = next((g for g in self.rank_gaps(caller) if g.criterion == criterion), None)
        if gap is None:
            raise NotFoundError(f'There is no gap "{criterion[:80]}".', "See `advisor gaps` for the ids of gaps.")
        return self._with_owners(caller, checklists.draft_from_gap(gap, self._read(caller)))

    def _with_owners(self, caller: Caller, drafts: Sequence[ChecklistDraft]) -> tuple[ChecklistDraft, ...]:
        """Return drafts with the owner whom the register names for what their criterion asks."""
        register = self._read(caller)
        owned = []
        for draft in drafts:
            initiative = register.find_initiative(draft.initiative)
            role = self.book.by_id[draft.criterion].owner
            owner = (getattr(initiative.fields, role) or initiative.fields.accountable_owner) if initiative else ""
            owned.append(draft.model_copy(update={"owner": draft.owner or owner}))
        return tuple(owned)

    def add_items(
        self, caller: Caller, drafts: Sequence[ChecklistDraft], *, key: str = "", door: str
    ) -> tuple[tuple[Entry, ...], int]:
        """Put drafts on the list; return what was logged, and how many were on it already."""
        changes, merged = checklists.merge_drafts(drafts, self._read(caller))
        return (self.record(caller, changes, key=key, door=door) if changes else ()), merged

    def tick_item(self, caller: Caller, item: str, evidence: str, *, key: str = "", door: str) -> tuple[Entry, ...]:
        """Tick an item off, with what shows that it is done; raise InvalidInputError when it is closed already."""
        item = self._find_item(caller, item)
        record = self.get_record(caller, RecordKind.ACTION_ITEM, item)
        if key and (before := self.find_recorded(caller, key)) and before[0].subject == item:
            return before
        fields: ActionItem = record.fields
        if fields.status in {"done", "cancelled"}:
            raise InvalidInputError(f"That item is {fields.status} already.", "See the list with `--closed`.")
        changes = checklists.tick(record, evidence, self._read(caller))
        return self.record(caller, changes, key=key, door=door)

    def _find_item(self, caller: Caller, given: str) -> str:
        """Return the id of the action that an id, or the beginning of one, means."""
        ids = [record.subject for record in self._read(caller).all(ActionItem)]
        near = [id_ for id_ in ids if id_.removeprefix("action-item-").startswith(given)]
        return near[0] if given not in ids and len(near) == 1 and given else given


def _warn_of_gate(proposal: Proposal, gate: GateReadiness | None) -> Proposal:
    """Return the proposal with a line on the exit criteria that a move to the next stage leaves open."""
    if gate is None or proposal.stage is None or proposal.stage is not gate.next_stage or gate.ready:
        return proposal
    missing = "; ".join(item.title for item in gate.open_items)
    return proposal.model_copy(update={"says": (*proposal.says, f"The gate is not passed: {missing}")})


def _repeats(change: RecordChange, entry: Entry) -> bool:
    """Whether a change is the one that made an entry; names of sites, initiatives and cards were replaced by ids."""
    resolved = {"site", "initiative", "card"}
    given = {name: value for name, value in change.fields.items() if name not in resolved}
    return (
        change.kind is entry.kind
        and change.subject in {"", entry.subject}
        and change.corrects == entry.supersedes
        and all(entry.patch.get(name) == value for name, value in given.items())
    )
