"""Measurements beside the suite: each prints its figures and keeps nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import yaml
from rich.console import Console

from advisor.bootstrap import build_embedder, build_ingest
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.settings import load_settings
from evals import abstention as known_unknowns
from evals import benchmark as retrieval_benchmark
from evals import generations as model_replies
from evals import injection as injected
from evals import latency as stages
from evals import load as server_load
from evals import mutations as breaking
from evals import reading as gold_texts
from evals import register_speed
from evals import scale as index_scale
from evals import soak as steady_work
from evals.calibration import fit
from evals.cases import OWN, load_suite
from evals.lint import lint as lint_cases
from evals.metrics import COVERAGES
from evals.scaffold import propose
from evals.speed import compare

app = typer.Typer()


@app.command()
def calibrate(
    write: Annotated[bool, typer.Option("--write", help="Into calibration.yaml of the knowledge base.")] = False,
) -> None:
    """Fit the weights that decide whether to answer, and print them with their risk-coverage curve."""
    settings = load_settings()
    build_ingest(settings)
    fitted = fit(load_knowledge_base(settings.knowledge_base_dir), build_embedder(settings))
    console = Console()
    text = yaml.safe_dump(fitted.calibration.model_dump(), sort_keys=False)
    console.print(text, end="")
    console.print(f"AUROC {fitted.auroc:.3f}; risk at coverage", end=" ")
    console.print(", ".join(f"{share:.0%}: {risk:.3f}" for share, risk in zip(COVERAGES, fitted.risks, strict=True)))
    if write:
        (settings.knowledge_base_dir / "calibration.yaml").write_text(text)
        console.print("Written; the next `advisor ingest` stores it with the index.")


@app.command()
def generations(
    failures: Annotated[bool, typer.Option(help="List what went wrong in the tuned half.")] = False,
) -> None:
    """Play a chat model that writes good and bad replies, and count what reaches the reader."""
    settings = load_settings()
    build_ingest(settings).run()
    with TemporaryDirectory() as folder:
        scratch = settings.model_copy(update={"database_url": f"sqlite:///{folder}/evals.sqlite"})
        model_replies.report(scratch, Console(), failures=failures)


@app.command()
def injection(file: Annotated[Path, typer.Argument(help="JSON lines, a `text` each.")]) -> None:
    """Plant texts that give orders in documents and questions, and count what a reader would see of them."""
    settings = load_settings()
    build_ingest(settings).run()
    if not injected.report(settings, file, Console()):
        raise typer.Exit(1)


@app.command()
def speed(
    documents: Annotated[Path | None, typer.Argument(help="A folder of documents to ingest as well.")] = None,
    runs: Annotated[int, typer.Option(help="Processes of each kind.")] = 5,
) -> None:
    """Compare time and memory with the tutorial stack: ingest, cold ask, warm retrieval."""
    with TemporaryDirectory() as folder:
        settings = load_settings()
        compare(settings.model_copy(update={"data_dir": Path(folder)}), Console(), runs, documents)


@app.command()
def scale(
    documents: Annotated[Path, typer.Argument(help="A folder of documents to index and multiply.")],
    chunks: Annotated[int, typer.Option(help="Of the large index.")] = 100_000,
) -> None:
    """Time warm retrieval in a large index beside one of 2,000 chunks."""
    settings = load_settings()
    build_ingest(settings)
    index_scale.compare(documents, build_embedder(settings), Console(), chunks)


@app.command()
def register(initiatives: Annotated[int, typer.Option(help="Of the smaller register.")] = 200) -> None:
    """Time the gap summary on a large register, and on one ten times as large."""
    register_speed.compare(Console(), initiatives)


@app.command()
def load(seconds: Annotated[float, typer.Option(help="Of each run.")] = 10) -> None:
    """Load a live server, beside a bare route."""
    settings = load_settings()
    build_ingest(settings).run()
    server_load.compare(settings, Console(), seconds)


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long.")] = 20,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second.")] = 5,
) -> None:
    """Keep a live server at steady mixed work; exit with 1 where something failed or its memory grew."""
    settings = load_settings()
    build_ingest(settings).run()
    if not steady_work.soak(settings, Console(), minutes, rate):
        raise typer.Exit(1)


@app.command()
def abstention(
    folder: Annotated[Path, typer.Argument(help="A folder in BEIR's layout with metadata.answerability.")],
    keep: Annotated[Path | None, typer.Option(help="Keep what was embedded here, for another run.")] = None,
) -> None:
    """Measure how well it is known whether documents answer: accuracy, AUROC, risk at each coverage."""
    settings = load_settings()
    build_ingest(settings)
    known_unknowns.report(folder, build_embedder(settings), Console(), keep)


@app.command()
def latency(questions: Annotated[int, typer.Option(min=20, help="How many to ask.")] = 200) -> None:
    """Ask many questions and tell where the time goes, stage by stage."""
    settings = load_settings()
    build_ingest(settings).run()
    stages.report(settings, Console(), questions)


@app.command()
def benchmark(
    folders: Annotated[list[Path], typer.Argument(help="Folders in BEIR's layout.")],
    file: Annotated[Path | None, typer.Option("--json", help="Write the rows here.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep what was embedded here, for another run.")] = None,
) -> None:
    """Rank public sets: nDCG@10, recall@10 and MRR of dense, keyword, hybrid and the full pipeline."""
    settings = load_settings()
    build_ingest(settings)
    retrieval_benchmark.run(folders, build_embedder(settings), Console(), file, keep)


@app.command()
def lint(folder: Annotated[Path, typer.Option("--suite", help="Folder of the cases.")] = OWN) -> None:
    """Say what is wrong with the cases: facts that nothing states, questions twice, indexed ones."""
    settings = load_settings()
    problems = lint_cases(settings, load_suite(folder))
    for problem in problems:
        Console().print(problem, markup=False, highlight=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    Console().print("The cases are sound.")


@app.command()
def mutations(
    names: Annotated[
        list[str] | None, typer.Argument(help="Some mutations, by their names; all when left out.")
    ] = None,
) -> None:
    """Break the product on purpose, one way after the other, and say which judge notices."""
    settings = load_settings()
    build_ingest(settings).run()
    if not breaking.report(settings, load_suite(), Console(), names or ()):
        raise typer.Exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the suite goes.")],
    documents: Annotated[Path, typer.Option(help="Folder of the documents.")],
    label: Annotated[str, typer.Option(help="Label that their readers hold.")] = "",
    register: Annotated[Path | None, typer.Option(help="Records of your program, as `advisor export` writes.")] = None,
) -> None:
    """Start a suite for documents of your own: cases are proposed, and you accept them."""
    count, unread = propose(folder, documents, label, register)
    console = Console()
    for problem in unread:
        console.print(f"[yellow]not read:[/] {problem}")
    console.print(f"{count} proposals are in {folder / 'cases'}, half of them held: accept those that are right, then")
    console.print(f"python -m evals --suite {folder} --failures", soft_wrap=True)


@app.command()
def reading(place: Annotated[Path, typer.Argument(help="A file as SQuAD 2.0's, or a folder as CLAP NQ's.")]) -> None:
    """Answer public questions from their documents, end to end: exact match, token F1, when to decline."""
    settings = load_settings()
    build_ingest(settings)
    gold_texts.report(place, build_embedder(settings), Console())
