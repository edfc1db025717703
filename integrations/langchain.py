"""The advisor's retrieval as a LangChain retriever, for chains of your own."""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from advisor.domain.identity import Caller
from advisor.service import Advisor


class AdvisorRetriever(BaseRetriever):
    """Passages of playbooks and documents that `caller` may see, best first.

    Each document holds a section's text; its metadata name title, section, page and score, and where it is one of the
    company's documents its id, path, collection, label and tier.

    >>> AdvisorRetriever(advisor=build_advisor(load_settings()), caller=Caller(id="me"), k=4).invoke("KPIs?")
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    advisor: Advisor
    caller: Caller
    k: int = 8

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        del run_manager
        return [
            Document(
                id=passage.section.id,
                page_content=passage.section.text,
                metadata={
                    "title": passage.section.playbook_title,
                    "section": passage.section.heading,
                    "page": passage.page,
                    "document": passage.document.id if passage.document else "",
                    "path": passage.document.path if passage.document else "",
                    "collection": passage.document.collection if passage.document else "",
                    "label": passage.document.label if passage.document else "",
                    "tier": passage.document.tier.value if passage.document else "",
                    "score": passage.score,
                },
            )
            for passage in self.advisor.search(self.caller, query)[: self.k]
        ]
