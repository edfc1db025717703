"""Asks every case of a suite and has the answers judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from textwrap import shorten

from advisor.bootstrap import build_embedder
from advisor.domain.dialogue import Answer
from advisor.domain.gaps import State
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import Section
from advisor.domain.receipts import Receipt
from advisor.errors import InvalidInputError
from advisor.settings import Settings
from evals.cases import EvalCase, Half, Suite
from evals.generations import judge_replies
from evals.runs import CaseResult, Cited, Found, Run, take_fingerprints
from evals.scorers import SCORERS, judge
from evals.seen import Seen, Summary, word_pattern
from evals.world import World, open_world

Progress = Callable[[int, int], None]
_SHOWN, _LONGEST = 5, 400
"""Passages of a result, and characters of each."""


def run_suite(
    settings: Settings,
    suite: Suite,
    halves: Sequence[Half] = tuple(Half),
    *,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Run:
    """Ask all cases, as many at a time as there are processors; without a chat model, every run ends the same."""
    started, clock = datetime.now(UTC), time.perf_counter()
    asked = [(half, case) for half in halves for case in suite.load_cases(half)]
    results: list[CaseResult] = []
    with open_world(settings, suite) as world:
        if not asked and not suite.replies:
            raise InvalidInputError("No case is accepted.", "Set `accepted: true` in the proposals that are right.")
        world.prepare([case for _, case in asked])
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            waiting = [pool.submit(run_case, case, half, world) for half, case in asked]
            try:
                for future in waiting:
                    results.append(future.result())
                    if progress:
                        progress(len(results), len(asked))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        if suite.replies:
            results += [result for half in halves for result in judge_replies(settings, half)]
    prints = take_fingerprints(settings, suite, build_embedder(settings).fingerprint)
    seconds = round(time.perf_counter() - clock, 1)
    return Run(started=started, fingerprints=prints, results=tuple(results), seconds=seconds)


def run_case(case: EvalCase, half: Half, world: World) -> CaseResult:
    """Ask the case's history in one conversation, then its question, and judge the last answer."""
    advisor = world.get_advisor(case)
    caller = Caller(id="evals", groups=case.groups)
    conversation: str | None = None
    for earlier in case.history:
        conversation = advisor.ask(caller, earlier, role=case.role, conversation_id=conversation).conversation_id
    clock = time.perf_counter()
    answer = advisor.ask(caller, case.question, role=case.role, conversation_id=conversation)
    milliseconds = round((time.perf_counter() - clock) * 1000, 1)
    receipt = advisor.get_receipt(LOCAL_CALLER, answer.id)
    found = tuple(ref.section_id for ref in receipt.passages if not ref.document)
    seen = Seen(
        case,
        answer,
        world.get_sections(case),
        found,
        milliseconds,
        _summarise(case, world),
        files=world.get_files(case),
        sources=world.sources,
        worded=bool(receipt.basis.model),
        facts=world.get_facts(case.as_of) if case.on_register else None,
        known=world.get_known(case.as_of) if case.on_register else None,
    )
    return _tell(seen, half, receipt)


def _summarise(case: EvalCase, world: World) -> Summary | None:
    if not case.gaps and not case.closed:
        return None
    office = world.get_office(case.as_of)
    site = office.find_site(LOCAL_CALLER, case.scope.site) if case.scope.site else ""
    initiative = office.find_initiative(LOCAL_CALLER, case.scope.initiative) if case.scope.initiative else ""
    gaps = office.rank_gaps(LOCAL_CALLER, site=site, initiative=initiative)
    page = office.summarise(LOCAL_CALLER, site=site, initiative=initiative)
    facts = world.get_facts(case.as_of)
    there = [fact for fact in facts.initiatives if fact.subject == initiative or (site and fact.fields["site"] == site)]
    places = [facts.names[id_] for id_ in (*(fact.subject for fact in there), site) if id_]
    return Summary(
        page=page,
        register=office.read_register(LOCAL_CALLER),
        open=frozenset(gap.criterion for gap in gaps),
        gaps=tuple(gap for gap in gaps if gap.state is not State.UNKNOWN),
        titles={criterion.id: criterion.gap for criterion in office.book.criteria},
        places=tuple(places),
        names=tuple(facts.names.values()),
    )


def _tell(seen: Seen, half: Half, receipt: Receipt) -> CaseResult:
    case, answer = seen.case, seen.answer
    scores = judge(seen)
    return CaseResult(
        id=case.id,
        half=half,
        kind=case.kind,
        topic=case.topic,
        role=case.role,
        way=case.way,
        question=" → ".join((*case.history, case.question)),
        expect=case.expect,
        wanted=(*case.sections, *map(word_pattern, case.facts), *case.gaps),
        outcome=answer.outcome,
        text=answer.text,
        citations=_list_citations(answer),
        suggestions=answer.suggestions,
        notices=answer.notices,
        found=tuple(_show_passage(seen.sections[id_]) for id_ in seen.found[:_SHOWN] if id_ in seen.sections),
        probability=receipt.basis.probability,
        scores=scores,
        silent=tuple(name for name in SCORERS if name not in scores),
    )


def _show_passage(section: Section) -> Found:
    return Found(id=section.id, place=section.label, text=shorten(section.text, _LONGEST, placeholder=" …"))


def _list_citations(answer: Answer) -> tuple[Cited, ...]:
    return tuple(Cited(number=c.number, place=f"{c.title}, {c.section}", quote=c.quote) for c in answer.citations)
