"""The stack a tutorial would build instead, for `python -m evals speed`: LangChain, Chroma, the same model and files.

Usage: python -m evals.tutorial index FOLDER [DOCUMENTS] | (ask | warm) FOLDER QUESTION ...
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pypdfium2
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


def index(folder: str, documents: str = "") -> None:
    """Split playbooks or documents into chunks of 1,000 characters and store them, as many at once as Chroma takes."""
    root = Path(documents) if documents else Settings().knowledge_base_dir
    files = sorted(file for file in root.rglob("*") if file.suffix in {".md", ".txt", ".csv", ".pdf"})
    read = [Document(read_text(file), metadata={"source": file.name}) for file in files]
    chunks = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=150).split_documents(read)
    store = open_store(folder)
    for start in range(0, len(chunks), 5000):
        store.add_documents(chunks[start : start + 5000])


def read_text(file: Path) -> str:
    """Return the text of a file."""
    if file.suffix != ".pdf":
        return file.read_text(errors="replace")
    with pypdfium2.PdfDocument(file) as pdf:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)


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
        index(where, *rest)
    elif command == "ask":
        ask(where, rest[0])
    else:
        warm(where, rest)
