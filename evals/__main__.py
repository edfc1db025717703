"""`python -m evals [abstention|add|calibrate|generations|injection|latency|speed|scale|register|load|benchmark]`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.progress import Progress

from advisor.bootstrap import build_advisor, build_embedder, build_ingest
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import AdvisorError
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.settings import Settings, load_settings
from evals import abstention as known_unknowns
from evals import benchmark as retrieval_benchmark
from evals import generations as model_replies
from evals import injection as injected
from evals import latency as stages
from evals import load as server_load
from evals import register_speed
from evals import scale as index_scale
from evals.calibration import fit
from evals.cases import ADDED, Half, append_case, case_of, load_cases
from evals.metrics import COVERAGES
from evals.report import print_failures, render_table, write_json
from evals.runner import EvalReport, run_half
from evals.speed import compare

app = typer.Typer(help="Measures the answers.", no_args_is_help=False, add_completion=False)
_OUT = Path(__file__).parent / "out"


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    half: Annotated[Half | None, typer.Option(help="Run one half only.")] = None,
    failures: Annotated[bool, typer.Option(help="List what the tuned half missed.")] = False,
) -> None:
    """Ask every case, print the table, write JSON, and fail below the pass marks."""
    if context.invoked_subcommand:
        return
    console = Console()
    settings = load_settings()
    build_ingest(settings).run()
    with TemporaryDirectory() as folder:
        reports = run_halves(settings, [half] if half else list(Half), console, Path(folder))
    console.print(render_table(reports))
    console.print("Yellow: short of the goal. Red: below the pass mark, where the gate closes (evals/runner.py).")
    if failures:
        for report in reports:
            print_failures(console, report)
    write_json(_OUT / "report.json", reports)
    if not all(report.passed for report in reports):
        console.print("[red]Below the pass marks.[/]")
        raise typer.Exit(1)


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
def add(answer_id: Annotated[str, typer.Argument(help="Id of an answer; `advisor content-gaps` names some.")]) -> None:
    """Make a case of a question that is answered by now, for a person to look over."""
    settings = load_settings()
    case = case_of(build_advisor(settings).replay(LOCAL_CALLER, answer_id).answer)
    append_case(case)
    Console().print(f"{case.id} is in {ADDED}: look over its facts.", markup=False)


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


def run_halves(settings: Settings, halves: list[Half], console: Console, scratch: Path) -> list[EvalReport]:
    """Run halves against the serving index; conversations go to a scratch database."""
    database = f"sqlite:///{scratch / 'evals.sqlite'}"
    advisor = build_advisor(settings.model_copy(update={"database_url": database}))
    sections = {s.id: s for s in load_knowledge_base(settings.knowledge_base_dir).sections}
    reports: list[EvalReport] = []
    with Progress(console=console, transient=True) as progress:
        for half in halves:
            cases = load_cases(half)
            task = progress.add_task(f"{half.value} cases", total=len(cases))
            reports.append(run_half(half, cases, advisor, sections, lambda task=task: progress.advance(task)))  # type: ignore[misc]
    return reports


if __name__ == "__main__":
    try:
        app()
    except AdvisorError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
