"""Retrieval on public sets in BEIR's layout: our pipeline beside its single legs and a plain fusion of them.

A folder holds corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels/test.tsv (query, text, score).
A query may be a conversation, a line "|user|: ..." a turn: then the full pipeline rewrites the last turn by rule.
Legs: dense (one vector a text), keyword (BM25, k1 1.2, b 0.75), hybrid (both, min-max normalised and added), and full
(what the advisor retrieves documents with). nDCG@10 has linear gains, as trec_eval computes it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from advisor.answering.rewriting import RuleRewriter
from advisor.domain.dialogue import Answer, Outcome, Query, Role, Turn
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Document, Section, Tier
from advisor.errors import InvalidInputError
from advisor.knowledge.documents import split_document
from advisor.knowledge.readers.extract import Extract, Page
from advisor.knowledge.readers.plain import escape_markdown
from advisor.ports import Embedder
from advisor.retrieval.generations import Generations
from advisor.retrieval.library import LibraryRetriever
from advisor.retrieval.shards import ShardWriter
from advisor.text import content_stems
from evals.metrics import Floats, find_interval

CUTOFF = 10
LEGS = ("dense", "keyword", "hybrid", "full")
_DEPTH = 100
_TURN = re.compile(r"\s*\|user\|:\s*")
_K1, _B = 1.2, 0.75


class BenchmarkSet(NamedTuple):
    """A set as read: texts by id, queries by id, and the relevance of texts by query."""

    name: str
    texts: dict[str, tuple[str, str]]
    queries: dict[str, str]
    judged: dict[str, dict[str, int]]

    @property
    def corpus(self) -> str:
        """A digest of the texts: sets of other queries over the same texts share an index."""
        return hashlib.sha256(json.dumps(self.texts).encode()).hexdigest()[:12]


class LegScores(NamedTuple):
    """The scores of one leg, a value for each query."""

    ndcg: Floats
    recall: Floats
    mrr: Floats


class Row(NamedTuple):
    """The figures of one leg on one set, with 95 % intervals; `ahead` is by how much the full pipeline leads."""

    set: str
    leg: str
    queries: int
    ndcg: float
    interval: tuple[float, float]
    recall: float
    mrr: float
    ahead: float
    ahead_interval: tuple[float, float]


def load_set(folder: Path, split: str = "test") -> BenchmarkSet:
    """Read a folder; raise InvalidInputError for one that is not in BEIR's layout."""
    try:
        texts = {row["_id"]: (row.get("title", ""), row["text"]) for row in _read_lines(folder / "corpus.jsonl")}
        queries = {row["_id"]: row["text"] for row in _read_lines(folder / "queries.jsonl")}
        judged: dict[str, dict[str, int]] = defaultdict(dict)
        for line in (folder / "qrels" / f"{split}.tsv").read_text().splitlines()[1:]:
            if not line.strip():
                continue
            query, text, score = line.split("\t")[:3]
            judged[query][text] = int(float(score))
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInputError(
            f"{folder} is not a set in BEIR's layout ({type(error).__name__}).",
            f"It needs corpus.jsonl, queries.jsonl and qrels/{split}.tsv.",
        ) from None
    answerable = {query: found for query, found in judged.items() if any(found.values()) and query in queries}
    if not texts or not answerable:
        raise InvalidInputError(f"{folder} has no texts, or no judged queries.", "Judge some of its queries.")
    return BenchmarkSet(folder.name, texts, queries, answerable)


def _read_lines(file: Path) -> Iterator[dict[str, str]]:
    with file.open() as lines:
        yield from (json.loads(line) for line in lines)


class Corpus:
    """The texts of a set, indexed by every leg. With a folder, what was embedded is kept there for the next run."""

    def __init__(self, found: BenchmarkSet, embedder: Embedder, folder: Path) -> None:
        self.ids = list(found.texts)
        self._embedder = embedder
        whole = [f"{title}\n{text}".strip() for title, text in found.texts.values()]
        kept = folder / f"{found.corpus}.npy"
        if not kept.exists():
            np.save(kept, embedder.embed(whole))
        self._vectors = np.load(kept)
        self._keyword = _Keyword(whole)
        self._retriever, self._original = index_texts(found, embedder, folder / found.corpus)

    def rank(self, text: str) -> dict[str, list[str]]:
        """Return the ids of the best texts by leg; the single legs are asked all turns of a conversation at once."""
        turns = [turn for turn in _TURN.split(text) if turn.strip()]
        text, query = " ".join(turns), _rewrite(turns)
        dense = np.asarray(self._vectors @ self._embedder.embed([text])[0], dtype=np.float64)
        words = self._keyword.score(text)
        pool = np.union1d(np.argsort(-dense)[:_DEPTH], np.argsort(-words)[:_DEPTH])
        fused = np.full(len(self.ids), -1.0)
        fused[pool] = _stretch(dense[pool]) + _stretch(words[pool])
        legs = {"dense": dense, "keyword": words, "hybrid": fused}
        orders = {leg: [self.ids[i] for i in np.argsort(-x, kind="stable")[:CUTOFF]] for leg, x in legs.items()}
        passages = self._retriever.retrieve(query, LOCAL_CALLER).passages
        full = list(dict.fromkeys(self._original[passage.section.playbook] for passage in passages))[:CUTOFF]
        return orders | {"full": full}


def run_set(found: BenchmarkSet, corpus: Corpus) -> dict[str, LegScores]:
    """Rank the texts of a set for each of its judged queries by every leg."""
    values: dict[str, list[tuple[float, float, float]]] = {leg: [] for leg in LEGS}
    for query, relevant in found.judged.items():
        for leg, order in corpus.rank(found.queries[query]).items():
            values[leg].append(score_order(order, relevant))
    return {leg: LegScores(*(np.array(column) for column in zip(*rows, strict=True))) for leg, rows in values.items()}


def score_order(order: Sequence[str], relevant: Mapping[str, int]) -> tuple[float, float, float]:
    """Return nDCG@10, recall@10 and reciprocal rank of the first relevant text."""
    gains = [relevant.get(id_, 0) / math.log2(place + 2) for place, id_ in enumerate(order[:CUTOFF])]
    best = sorted(relevant.values(), reverse=True)[:CUTOFF]
    ideal = sum(score / math.log2(place + 2) for place, score in enumerate(best))
    wanted = {id_ for id_, score in relevant.items() if score > 0}
    hits = [place for place, id_ in enumerate(order[:CUTOFF], 1) if id_ in wanted]
    return sum(gains) / ideal, len(hits) / len(wanted), 1 / hits[0] if hits else 0.0


def run(
    folders: Sequence[Path], embedder: Embedder, console: Console, file: Path | None = None, keep: Path | None = None
) -> None:
    """Print a table of all sets and legs, with intervals and paired differences to the full pipeline; write JSON."""
    with TemporaryDirectory() as scratch:
        place = keep or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        corpora: dict[str, Corpus] = {}
        results = []
        for folder in folders:
            found = load_set(folder)
            console.print(f"{found.name}: {len(found.texts):,} texts, {len(found.judged):,} queries")
            with console.status("indexing and asking"):
                if found.corpus not in corpora:
                    corpora[found.corpus] = Corpus(found, embedder, place)
                results.append((found.name, run_set(found, corpora[found.corpus])))
    _tell(results, console, file)


def _tell(results: Sequence[tuple[str, dict[str, LegScores]]], console: Console, file: Path | None) -> None:
    table = Table("set", "leg", "nDCG@10", "95 %", "recall@10", "MRR", "full - leg, nDCG@10", "95 %")
    rows = []
    differences: dict[str, list[Floats]] = defaultdict(list)
    for name, scores in results:
        for leg in LEGS:
            ahead = scores["full"].ndcg - scores[leg].ndcg
            differences[leg].append(ahead)
            row = Row(
                name,
                leg,
                len(ahead),
                float(scores[leg].ndcg.mean()),
                find_interval(scores[leg].ndcg),
                float(scores[leg].recall.mean()),
                float(scores[leg].mrr.mean()),
                float(ahead.mean()),
                find_interval(ahead),
            )
            rows.append(row)
            table.add_row(*_word_row(row))
        for system, ndcg in load_published().get(name, {}).items():
            table.add_row(name, f"{system}, published", f"{ndcg:.3f}", *[""] * 5)
    console.print(table)
    if len(results) > 1:
        for leg in LEGS[:-1]:
            together = np.concatenate(differences[leg])
            low, high = find_interval(together)
            console.print(f"All sets, full - {leg}: {together.mean():+.4f} ({low:+.4f} to {high:+.4f})")
    if file is not None:
        file.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")


def load_published() -> dict[str, dict[str, float]]:
    """Return nDCG@10 as others published it, by set and system."""
    found: dict[str, dict[str, float]] = yaml.safe_load((Path(__file__).parent / "published.yaml").read_text())
    return found


def _word_row(row: Row) -> list[str]:
    figures = [row.set, row.leg, f"{row.ndcg:.3f}", _word(row.interval), f"{row.recall:.3f}", f"{row.mrr:.3f}"]
    return figures + (["", ""] if row.leg == "full" else [f"{row.ahead:+.4f}", _word(row.ahead_interval)])


def _word(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _rewrite(turns: Sequence[str]) -> Query:
    """Return the query for the last turn, as the advisor rewrites it."""
    history: list[Turn] = []
    for turn in turns:
        query = RuleRewriter().rewrite(turn, history) or Query(text=turn)
        answer = Answer(
            id="", conversation_id="", question=turn, query=query.standalone, role=Role.EXECUTIVE,
            outcome=Outcome.ANSWERED, blocks=(),
        )  # fmt: skip
        history.append(Turn(question=turn, query=query.standalone, answer=answer))
    return query


def index_texts(found: BenchmarkSet, embedder: Embedder, folder: Path) -> tuple[LibraryRetriever, dict[str, str]]:
    """Index the texts as documents; return what retrieves them, and their ids in the set by ours."""
    original = {f"doc-{place}": id_ for place, id_ in enumerate(found.texts)}
    generations = Generations(folder)
    documents = (
        Document(
            id=ours, collection=found.name, label="", tier=Tier.COMPANY, path=id_, title=found.texts[id_][0] or id_,
            digest=id_, sections=_split(ours, *found.texts[id_]),
        )
        for ours, id_ in original.items()
    )  # fmt: skip
    ShardWriter(generations=generations, embedder=embedder).build(documents, ())
    return LibraryRetriever(generations=generations, embedder=embedder, top_k=_DEPTH), original


def _split(id_: str, title: str, text: str) -> tuple[Section, ...]:
    return split_document(id_, title, Extract(title, (Page(None, escape_markdown(text or title)),)))


class _Keyword:
    """BM25 (Robertson and Zaragoza 2009) over whole texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [Counter(content_stems(text)) for text in texts]
        self._lengths = np.array([sum(counts.values()) for counts in counted], dtype=np.float64)
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, counts in enumerate(counted):
            for stem, count in counts.items():
                self._postings[stem].append((place, count))

    def score(self, query: str) -> Floats:
        """Return the score of every text."""
        scores = np.zeros(len(self._lengths))
        norms = _K1 * (1 - _B + _B * self._lengths / self._lengths.mean())
        for stem in set(content_stems(query)):
            postings = self._postings.get(stem, [])
            rarity = math.log(1 + (len(scores) - len(postings) + 0.5) / (len(postings) + 0.5))
            for place, count in postings:
                scores[place] += rarity * count * (_K1 + 1) / (count + norms[place])
        return scores


def _stretch(values: Floats) -> Floats:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)
