from __future__ import annotations

from langchain_core.runnables import RunnableLambda

from advisor.domain.identity import Caller
from advisor.service import Advisor
from integrations.langchain import AdvisorRetriever


def test_the_retriever_works_in_a_chain(advisor: Advisor) -> None:
    retriever = AdvisorRetriever(advisor=advisor, caller=Caller(id="chain"), k=3)
    chain = retriever | RunnableLambda(lambda found: [document.metadata["section"] for document in found])
    sections = chain.invoke("How should we choose KPIs?")
    assert len(sections) == 3
    assert sections[0] == "Choosing KPIs"
    (first, *_) = retriever.invoke("How should we choose KPIs?")
    assert first.id == "kpis/choosing-kpis"
    assert first.metadata["collection"] == ""
