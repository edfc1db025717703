from __future__ import annotations

from pathlib import Path

from langchain_core.runnables import RunnableLambda

from advisor.bootstrap import build_advisor
from advisor.domain.identity import Caller
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.langchain import AdvisorRetriever
from tests.conftest import SECRET_RULE


def test_the_retriever_works_in_a_chain(advisor: Advisor) -> None:
    retriever = AdvisorRetriever(advisor=advisor, caller=Caller(id="chain"), k=3)
    chain = retriever | RunnableLambda(lambda found: [document.metadata["section"] for document in found])
    sections = chain.invoke("How should we choose KPIs?")
    assert len(sections) == 3
    assert sections[0] == "Choosing KPIs"
    (first, *_) = retriever.invoke("How should we choose KPIs?")
    assert first.id == "kpis/choosing-kpis"
    assert first.metadata["collection"] == ""


def test_a_chain_reads_what_its_caller_may_see(library: Settings, tmp_path: Path) -> None:
    advisor = build_advisor(library.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"}))

    def find(*groups: str) -> list[dict[str, object]]:
        retriever = AdvisorRetriever(advisor=advisor, caller=Caller(id="chain", groups=groups))
        return [found.metadata for found in retriever.invoke(SECRET_RULE)]

    best = find("board")[0]
    assert (best["collection"], best["label"], best["path"]) == ("osprey papers", "board", "nordwerk-plan.pdf")
    assert best["page"] == 2
    assert all(found["label"] == "" for found in find("ot"))
