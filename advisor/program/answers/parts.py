"""What answers about the program are made of: the initiatives asked about, sentences with citations, passages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from advisor.domain.dialogue import Block, ListBlock, Paragraph, Role, Sentence
from advisor.domain.gaps import EntryRef, Finding, GateReadiness, PlaybookRef, StatusLine
from advisor.domain.records import Initiative, KpiCard, KpiReading
from advisor.domain.register import AnyRecord, Record
from advisor.program.answers.citing import RegisterCitations
from advisor.program.asked import Asked
from advisor.program.conditions import word_date, word_value
from advisor.program.engine import Engine
from advisor.program.gates import assess_gates, cite_playbook, describe_status
from advisor.program.lookup import describe
from advisor.program.names import join_names
from advisor.text import capitalise, decapitalise

YOURS, THEIRS = "Your program", "The playbook says"
_MOST = {Role.EXECUTIVE: 5, Role.PLANT_MANAGER: 6, Role.CHANGE_LEAD: 8, Role.ENGINEER: 20}


class Parts:
    """One question, what the caller may see of the program, and the citations collected on the way."""

    def __init__(self, engine: Engine, earlier: Engine, asked: Asked, question: str, role: Role) -> None:
        self.engine = engine
        self.register = engine.register
        self.earlier = earlier
        self.asked = asked
        self.question = question
        self.most = _MOST[role]
        """How many items of a list the role reads."""
        self.book = RegisterCitations()
        self.gates = {gate.initiative: gate for gate in assess_gates(engine)}

    def chosen(self) -> list[Record[Initiative]]:
        """Return the active initiatives that the question is about, by name, by site, or all."""
        sites = {site.subject for site in self.asked.sites}
        named = {initiative.subject for initiative in self.asked.initiatives}
        return [
            i for i in self.engine.active if (not named or i.subject in named) and (not sites or i.fields.site in sites)
        ]

    def place(self) -> str:
        """Return where, as words for the end of a phrase: ` at Győr plant`."""
        return f" at {join_names(site.fields.name for site in self.asked.sites)}" if self.asked.sites else ""

    def line(self, initiative: Record[Initiative]) -> StatusLine:
        """Return how an initiative stands in its owner's words."""
        return describe_status(self.register, initiative)

    def age_words(self, line: StatusLine) -> str:
        """Return how old a status is, and how many check-ins were missed since."""
        if line.as_of is None or line.age is None:
            return "No status was ever reported."
        missed = f"; {line.missed} check-in{'s' if line.missed != 1 else ''} missed since" if line.missed else ""
        return f"The last status is of {word_date(line.as_of)}, {line.age} days old{missed}."

    def sign_words(self, gate: GateReadiness) -> str:
        """Return why an initiative counts as stalled."""
        line = self.line(self.initiative(gate))
        words = {
            "time": f"{gate.days_in_stage} days in {gate.stage.words}, more than {gate.day_limit}",
            "silence": f"{line.missed} check-ins missed",
            "no_owner": "nobody is accountable",
        }
        return ", ".join(words[sign.value] for sign in gate.signs)

    def gate_sentence(self, gate: GateReadiness) -> Sentence:
        """Return whether an initiative is ready for its next gate, and what it lacks."""
        missing = gate.open_items
        initiative = self.initiative(gate)
        to = gate.next_stage.words if gate.next_stage else ""
        if gate.ready:
            text = f"{gate.name} is ready for {to}."
        else:
            text = f"{gate.name} is not ready for {to}: {'; '.join(decapitalise(item.title) for item in missing)}."
        refs = [ref for item in missing for ref in item.evidence][:3]
        return Sentence(
            text=text, citations=tuple(dict.fromkeys([self.book.cite(initiative), *map(self.book.cite, refs)]))
        )

    def overview_item(self, initiative: Record[Initiative], line: StatusLine) -> Sentence:
        """Return one line on an initiative for a list."""
        owner = f"owner {line.owner}" if line.owner else "no owner"
        age = "no status yet" if line.age is None else f"status {line.age} days old"
        text = f"{line.name}: {line.health}, {line.stage.words}, {owner}, {age}."
        refs = [self.book.cite(initiative)] + ([self.book.cite(line.ref)] if line.ref else [])
        return Sentence(text=text, citations=tuple(refs))

    def lead(self, text: str, cited: Sequence[Record[Initiative]]) -> Paragraph:
        """Return the first paragraph, citing initiatives, or the register as a whole."""
        numbers = tuple(dict.fromkeys(self.book.cite(record) for record in cited))
        numbers = numbers or (self.book.cite_absence(f"Entries up to #{self.register.head}"),)
        return Paragraph(title=YOURS, sentences=(Sentence(text=text, citations=numbers, strong=True),))

    def nothing(self, text: str) -> list[Block]:
        """Return an answer that says that there is nothing, citing how far the register was read."""
        cited = (self.book.cite_absence(f"Entries up to #{self.register.head}, {word_date(self.register.as_of)}"),)
        return [Paragraph(title=YOURS, sentences=(Sentence(text=text, citations=cited, strong=True),))]

    def initiative(self, gate: GateReadiness) -> Record[Initiative]:
        """Return the initiative of a gate."""
        return next(i for i in self.engine.active if i.subject == gate.initiative)

    def findings(self, subject: str, criterion: str) -> list[Finding]:
        """Return how a criterion stands on an initiative."""
        return [f for f in self.engine.findings if f.subject == subject and f.criterion.id == criterion]

    def cite_item(self, evidence: Sequence[EntryRef], reason: str) -> tuple[int, ...]:
        """Return the citations of entries, or of their absence."""
        return tuple(map(self.book.cite, evidence)) or (self.book.cite_absence(reason),)

    def playbook_side(self, gate: GateReadiness) -> list[Block]:
        """Return the passages that ask for what a gate lacks."""
        return self.quote([item.playbook for item in gate.open_items][:3])

    def finding_side(self, findings: Sequence[Finding]) -> list[Block]:
        """Return what the register shows on a criterion, and the passage that asks for it."""
        if not findings:
            return []
        shown = [
            Sentence(
                text=f.reason,
                citations=tuple(self.book.cite(r) for r in f.records[:2]) or (self.book.cite_absence(f.reason),),
            )
            for f in findings[:3]
        ]
        return [Paragraph(sentences=tuple(shown)), *self.quote([cite_playbook(findings[0].criterion)])]

    def quote(self, passages: Sequence[PlaybookRef]) -> list[Block]:
        """Return passages in the words of the playbooks."""
        unique = list({(p.section_id, p.quote): p for p in passages}.values())
        if not unique:
            return []
        items = tuple(Sentence(text=p.quote, citations=(self.book.cite_playbook(p),)) for p in unique)
        if len(items) == 1:
            return [Paragraph(title=THEIRS, sentences=items)]
        return [ListBlock(title=THEIRS, items=items)]

    def tell(self, record: AnyRecord) -> Sentence:
        """Return all that a record says, citing it."""
        names = {i.subject: i.fields.name for i in self.register.initiatives}
        said = capitalise(describe(record, names.get(getattr(record.fields, "initiative", ""), "")))
        return Sentence(text=f"{said.rstrip('.')}.", citations=(self.book.cite(record),))

    def readings(self, initiative: Record[Initiative], cards: Iterable[str] = ()) -> list[Sentence]:
        """Return the newest reading of each KPI of an initiative, of some cards only when given."""
        wanted = set(cards)
        sentences = []
        for card in self.register.of(KpiCard, initiative.subject):
            fields = card.fields
            if wanted and fields.name not in wanted:
                continue
            readings = [r for r in self.register.of(KpiReading, initiative.subject) if r.fields.card == card.subject]
            newest = max(readings, key=lambda r: (r.as_of, r.version), default=None)
            target = f", target {word_value(fields.target)}" if fields.target is not None else ""
            role = fields.role.replace("_", " ")
            prefix = f"{initiative.fields.name}: " if not self.asked.initiatives else ""
            if newest is None:
                text = f"{prefix}{fields.name} ({role}): no reading yet{target}."
                sentences.append(Sentence(text=text, citations=(self.book.cite(card),)))
            else:
                value = f"{word_value(newest.fields.value)} {fields.unit}".strip()
                text = f"{prefix}{fields.name} ({role}): {value} on {word_date(newest.as_of)}{target}."
                sentences.append(Sentence(text=text, citations=(self.book.cite(newest), self.book.cite(card))))
        return sentences
