"""`python -m evals`: asks every case and holds the answers to the baseline; `python -m evals --help` lists the rest."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from advisor.bootstrap import build_advisor
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import AdvisorError
from advisor.settings import load_settings
from evals import report
from evals.cases import ADDED, OWN, Half, append_case, case_of, load_suite
from evals.compare import Comparison, compare, list_silent, list_values, load_baseline, save_baseline
from evals.judge import find_agreement, judge_run
from evals.measures import app as measures
from evals.runner import run_suite
from evals.runs import Run, load_run, save_run

app = typer.Typer(help="Measures the answers.", no_args_is_help=False, add_completion=False)
app.registered_commands += measures.registered_commands
SuiteOption = Annotated[Path, typer.Option("--suite", help="Folder of the cases.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    folder: SuiteOption = OWN,
    half: Annotated[Half | None, typer.Option(help="Run one half only.")] = None,
    failures: Annotated[bool, typer.Option(help="List what the cases missed, of the tuned half.")] = False,
    show_held: Annotated[
        bool, typer.Option("--show-held", help="Show what the held half missed too; of a suite of your own.")
    ] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Fail where the baseline was better.")] = False,
) -> None:
    """Ask every case, print the table, keep the run, write the report, and compare it with the baseline."""
    if context.invoked_subcommand:
        return
    console = Console()
    suite = load_suite(folder)
    shown = _choose_shown(folder, show_held)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("cases", total=None)
        done = run_suite(
            load_settings(),
            suite,
            [half] if half else list(Half),
            progress=lambda n, total: progress.update(task, completed=n, total=total),
        )
    file = save_run(suite.out, done)
    console.print(report.render_table(done))
    if failures:
        report.print_failures(console, done, shown)
    found = _hold_to_baseline(done, suite.baseline, half) if gate or suite.baseline.exists() else None
    pages = report.write_reports(suite.out, done, found, shown)
    console.print(
        f"{len(done.results)} cases in {done.seconds:.0f} s. Run {file.stem}; report: {pages}", soft_wrap=True
    )
    if found:
        report.print_comparison(console, found, done.halves, "the baseline", shown)
        if gate and not found.passed:
            raise typer.Exit(1)


def _choose_shown(folder: Path, held: bool) -> tuple[Half, ...]:
    """Return the halves whose failures are shown; the held half of our own suite stays unseen."""
    if held and folder.resolve() == OWN.resolve():
        raise typer.BadParameter("the held half of our own suite stays unseen; use it with a suite of yours")
    return tuple(Half) if held else report.OPEN


def _hold_to_baseline(done: Run, file: Path, half: Half | None) -> Comparison:
    baseline = load_baseline(file)
    wanted = {case: row for case, row in baseline.values.items() if half in {None, baseline.halves[case]}}
    return compare(wanted, list_values(done), done.halves, list_silent(done))


@app.command("compare")
def compare_runs(
    before: Annotated[str, typer.Argument(help="A run: its file, its id or the beginning of it, or `baseline`.")],
    after: Annotated[str, typer.Argument(help="A run; `latest` is the newest.")] = "latest",
    folder: SuiteOption = OWN,
) -> None:
    """Say what changed between two runs and whether it is noise; exit with 1 for a regression or a missing score."""
    suite = load_suite(folder)
    second = load_run(suite.out, after)
    if before == "baseline":
        first = load_baseline(suite.baseline)
        values, prints = first.values, first.fingerprints
    else:
        kept = load_run(suite.out, before)
        values, prints = list_values(kept), kept.fingerprints
    console = Console()
    changed = [name for name in second.fingerprints if prints.get(name) != second.fingerprints[name]]
    console.print(f"Changed: {', '.join(changed) or 'nothing'}.")
    found = compare(values, list_values(second), second.halves, list_silent(second))
    report.print_comparison(console, found, second.halves, before)
    if not found.passed:
        raise typer.Exit(1)


@app.command("baseline")
def write_baseline(
    reason: Annotated[str, typer.Option(help="Why it changes; it is committed with it.", prompt=True)],
    name: Annotated[str, typer.Option("--run", help="The run that it is taken from.")] = "latest",
    folder: SuiteOption = OWN,
) -> None:
    """Make a run the baseline that the gate compares with."""
    suite = load_suite(folder)
    if not reason.strip():
        raise typer.BadParameter("say why, in a sentence")
    done = load_run(suite.out, name)
    if len({result.half for result in done.results}) < len(Half) and folder == OWN:
        raise typer.BadParameter("that run asked one half only")
    save_baseline(suite.baseline, done, reason, date.today())
    Console().print(f"{suite.baseline.name} holds run {done.id}, {len(done.results)} cases. Commit it.")


@app.command("judge")
def judge_by_model(
    model: Annotated[str, typer.Option(help="As provider:name.")],
    base_url: Annotated[str, typer.Option(help="Of a server of your own.")] = "",
    votes: Annotated[int, typer.Option(min=1, max=9, help="How often each case is judged.")] = 3,
    name: Annotated[str, typer.Option("--run", help="The run whose answers are judged.")] = "latest",
    folder: SuiteOption = OWN,
) -> None:
    """Have a chat model vote on every answer of a run, and say how far it agrees with the judges of code."""
    from advisor.answering.chat_model import LangChainChatModel  # noqa: PLC0415  half a second to import

    console = Console()
    suite = load_suite(folder)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("votes", total=None)
        judged = judge_run(
            load_run(suite.out, name),
            LangChainChatModel(model, base_url=base_url, whole_seconds=60.0),
            votes,
            lambda n, total: progress.update(task, completed=n, total=total),
        )
    save_run(suite.out, judged)
    report.write_reports(suite.out, judged, None)
    found = find_agreement(judged.results)
    if found is None:
        console.print("[red]No vote could be read.[/] Check the model; the scores of code stand.")
        raise typer.Exit(1)
    console.print(
        f"{model} agrees with the code on {found.agreed:.1%} of {found.cases} cases "
        f"({found.low:.0%} to {found.high:.0%}, kappa {found.kappa:.2f}); "
        f"its own votes were one on {found.steady:.1%}; {found.silent} cases have none."
    )
    for result in judged.of(Half.TUNED):
        if result.judged is not None and result.passed != (result.judged > 0.5):
            told = "right" if result.judged > 0.5 else "wrong"
            console.print(f"   {result.id}: the model says {told}; missed: {result.missed or 'nothing'}", markup=False)


@app.command()
def add(answer_id: Annotated[str, typer.Argument(help="Id of an answer; `advisor content-gaps` names some.")]) -> None:
    """Ask an answer's question again, and add what is said today as a case of the tuned half."""
    case = case_of(build_advisor(load_settings()).replay(LOCAL_CALLER, answer_id).answer)
    append_case(case)
    Console().print(f"{case.id} is in {ADDED.name}: read it, and keep of its pattern what must be said.")


if __name__ == "__main__":
    try:
        app()
    except AdvisorError as error:
        Console(stderr=True).print(str(error), markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted; no run was kept.")
        sys.exit(130)
