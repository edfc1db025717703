"""What the advisor knows (playbooks, sections, statements) and how it comes back from retrieval."""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from functools import cached_property

from pydantic import Field

from advisor.domain.base import Value
from advisor.domain.criteria import CriterionRule


class Source(Value):
    """An article or report that facts come from."""

    id: str
    title: str
    publisher: str
    note: str = ""


class Tier(StrEnum):
    """How far a collection is trusted."""

    REVIEWED = "reviewed"
    """Approved by whoever is responsible: policies, standards."""
    COMPANY = "company"
    """Written in the company."""
    EXTERNAL = "external"
    """Written by others: vendors, articles."""


class StatementKind(StrEnum):
    """What a statement does in its section."""

    POINT = "point"
    REASON = "reason"
    LEAD = "lead"
    STEP = "step"
    ROW = "row"
    TASK = "task"


class Statement(Value):
    """One quotable unit of a section: a sentence, a numbered step, a table row or a task.

    `sources` are ids of Source; `note` says what the source leaves unsaid ("gives no origin for the figure").
    `lead` is the bold label of its bullet or step, `cells` a row's cells, and `block` numbers the paragraph, bullet,
    list or table that the statement belongs to. `page` is the page or slide of a document, from 1.
    """

    text: str
    kind: StatementKind
    lead: str = ""
    sources: tuple[str, ...] = ()
    note: str = ""
    cells: tuple[str, ...] = ()
    block: int = 0
    page: int | None = None

    @property
    def labelled(self) -> str:
        """The text with its lead in front."""
        return f"{self.lead} {self.text}" if self.lead else self.text


class Misconception(Value):
    """False beliefs and the statement of the section that corrects them, verbatim."""

    beliefs: tuple[str, ...]
    correction: str


class SectionKind(StrEnum):
    """Whether a section answers, or says what the sources leave open."""

    ANSWER = "answer"
    LIMIT = "limit"


class Section(Value):
    """One self-contained answer of a playbook. `id` is `playbook/slug` and stays stable while the heading does."""

    id: str
    playbook: str
    playbook_title: str
    heading: str
    kind: SectionKind
    statements: tuple[Statement, ...]
    columns: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    reviewed_on: date | None = None
    """When somebody last vouched for the playbook."""

    @property
    def text(self) -> str:
        """All statements as running text, tasks left out."""
        return " ".join(s.labelled for s in self.statements if s.kind is not StatementKind.TASK)

    @property
    def label(self) -> str:
        """Where a reader finds it: `Playbook > Heading`."""
        return f"{self.playbook_title} > {self.heading}"

    def of_kind(self, *kinds: StatementKind) -> tuple[Statement, ...]:
        """Return the statements of the given kinds, in document order."""
        return tuple(s for s in self.statements if s.kind in kinds)


class Playbook(Value):
    """A file of the knowledge base. `rules` are the criteria that its sections set, each with its section's id."""

    id: str
    title: str
    summary: str
    digest: str
    sections: tuple[Section, ...]
    rules: tuple[tuple[str, CriterionRule], ...] = ()

    @property
    def reviewed_on(self) -> date | None:
        """When somebody last vouched for it."""
        return self.sections[0].reviewed_on if self.sections else None


class Synonym(Value):
    """A term of the playbooks and the words that people use for it."""

    term: str
    words: tuple[str, ...]


class Signals(Value):
    """What tells whether passages answer: cosines, shares and scores, about 0 to 1; as weights, what each counts.

    question, statement: best cosine of the query with an indexed question, a statement of an answering section;
    limit_question, limit_score: how much closer the nearest stated limit is, by question and by fused score;
    coverage: share of the query's words, weighted by rarity, in the three best sections; known: share known at all;
    amount: whether an amount is asked for.
    """

    question: float
    statement: float
    limit_question: float
    limit_score: float
    coverage: float
    known: float
    amount: float


class Calibration(Value):
    """The logistic regression from signals to the probability that passages answer, and from which one on they do.

    The weights are fitted by `python -m evals calibrate` on the knowledge base's own questions. The thresholds were
    chosen on the tuned eval cases: the two classes weigh the same in the fit, and a wrong refusal costs more. A
    follow-up has its topic from the question before and needs less; below `closeness`, a cosine, nothing in the
    playbooks is about the question, however familiar its words.
    """

    weights: Signals = Signals(
        question=2.87,
        statement=1.58,
        limit_question=-5.57,
        limit_score=-4.28,
        coverage=0.67,
        known=2.98,
        amount=-1.2,
    )
    intercept: float = -6.29
    threshold: float = Field(0.4, ge=0, le=1)
    follow_up_threshold: float = Field(0.25, ge=0, le=1)
    closeness: float = 0.47


class KnowledgeBase(Value):
    """All playbooks, the sources that they name, and the vocabulary of those who ask."""

    playbooks: tuple[Playbook, ...]
    sources: tuple[Source, ...]
    vocabulary: tuple[Synonym, ...] = ()
    calibration: Calibration = Calibration()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections of all playbooks, in order."""
        return tuple(section for playbook in self.playbooks for section in playbook.sections)

    @cached_property
    def digests(self) -> dict[str, str]:
        """A digest of the content of each playbook, of the vocabulary and of the calibration, by name."""
        words = "\n".join(f"{synonym.term}: {synonym.words}" for synonym in self.vocabulary)
        beside = {"vocabulary": words, "calibration": self.calibration.model_dump_json()}
        return {playbook.id: playbook.digest for playbook in self.playbooks} | {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in beside.items()
        }


class Collection(Value):
    """A folder of a company's documents: who may see them, how far they are trusted, and when they were last read."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w][\w .-]*$")
    path: str
    label: str = ""
    """Access label; empty means that everyone may see the documents."""
    tier: Tier = Tier.COMPANY


class DocumentFacts(Value):
    """What is known of a file of a collection, whatever it says. `path` is inside the collection's folder."""

    id: str
    collection: str
    label: str
    tier: Tier
    path: str
    title: str
    digest: str
    review_by: date | None = None
    modified_on: date | None = None
    """When the file was last changed."""


class Document(DocumentFacts):
    """A file of a collection. `sections` are None where the serving index holds the same version already."""

    sections: tuple[Section, ...] | None = None


class DocumentHead(DocumentFacts):
    """A document as an index holds it, with the number of its sections."""

    sections: int = 0


class Skipped(Value):
    """A file that was not indexed, and why."""

    path: str
    reason: str


class LibraryReport(Value):
    """What reading the collections came to."""

    generation: str
    indexed: tuple[str, ...]
    unchanged: int
    removed: int
    skipped: tuple[Skipped, ...]
    sections: int
    embedded: int


class Chunk(Value):
    """The indexed unit: a section, or a part of a long one. Carries its heading path."""

    id: str
    section_id: str
    heading_path: tuple[str, ...]
    text: str

    @property
    def indexed_text(self) -> str:
        """What is embedded and searched: the heading path, then the text."""
        return f"{' > '.join(self.heading_path)}\n{self.text}"


class IndexedQuestion(Value):
    """A question (or a false belief) that points to the section which answers (or corrects) it."""

    text: str
    section_id: str
    correction: str = ""


class Passage(Value):
    """A section as retrieved: its best chunk, the signals that found it (cosines 0-1, BM25 raw) and one score.

    `statement_scores` are cosines between the query and each statement of the section, in order.
    """

    chunk_id: str
    section: Section
    rank: int
    score: float
    dense: float
    keyword: float
    question: float
    statement_scores: tuple[float, ...]
    document: DocumentHead | None = None
    """The company's document that the section belongs to; None for a playbook."""

    @property
    def closeness(self) -> float:
        """The best cosine between the query and the passage or one of its statements."""
        return max(self.dense, *self.statement_scores, 0.0)

    @property
    def page(self) -> int | None:
        """The page of the statement closest to the query, where there are pages."""
        best = max(zip(self.statement_scores, self.section.statements, strict=True), key=lambda s: s[0], default=None)
        return best[1].page if best else None


class BeliefMatch(Value):
    """A declared false belief that the query resembles, with the cosine between the two."""

    belief: str
    section: Section
    correction: str
    similarity: float


class Term(Value):
    """A content word of the query, its inverse document frequency, and whether the corpus has it at all."""

    stem: str
    weight: float
    known: bool


class Retrieval(Value):
    """Everything one retrieval found, best passage first; `parts` has one retrieval for each part of the question."""

    generation: str
    passages: tuple[Passage, ...]
    parts: tuple[Retrieval, ...] = ()
    beliefs: tuple[BeliefMatch, ...] = ()
    terms: tuple[Term, ...] = ()
    degraded: bool = False
    """Whether the vector index failed or took too long, so that this was found without it."""
    calibration: Calibration = Calibration()
    """As the index was built with."""


class BuildReport(Value):
    """What an ingest did."""

    generation: str
    playbooks: int
    sections: int
    chunks: int
    questions: int
    embedded: int
    reused: int
    unchanged: bool = False
