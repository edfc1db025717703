"""The only place where plugs meet sockets: settings in, wired objects out. Heavy vendors open here, when used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

from advisor.errors import AdvisorError, BusyError, IndexUnavailableError, KnowledgeError, ReadOnlyError
from advisor.settings import BUNDLED_MODEL, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from advisor.domain.knowledge import BuildReport, Collection, LibraryReport, Source
    from advisor.knowledge.collections import CollectionsFile
    from advisor.knowledge.ingest import Ingest
    from advisor.knowledge.library import LibraryIngest
    from advisor.ports import Answerer, ChatModel, Embedder, Library, Meter, Progress, Retriever, TokenBudget, WorkQueue
    from advisor.program.office import ProgramOffice
    from advisor.retrieval.hybrid import HybridRetriever
    from advisor.retrieval.library import LibraryRetriever
    from advisor.retrieval.vector import VectorStore
    from advisor.service import Advisor
    from advisor.storage.audit import SqlAuditLog
    from advisor.storage.keys import SqlKeys
    from advisor.upkeep.caretaker import Caretaker


def build_advisor(
    settings: Settings,
    program: ProgramOffice | None = None,
    meter: Meter | None = None,
    chat: ChatModel | None = None,
) -> Advisor:
    """Wire an Advisor that answers from the serving index, and from the register that the office keeps.

    A `chat` model takes the place of the one that settings name.
    """
    from advisor.answering.documents import DocumentAnswerer  # noqa: PLC0415
    from advisor.answering.draft_verifier import DraftVerifier  # noqa: PLC0415
    from advisor.answering.greeting import RuleGreeter  # noqa: PLC0415
    from advisor.answering.rewriting import RuleRewriter  # noqa: PLC0415
    from advisor.knowledge.library import CollectionFiles  # noqa: PLC0415
    from advisor.knowledge.playbooks import load_sources  # noqa: PLC0415
    from advisor.pipeline import Pipeline  # noqa: PLC0415
    from advisor.program.restricted import RestrictedReads  # noqa: PLC0415
    from advisor.service import Advisor  # noqa: PLC0415
    from advisor.storage.conversations import SqlConversations  # noqa: PLC0415
    from advisor.storage.database import open_database  # noqa: PLC0415

    embedder = build_embedder(settings)
    retriever: Retriever = build_retriever(settings, embedder)
    if settings.reviewed_only:
        from advisor.retrieval.reviewed import ReviewedRetriever  # noqa: PLC0415

        retriever = ReviewedRetriever(retriever)
    library: Library = build_library(settings, embedder)
    if settings.reranker:
        from advisor.retrieval import reranking  # noqa: PLC0415

        reranker = reranking.CrossEncoderReranker(settings.reranker)
        retriever = reranking.RerankedRetriever(retriever, reranker)
        library = reranking.RerankedLibrary(library, reranker)
    sources = {source.id: source for source in load_sources(settings.knowledge_base_dir / "sources.yaml")}
    conversations = SqlConversations(open_database(settings.effective_database_url))
    reporter = program or _find_program(settings)
    if reporter is not None:
        reporter.use_model(embedder)
    pipeline = Pipeline(
        greeter=RuleGreeter(),
        rewriter=RuleRewriter(),
        retriever=retriever,
        answerer=_build_answerer(settings, embedder, sources, chat or open_chat(settings)),
        reporter=reporter,
        library=library,
        document_answerer=DocumentAnswerer(),
        restricted=RestrictedReads(build_audit(settings)),
        verifier=DraftVerifier(),
        meter=meter,
    )
    return Advisor(
        pipeline=pipeline,
        retriever=retriever,
        conversations=conversations,
        reporter=reporter,
        library=library,
        document_files=CollectionFiles(lambda: load_collections(settings)),
        meter=meter,
        embedding_model=embedder.fingerprint,
        keep_days=settings.conversation_days,
    )


def build_caretaker(settings: Settings) -> Caretaker:
    """Wire what lists content gaps, contradictions and stale documents."""
    from advisor.storage.database import open_database  # noqa: PLC0415
    from advisor.storage.upkeep import SqlUpkeep  # noqa: PLC0415
    from advisor.upkeep.caretaker import Caretaker  # noqa: PLC0415

    quoting = settings.model_copy(update={"chat_model": ""})  # whether there is an answer is not for a model to say
    advisor = build_advisor(quoting)
    library = build_library(settings)
    return Caretaker(
        upkeep=SqlUpkeep(open_database(settings.effective_database_url)),
        embedder=build_embedder(settings),
        is_answered=advisor.is_answered,
        list_sections=advisor.list_sections,
        list_documents=advisor.list_documents,
        read_documents=library.read_all,
    )


def _build_answerer(
    settings: Settings, embedder: Embedder, sources: Mapping[str, Source], chat: ChatModel | None
) -> Answerer:
    from advisor.answering.extractive import ExtractiveAnswerer  # noqa: PLC0415
    from advisor.answering.generative import GenerativeAnswerer  # noqa: PLC0415
    from advisor.answering.prompts import load_prompt  # noqa: PLC0415

    extractive = ExtractiveAnswerer(sources=sources)
    if chat is None:
        return extractive
    prompts = {name: load_prompt(settings.prompts_dir, name) for name in ("answer", "repair")}
    return GenerativeAnswerer(extractive=extractive, chat=chat, embedder=embedder, prompts=prompts, sources=sources)


def open_chat(settings: Settings) -> ChatModel | None:
    """Open the chat model that settings name, or None; raise ModelError."""
    from advisor.answering.chat_model import LangChainChatModel  # noqa: PLC0415
    from advisor.storage.database import open_database  # noqa: PLC0415
    from advisor.storage.spending import SqlTokenBudget  # noqa: PLC0415

    if not settings.chat_model:
        return None
    budget: TokenBudget | None = None
    if settings.chat_daily_tokens:
        budget = SqlTokenBudget(open_database(settings.effective_database_url), settings.chat_daily_tokens)
    return LangChainChatModel(settings.chat_model, base_url=settings.chat_base_url, budget=budget)


def _find_program(settings: Settings) -> ProgramOffice | None:
    """Return the office, or None while a playbook on disk is malformed: the old index goes on answering without it."""
    try:
        return build_program(settings)
    except KnowledgeError:
        return None


def build_program(settings: Settings, today: Callable[[], date] = date.today) -> ProgramOffice:
    """Wire the office that keeps the register and judges it; needs no index and no model.

    `today` takes the place of the calendar.
    """
    from advisor.knowledge.criteria import load_criteria  # noqa: PLC0415
    from advisor.knowledge.playbooks import load_knowledge_base  # noqa: PLC0415
    from advisor.program.office import ProgramOffice  # noqa: PLC0415
    from advisor.storage.audit import SqlAuditLog  # noqa: PLC0415
    from advisor.storage.database import open_database  # noqa: PLC0415
    from advisor.storage.register import SqlRegisterLog  # noqa: PLC0415

    engine = open_database(settings.effective_database_url)
    knowledge = load_knowledge_base(settings.knowledge_base_dir, reviewed_only=settings.reviewed_only)
    return ProgramOffice(
        log=SqlRegisterLog(engine),
        audit=SqlAuditLog(engine),
        book=load_criteria(settings.knowledge_base_dir, knowledge, settings.thresholds),
        sections={section.id: section for section in knowledge.sections},
        today=today,
    )


def build_keys(settings: Settings) -> SqlKeys:
    """Open the store of API keys."""
    from advisor.storage.database import open_database  # noqa: PLC0415
    from advisor.storage.keys import SqlKeys  # noqa: PLC0415

    return SqlKeys(open_database(settings.effective_database_url))


def build_audit(settings: Settings) -> SqlAuditLog:
    """Open the audit log."""
    from advisor.storage.audit import SqlAuditLog  # noqa: PLC0415
    from advisor.storage.database import open_database  # noqa: PLC0415

    return SqlAuditLog(open_database(settings.effective_database_url))


def build_queue(settings: Settings) -> WorkQueue:
    """Open the queues of work."""
    from advisor.storage.database import open_database  # noqa: PLC0415
    from advisor.storage.work import SqlWorkQueue  # noqa: PLC0415

    return SqlWorkQueue(open_database(settings.effective_database_url))


def build_retriever(settings: Settings, embedder: Embedder | None = None) -> HybridRetriever:
    """Wire the retriever, or raise IndexUnavailableError when there is nothing to retrieve from."""
    from advisor.retrieval.generations import Generations  # noqa: PLC0415
    from advisor.retrieval.hybrid import HybridRetriever  # noqa: PLC0415

    generations = Generations(settings.generations_dir)
    generations.get_current()
    return HybridRetriever(
        generations=generations,
        embedder=embedder or build_embedder(settings),
        vectors=build_vectors(settings),
    )


def build_vectors(settings: Settings) -> VectorStore:
    """Return where vectors live."""
    return _open_store(settings.chroma_url, settings.chroma_token.get_secret_value())


@cache
def _open_store(url: str, token: str) -> VectorStore:
    """Return the one store of an address: when it rests, it rests for all."""
    from advisor.retrieval.vector import VectorStore  # noqa: PLC0415

    return VectorStore(url, token=token)


def build_library(settings: Settings, embedder: Embedder | None = None) -> LibraryRetriever:
    """Wire the retriever of the company's documents; it knows none until some are indexed."""
    from advisor.domain.knowledge import Tier  # noqa: PLC0415
    from advisor.retrieval.generations import Generations  # noqa: PLC0415
    from advisor.retrieval.library import LibraryRetriever  # noqa: PLC0415

    generations = Generations(settings.library_dir)
    return LibraryRetriever(
        generations=generations,
        embedder=embedder or build_embedder(settings),
        vectors=build_vectors(settings),
        tiers=frozenset({Tier.REVIEWED}) if settings.reviewed_only else frozenset(Tier),
    )


def build_library_ingest(settings: Settings) -> LibraryIngest:
    """Wire the ingest of the company's documents."""
    from advisor.knowledge.library import LibraryIngest  # noqa: PLC0415
    from advisor.retrieval.generations import Generations  # noqa: PLC0415
    from advisor.retrieval.shards import ShardWriter  # noqa: PLC0415
    from advisor.storage.conversations import SqlConversations  # noqa: PLC0415
    from advisor.storage.database import open_database  # noqa: PLC0415

    vectors = build_vectors(settings)
    generations = Generations(settings.library_dir, forget=vectors.forget)
    writer = ShardWriter(generations=generations, embedder=build_embedder(settings), vectors=vectors)
    conversations = SqlConversations(open_database(settings.effective_database_url))
    return LibraryIngest(
        collections=load_collections(settings),
        writer=writer,
        forget=conversations.forget_documents,
        keep=lambda report: settings.library_report.write_text(report.model_dump_json()),
    )


def load_library_report(settings: Settings) -> LibraryReport | None:
    """Return what the last ingest of documents came to, or None before the first."""
    from advisor.domain.knowledge import LibraryReport  # noqa: PLC0415

    try:
        return LibraryReport.model_validate_json(settings.library_report.read_bytes())
    except (OSError, ValueError):
        return None


def open_collections(settings: Settings) -> CollectionsFile:
    """Open the list of collections that the command line keeps."""
    from advisor.knowledge.collections import CollectionsFile  # noqa: PLC0415

    return CollectionsFile(settings.collections_file)


def find_library_age(settings: Settings) -> datetime | None:
    """Return when the company's documents were last indexed, or None."""
    from advisor.retrieval.generations import Generations  # noqa: PLC0415

    return Generations(settings.library_dir).find_age()


def load_collections(settings: Settings) -> tuple[Collection, ...]:
    """Return the collections of the settings and those that the command line added; the settings win by name."""
    named = {collection.name: collection for collection in open_collections(settings).load()}
    named |= {collection.name: collection for collection in settings.collections}
    return tuple(named.values())


def build_ingest(settings: Settings, *, rebuild: bool = False, progress: Progress | None = None) -> Ingest:
    """Wire an Ingest; on first use, or with `rebuild`, exports the embedding model first."""
    from advisor.knowledge.ingest import Ingest  # noqa: PLC0415
    from advisor.retrieval.builder import GenerationBuilder  # noqa: PLC0415
    from advisor.retrieval.generations import Generations  # noqa: PLC0415

    _prepare_model(settings, rebuild=rebuild, progress=progress)
    vectors = build_vectors(settings)
    generations = Generations(settings.generations_dir, forget=vectors.forget)
    builder = GenerationBuilder(generations=generations, embedder=build_embedder(settings), vectors=vectors)
    return Ingest(knowledge_base_dir=settings.knowledge_base_dir, writer=builder, reviewed_only=settings.reviewed_only)


def prepare_index(settings: Settings) -> BuildReport | None:
    """Index what changed; None when that is another process's work and there is an index to answer from meanwhile.

    It is where another is at it already, and where this one may only read the folder, as replicas do.
    """
    try:
        return build_ingest(settings).run()
    except BusyError:
        check_ready(settings)
        return None
    except ReadOnlyError:
        build_retriever(settings).list_sections()  # raises what keeps this version from reading that index
        return None


def mend_index(settings: Settings) -> tuple[str, ...]:
    """Build anew what serves and is gone, or was found damaged by this process; return the names of what was built.

    Raise BusyError while another process is at it, and other AdvisorErrors where it cannot be built here; the next call
    tries again.
    """
    from advisor.retrieval.generations import Generations  # noqa: PLC0415

    store = build_vectors(settings)
    folders = {"playbooks": settings.generations_dir, "documents": settings.library_dir}
    for folder in folders.values():
        _report_gone(folder, store)
    mended: list[str] = []
    reported = store.take_reports()
    for directory, lost in reported.items():
        try:
            for name, folder in folders.items():
                serving = folder / str(Generations(folder).find_current())
                if name not in mended and directory.is_relative_to(serving):
                    _build_anew(settings, name, rebuild=lost)
                    mended.append(name)
        except AdvisorError:
            for again, was_lost in reported.items():  # what is mended serves no more, and is passed over
                store.report(again, lost=was_lost)
            raise
    return tuple(mended)


def _report_gone(folder: Path, store: VectorStore) -> None:
    """Report what the pointer names and is no longer whole: a reader that has it open would not notice."""
    from advisor.retrieval.generations import Generations  # noqa: PLC0415

    generations = Generations(folder)
    if id_ := generations.find_current():
        try:
            generations.get_manifest(id_)
        except IndexUnavailableError:
            store.report(folder / id_)


def _build_anew(settings: Settings, name: str, *, rebuild: bool) -> None:
    if name == "documents":
        build_library_ingest(settings).run()
    else:
        build_ingest(settings).run(rebuild=rebuild)


def build_embedder(settings: Settings) -> Embedder:
    """Open the embedding model."""
    from advisor.retrieval.embeddings import MiniLmEmbedder, SentenceTransformerEmbedder  # noqa: PLC0415

    if settings.embedding_model:
        return SentenceTransformerEmbedder(settings.embedding_model)
    return MiniLmEmbedder(settings.model_dir)


def _prepare_model(settings: Settings, *, rebuild: bool, progress: Progress | None) -> None:
    from advisor.retrieval.embeddings import export_default_model, is_exported  # noqa: PLC0415

    if settings.embedding_model or (is_exported(settings.model_dir) and not rebuild):
        return
    if settings.model_dir == BUNDLED_MODEL:  # an image's own, which is made anew with the image
        return
    if progress:
        progress("Setting up the embedding model", 0, 1)
    export_default_model(settings.model_dir)
    if progress:
        progress("Setting up the embedding model", 1, 1)


def check_ready(settings: Settings) -> None:
    """Raise an AdvisorError while there is no index to answer from; cheap enough to be polled."""
    from advisor.retrieval.generations import Generations  # noqa: PLC0415

    Generations(settings.generations_dir).get_current()
