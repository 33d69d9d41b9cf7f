"""``rune bench``: measurements."""

from __future__ import annotations

from pathlib import Path

import click

from rune.cli.common import FOLDER, Group


@click.group(cls=Group)
def bench() -> None:
    """Measure; each command writes docs/results/<name>.json."""


@bench.command(name="hooks")
@click.option("--runs", default=40, show_default=True)
def bench_hooks(runs: int) -> None:
    """Latency of every hook beside an empty interpreter."""
    from rune.bench import hooks, results

    results.write("hooks", hooks.run(runs))


@bench.command(name="recall")
def bench_recall() -> None:
    """Latency and memory of a recall, warm and cold."""
    from rune.bench import recall, results

    results.write("recall", recall.run())


@bench.command(name="echoes")
@click.option("--data", type=FOLDER, required=True, help="A folder with echoes/ and recorded sessions.")
@click.option("--client/--no-client", default=True, show_default=True, help="Drive the real client.")
def bench_echoes(data: Path, client: bool) -> None:
    """The text memory: growth, files of others, commands without tokens, secrets."""
    from rune.bench import echoes, results, secrets

    results.write("echoes", echoes.run(data, client=client), secrets.FRESH)


@bench.command(name="import")
@click.argument("folder", type=FOLDER)
@click.option("--sessions", default=5, show_default=True)
def bench_import(folder: Path, sessions: int) -> None:
    """Real transcripts end to end: captured, lessons, seconds, memory, answers."""
    from rune.bench import importing, results

    results.write("import", importing.run(folder, sessions))


@bench.command(name="distil")
@click.option("--data", type=FOLDER, required=True, help="A folder with recorded sessions.")
@click.option("--sessions", default=40, show_default=True, help="Sessions that are asked about.")
@click.option("--work", type=click.Path(path_type=Path), help="Where the work lies; else in build/.")
@click.option("--split", type=click.Choice(["heldout", "development"]), default="heldout", show_default=True)
@click.option(
    "--only",
    help="One stage: train, answers, naive, equal, served, growth, small, calibrate; or result, the file.",
)
def bench_distil(data: Path, sessions: int, work: Path | None, split: str, only: str | None) -> None:
    """What sessions become in weights, beside every rival; goes on where it stopped."""
    from rune.bench.distil import stages

    stages.run(data, work, sessions, split, only)


@bench.command(name="start")
@click.option("--data", type=FOLDER, required=True, help="A folder with recorded sessions.")
@click.option("--work", type=click.Path(path_type=Path), help="Where the work lies; else in build/.")
@click.option(
    "--make", "into", type=click.Path(file_okay=False, path_type=Path),
    help="Make a start and write it into this folder, instead of measuring the embedded one.",
)  # fmt: skip
def bench_start(data: Path, work: Path | None, into: Path | None) -> None:
    """The weights that training begins from: what they save, or making them; goes on where it stopped."""
    from rune.bench import results, start

    using = start.tools(data, work)
    if into:
        start.make(using, into)
    else:
        results.write("start", start.measure(using))


@bench.command(name="context")
@click.option("--data", type=FOLDER, required=True, help="A folder with recorded sessions.")
@click.option("--sessions", default=4, show_default=True, help="Development sessions that are learnt.")
@click.option("--work", type=click.Path(path_type=Path), help="Where the work lies; else in build/.")
@click.option(
    "--way",
    "ways",
    type=click.Choice(["answers", "context", "worded"]),
    multiple=True,
    help="Else each of them.",
)
def bench_context(data: Path, sessions: int, work: Path | None, ways: tuple[str, ...]) -> None:
    """Adapters taught by what the base reads and words, beside those taught by answers; resumable."""
    from rune.bench import context, results, start

    using = start.tools(data, work, context.called)
    told = context.measure(using, sessions, ways)
    results.write(context.called(using.base.name), told, using.config.seed)


@bench.command(name="evolve")
@click.option("--data", type=FOLDER, help="A folder with recorded sessions, for the stage gated.")
@click.option("--sessions", default=60, show_default=True, help="Real sessions of the stage gated.")
@click.option("--work", type=click.Path(path_type=Path), help="Where the work lies; else in build/.")
@click.option("--trained", type=FOLDER, help="Work of rune bench distil: its sessions are not learnt again.")
@click.option("--rounds", type=click.IntRange(0), help="Of evolution, at most; else until it has an end.")
@click.option("--only", help="One stage: kill, drift, gated; or result, the file.")
def bench_evolve(
    data: Path | None,
    sessions: int,
    work: Path | None,
    trained: Path | None,
    rounds: int | None,
    only: str | None,
) -> None:
    """Facts that change, and evolution beside keeping everything; goes on where it stopped."""
    from rune.bench.evolve import stages

    stages.run(data, work, sessions, only, trained, rounds)


@bench.command(name="hypernet")
@click.option("--checkpoint", type=FOLDER, help="A hypernetwork's folder; else the embedded one.")
@click.option("--sessions", default=48, show_default=True, help="Held-out sessions of a level.")
@click.option("--trained", default=4, show_default=True, help="Of these, how many are taught by steps, too.")
def bench_hypernet(checkpoint: Path | None, sessions: int, trained: int) -> None:
    """The hypernetwork: is it computed right, how fast is it, what do its adapters know?"""
    from rune.bench import results
    from rune.bench.hypernet import run

    chosen = checkpoint or run.embedded()
    results.write("hypernet", run.run(chosen, sessions, trained), run.SEED)


@bench.command(name="base")
def bench_base() -> None:
    """Memory of the base as float32, bfloat16 and NF4."""
    from rune.bench import base, results

    results.write("base", base.run())


@bench.command(name="retrieval")
@click.option("--data", type=FOLDER, help="A folder with recorded sessions; without it all are generated.")
@click.option("--sessions", default=1000, show_default=True)
@click.option("--split", type=click.Choice(["heldout", "development"]), default="heldout", show_default=True)
@click.option("--seed", default=2611, show_default=True)
@click.option(
    "--sizes", default="100,1000,10000", show_default=True, help="Adapters at which latency is measured."
)
def bench_retrieval(data: Path | None, sessions: int, split: str, seed: int, sizes: str) -> None:
    """Who is found among a thousand sessions, beside BM25, grep, embeddings and rank fusion."""
    from rune.bench import results, retrieval

    counts = [int(size) for size in sizes.split(",") if size]
    told = retrieval.run(split, data, sessions, seed, counts)
    name = retrieval.called(told["embedder"])
    results.write(name if split == "heldout" else f"{name}-{split}", told, seed)


@bench.command(name="serve")
@click.option(
    "--only",
    help="One stage: mixed, swap, registry, identical, busy, within, neighbours, cold, load; or vllm.",
)
@click.option("--minutes", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Of load.")
@click.option(
    "--vllm", "python", type=click.Path(dir_okay=False, path_type=Path), default=".venv-vllm/bin/python",
    show_default=True, help="Python of an environment with vLLM, for the stage vllm; make vllm makes it.",
)  # fmt: skip
def bench_serve(only: str | None, minutes: float, python: Path) -> None:
    """The serving engine: mixed batches, swaps, thousands of adapters, equality, half an hour of load."""
    from rune.bench.serve import stages

    stages.run(only, minutes, python)


@bench.command(name="sizing")
@click.option("--assume", multiple=True, help="An assumption anew, as name=value; repeated.")
@click.option("--seed", default=2811, show_default=True)
def bench_sizing(assume: tuple[str, ...], seed: int) -> None:
    """A thousand users and a million adapters: bytes, hit rates, machines, cost; a simulation."""
    from rune.bench import results
    from rune.bench.sizing import assumed, study

    results.write("sizing", study.run(assumed.changed(assume), seed), seed)
