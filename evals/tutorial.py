"""The stack a tutorial would build instead, for `python -m evals speed`: LangChain, Chroma, the same model and files.

Usage: python -m evals.tutorial (index | ask | warm) FOLDER [QUESTION ...]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from advisor.retrieval.embeddings import packaged_model_dir
from advisor.settings import Settings


def open_store(folder: str) -> Chroma:
    """Open the vector store with the embedding model behind it."""
    embeddings = HuggingFaceEmbeddings(model_name=str(packaged_model_dir()))
    return Chroma(collection_name="playbooks", embedding_function=embeddings, persist_directory=folder)


def index(folder: str) -> None:
    """Split the playbooks into chunks of 1,000 characters and store them."""
    files = sorted(Settings().knowledge_base_dir.glob("*.md"))
    documents = [Document(file.read_text(), metadata={"source": file.name}) for file in files]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=150)
    open_store(folder).add_documents(splitter.split_documents(documents))


def ask(folder: str, question: str) -> None:
    """Print the four nearest chunks."""
    for document in open_store(folder).similarity_search(question, k=4):
        print(document.metadata["source"], document.page_content, sep="\n", end="\n\n")


def warm(folder: str, questions: list[str]) -> None:
    """Print the seconds that each retrieval took after a first one."""
    store = open_store(folder)
    store.similarity_search(questions[0], k=4)
    for question in questions:
        started = time.perf_counter()
        store.similarity_search(question, k=4)
        print(time.perf_counter() - started)


if __name__ == "__main__":
    command, where, *rest = sys.argv[1:]
    Path(where).mkdir(parents=True, exist_ok=True)
    if command == "index":
        index(where)
    elif command == "ask":
        ask(where, rest[0])
    else:
        warm(where, rest)
