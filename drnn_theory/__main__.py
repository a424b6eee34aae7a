"""The command line: it reads arguments, calls the package and prints; no logic of its own."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from drnn_theory import __version__
from drnn_theory.reading import read_number, read_scheme, read_word

TASK_OPTIONS = {
    "delay": ("copy_memory, in steps", "100"),
    "lag": ("recall, in steps", "100"),
    "span": ("recall_within, in steps", "64"),
    "length": ("adding, in steps", "100"),
    "folder": ("pixel_mnist and reviews", "FOLDER"),
    "path": ("characters", "FILE"),
}
"""Options of `train` that are arguments of a task, the steps of adding under another name."""
TRAIN_OPTIONS = {
    "hidden": "20",
    "cell": "RNN",
    "steps": "1000",
    "batch": "128",
    "seed": "0",
    "learning-rate": "0.001",
    "optimizer": "rmsprop",
    "readout": "normal",
    "init": "that of DilatedRNN",
}

EPILOG = "Exit codes: 0 done; 1 a check failed; 2 bad input, one line on stderr."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = _parser()
    words = sys.argv[1:] if arguments is None else arguments
    # argparse takes what begins with a minus for an option: a space makes it a word to refuse
    options = parser.parse_args([f" {word}" if re.match(r"-\d", word) else word for word in words])
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has read enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, ImportError, OSError, OverflowError, RecursionError) as error:
        print(f"drnn-theory: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("drnn-theory: the answer must fit in memory, got none left", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("drnn-theory: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="drnn-theory",
        description="How far back a recurrent network remembers, and why.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"drnn-theory {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    report = commands.add_parser(
        "report",
        help="a page to read, tables, checks and figures for the paper's architectures and yours",
        description="Write a page to read (index.html), tables, checks and figures for the paper's "
        "architectures and yours, those of --schemes and --scheme.",
        epilog=EPILOG,
    )
    report.add_argument(
        "--scheme",
        action="append",
        default=[],
        metavar="1,5,18,25",
        help="dilations to add, bottom layer first; may be repeated",
    )
    report.add_argument("--schemes", metavar="FILE.toml", help="named architectures to add")
    report.add_argument(
        "--only", action="store_true", help="yours alone, without the paper's architectures"
    )
    report.add_argument("--span", help="lags 1..SPAN are averaged; default: the file's, or 256")
    report.add_argument("--out", default="report", metavar="FOLDER", help="default: report/")
    report.add_argument("--quick", action="store_true", help="fewer lags and cases, under 30 s")
    report.add_argument("--venue", default="neurips", help="default: neurips")
    report.add_argument(
        "--format", default="pdf,png", metavar="pdf,svg,png", help="one or more; default: pdf,png"
    )
    report.add_argument(
        "--columns",
        metavar='"longest path,at lag"',
        help="measures of the page's table and of LaTeX's; default: nine of them",
    )
    report.set_defaults(run=_report)

    mrl = commands.add_parser(
        "mrl",
        help="the mean recurrent length of a scheme of dilations",
        description="Print the mean recurrent length of a scheme of dilations.",
        epilog=EPILOG,
    )
    mrl.add_argument(
        "scheme", nargs="+", metavar="DILATIONS", help="bottom layer first, as in 1,2,4,8"
    )
    mrl.add_argument("--span", help="lags 1..SPAN are averaged; default: the largest dilation")
    mrl.add_argument("--json", action="store_true", help="print JSON")
    mrl.set_defaults(run=_mrl)

    compare = commands.add_parser(
        "compare",
        help="all measures of the architectures in a TOML file",
        description="Print all measures of the architectures that a TOML file names.",
        epilog=EPILOG,
    )
    compare.add_argument("file", metavar="FILE.toml")
    compare.add_argument("--span", help="lags 1..SPAN are averaged; default: the largest lag")
    compare.add_argument(
        "--columns", metavar='"longest path,at lag"', help="measures to print; default: all of them"
    )
    shown = compare.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument("--latex", action="store_true", help="print a table for LaTeX (booktabs)")
    compare.set_defaults(run=_compare)

    design = commands.add_parser(
        "design",
        help="the best dilations for a span, or for budgets",
        description="Find the dilations of least mean recurrent length over lags 1..SPAN; with a "
        "budget, depth and hidden size as well.",
        epilog=EPILOG,
    )
    design.add_argument("--span", required=True, help="lags 1..SPAN are averaged")
    design.add_argument("--layers", help="depth; chosen, too, unless given")
    design.add_argument("--lags-per-layer", help="recurrent lags in each layer; default: 1")
    design.add_argument(
        "--chains", action="store_true", help="only dilations that divide each other"
    )
    design.add_argument("--parameters", metavar="50k", help="budget of parameters")
    design.add_argument("--state", metavar="10k", help="budget of values kept while streaming")
    design.add_argument("--steps", metavar="1k", help="budget of sequential steps")
    design.add_argument("--cell", help="RNN, GRU, LSTM or TCN, for budgets; default: GRU")
    design.add_argument("--input-size", help="features of the input, for budgets; default: 1")
    design.add_argument("--kernel-size", help="of a TCN; chosen, too, unless given")
    design.add_argument("--json", action="store_true", help="print JSON")
    design.set_defaults(run=_design)

    verify = commands.add_parser(
        "verify",
        help="check every theorem: symbolic computations, brute force, exhaustive claims",
        description="Check every theorem by sympy and by brute force; exit 1 if one fails.",
        epilog=EPILOG,
    )
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(run=_verify)

    figures = commands.add_parser(
        "figures",
        help="the figures for a paper, with their numbers, captions and tables",
        description="Write figures at the size and in the fonts of a venue, each with the numbers "
        "behind it (CSV), its caption (txt), the figure with its caption for LaTeX (NAME.tex) and, "
        "where it compares, a table (NAME_table.tex).",
        epilog=EPILOG,
    )
    figures.add_argument("names", nargs="*", metavar="NAME", help="default: all of them")
    figures.add_argument(
        "--scheme",
        action="append",
        default=[],
        metavar="1,5,18,25",
        help="dilations to draw in figures that compare, too; may be repeated",
    )
    figures.add_argument(
        "--schemes", metavar="FILE.toml", help="named architectures to draw in them"
    )
    figures.add_argument(
        "--only", action="store_true", help="yours alone, without the paper's architectures"
    )
    figures.add_argument("--span", help="lags 1..SPAN, with architectures of yours")
    figures.add_argument("--venue", default="neurips", help="default: neurips")
    figures.add_argument("--out", default="figures", metavar="FOLDER", help="default: figures/")
    figures.add_argument(
        "--format", default="pdf", metavar="pdf,svg,png", help="one or more; default: pdf"
    )
    figures.set_defaults(run=_figures)
    figures.listing = _figures_and_venues

    train = commands.add_parser(
        "train",
        help="one training of a scheme on a task, its curve drawn here and in a file",
        description="Train a DilatedRNN on a task of memory and draw its curve.",
        epilog=EPILOG,
    )
    train.add_argument("scheme", metavar="DILATIONS", help="bottom layer first, as in 1,2,4,8")
    train.add_argument(
        "--task",
        required=True,
        help="adding, characters, copy_memory, pixel_digits, pixel_mnist, recall, recall_within or "
        "reviews",
    )
    for name, (task, metavar) in TASK_OPTIONS.items():
        train.add_argument(f"--{name}", metavar=metavar, help=f"of {task}")
    for name, default in TRAIN_OPTIONS.items():
        train.add_argument(f"--{name}", metavar=default.upper(), help=f"default: {default}")
    train.add_argument("--target", help="stop where the metric reaches it")
    train.add_argument("--checkpoint", metavar="FILE.pt", help="keep the run there, go on from it")
    train.add_argument("--out", metavar="FILE.pdf", help="draw the curve there: pdf, svg or png")
    train.add_argument("--json", action="store_true", help="print the curve as JSON")
    train.set_defaults(run=_train)

    study = commands.add_parser(
        "study",
        help="train the architectures in a TOML file, each run kept when it finishes",
        description="Train every architecture that a TOML file names, from every seed of its table "
        "[study]. A run is kept in the store when it finishes: stopped by whatever, the same "
        "command goes on. Exit 1 if a run failed.",
        epilog=EPILOG,
    )
    study.add_argument("file", metavar="FILE.toml")
    study.add_argument("--store", required=True, metavar="study.db", help="made if it is not there")
    study.add_argument("--jobs", default="1", help="runs at a time; default: 1")
    study.add_argument("--retry", action="store_true", help="try failed runs again")
    study.add_argument("--csv", metavar="FILE.csv", help="write the rows there, too")
    study.add_argument("--json", action="store_true", help="print JSON")
    study.set_defaults(run=_study)
    return parser


class _Parser(argparse.ArgumentParser):
    """Say what is wrong with the arguments in one line; end the help with a list, if there is one.

    A list is made when it is shown, since what it names takes seconds to import.
    """

    listing: Callable[[], str] | None = None

    def format_help(self) -> str:
        text = super().format_help()
        return text if self.listing is None else f"{text}\n{self.listing()}"

    def error(self, message: str) -> Any:
        self.exit(2, f"{self.prog}: {message}\n")


def _add(named: dict[str, Any], name: str, architecture: Any) -> None:
    if name in named:
        raise ValueError(f"names in a report must differ, got {name!r} twice")
    named[name] = architecture


def _own_architectures(options: argparse.Namespace) -> tuple[dict[str, Any], int | None]:
    """Return the architectures of --scheme and --schemes, and the file's span if it has one."""
    from drnn_theory.catalogue import read_architectures

    named: dict[str, Any] = {}
    span = None
    if options.schemes:
        named, span = read_architectures(options.schemes)
    for text in options.scheme:
        scheme = read_scheme(text)
        _add(named, ",".join(map(str, scheme)), scheme)
    return named, span


def _report(options: argparse.Namespace) -> int:
    from drnn_theory.catalogue import paper_architectures
    from drnn_theory.checks import as_integer
    from drnn_theory.report import SPAN, write_report

    own, chosen = _own_architectures(options)
    named: dict[str, Any] = {} if options.only else paper_architectures()
    if not own and options.only:
        raise ValueError("--only must have architectures of your own, by --schemes or --scheme")
    for name, architecture in own.items():
        _add(named, name, architecture)
    span = chosen if options.span is None else as_integer(read_number(options.span), "span")
    chosen_columns = {"columns": _words(options.columns)} if options.columns else {}
    report = write_report(
        named,
        options.out,
        span=span or SPAN,
        quick=options.quick,
        venue=options.venue,
        formats=_words(options.format),
        **chosen_columns,
    )
    print(report.comparison)
    for file in report.files:
        print(f"wrote {file}")
    for failure in report.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if report.failures else 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _mrl(options: argparse.Namespace) -> int:
    from drnn_theory.checks import as_integer
    from drnn_theory.measures import compute_mrl, default_span
    from drnn_theory.tables import convention, plain, where

    scheme = read_scheme(options.scheme)
    span = (
        default_span(scheme)
        if options.span is None
        else as_integer(read_number(options.span), "span")
    )
    mean, exact = compute_mrl(scheme, span), compute_mrl(scheme, span, exact=True)
    if options.json:
        record = {
            "dilations": scheme,
            "span": span,
            "convention": convention(),
            "mean recurrent length": plain(mean),
            "exactly": plain(exact),
            "where": where(),
        }
        print(json.dumps(record))
    else:
        also = f" = {exact}" if "/" in str(exact) else ""
        print(f"mean recurrent length over lags 1..{span}: {mean:.12g}{also}")
        if math.isinf(mean):
            print(_out_of_reach(scheme, span))
    return 0


def _out_of_reach(scheme: tuple[int, ...], span: int) -> str:
    """Return which lags no path reaches."""
    common = math.gcd(*scheme)
    if common > 1:
        return f"All dilations are multiples of {common}: no path reaches another lag."
    return f"No path reaches lag 1 with dilations of {min(scheme)} or more."


def _compare(options: argparse.Namespace) -> int:
    from drnn_theory.catalogue import read_architectures
    from drnn_theory.summaries import compare

    named, span = read_architectures(options.file)
    comparison = compare(named, span if options.span is None else read_number(options.span))
    columns = _words(options.columns or "")
    table = comparison.table(columns)
    if options.latex:
        print(table.to_latex())
    elif options.json:
        print(json.dumps(table.to_dict(), indent=1))
    else:
        print(table if columns else comparison)
    return 0


def _design(options: argparse.Namespace) -> int:
    from drnn_theory.checks import as_integer
    from drnn_theory.costs import GATES
    from drnn_theory.design import optimal_dilations, recommend

    span = as_integer(read_number(options.span), "span")
    budgets = {
        name: read_number(text)
        for name in ("parameters", "state", "steps")
        if (text := getattr(options, name)) is not None
    }
    answer: Any
    if budgets:
        for name in ("layers", "lags_per_layer", "chains"):
            if getattr(options, name):
                raise ValueError(f"{name} must not be given with a budget, which decides the depth")
        cell = read_word(options.cell or "GRU", "cell", (*GATES, "TCN"))
        kernel = None if options.kernel_size is None else read_number(options.kernel_size)
        features = 1 if options.input_size is None else read_number(options.input_size)
        answer = recommend(span + 1, cell=cell, input_size=features, kernel_size=kernel, **budgets)
    else:
        for name in ("cell", "input_size", "kernel_size"):
            if (text := getattr(options, name)) is not None:
                raise ValueError(f"{name} must be given with a budget, got {text} without one")
        layers = None if options.layers is None else read_number(options.layers)
        lags = 1 if options.lags_per_layer is None else read_number(options.lags_per_layer)
        answer = optimal_dilations(
            span,
            layers,
            lags_per_layer=lags,
            within="divisor_chains" if options.chains else "all",
        )
    print(json.dumps(answer.to_dict(), indent=1) if options.json else answer)
    return 0


def _verify(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from drnn_theory.theorems import verify

    verification = verify(progress=lambda theorems: tqdm(theorems, unit="theorem", leave=False))
    print(json.dumps(verification.to_dict(), indent=1) if options.json else verification)
    return 0 if verification else 1


def _figures_and_venues() -> str:
    from drnn_theory.figures.venues import VENUES
    from drnn_theory.gallery import FIGURES

    def listed(title: str, names: Iterable[str]) -> str:
        text = ", ".join(names)
        return f"{title}:\n{textwrap.indent(textwrap.fill(text, 76), '  ')}\n"

    return listed("figures", FIGURES) + listed("venues", VENUES)


def _figures(options: argparse.Namespace) -> int:
    from drnn_theory.checks import as_integer
    from drnn_theory.figures.venues import VENUES
    from drnn_theory.gallery import not_comparing, write_figures
    from drnn_theory.writing import FORMATS

    formats = [read_word(kind, "format", FORMATS) for kind in options.format.split(",")]
    venue = read_word(options.venue, "venue", VENUES)
    own, span = _own_architectures(options)
    if options.span is not None:
        span = as_integer(read_number(options.span), "span")
    if not own and (options.only or options.span is not None):
        raise ValueError(
            "--only and --span must have architectures of your own, by --schemes or --scheme"
        )
    written = write_figures(
        options.names,
        options.out,
        architectures=own or None,
        only=options.only,
        span=span,
        venue=venue,
        formats=formats,
    )
    for file in written:
        print(f"wrote {file}")
    if own and not options.names:
        print(f"left out, since they compare no architectures: {', '.join(not_comparing())}")
    return 0


def _train(options: argparse.Namespace) -> int:
    from drnn_theory.learning import train
    from drnn_theory.learning.grid import make_task

    names = {"length": "steps"}
    given = {name: getattr(options, name) for name in TASK_OPTIONS}
    entry = {
        names.get(name, name): value if name in ("folder", "path") else read_number(value)
        for name, value in given.items()
        if value is not None
    }
    settings = {
        name.replace("-", "_"): value
        for name in TRAIN_OPTIONS
        if (value := getattr(options, name.replace("-", "_"))) is not None
    }
    words = ("cell", "optimizer", "readout", "init")
    settings = {k: v if k in words else read_number(v) for k, v in settings.items()}
    settings["hidden_size"] = settings.pop("hidden", 20)
    if options.target is not None:
        settings["target"] = read_number(options.target)
    if options.out is not None:
        _picture(options.out)  # refused before the training, not after it
    training = train(
        read_scheme(options.scheme),
        make_task({"name": options.task, **entry}),
        checkpoint=options.checkpoint,
        **{"steps": 1000, **settings},
    )
    print(json.dumps(training.to_dict(), indent=1) if options.json else training)
    if options.out is not None:
        _draw_training(training, _picture(options.out), options.scheme)
    return 0


def _picture(out: str) -> Path:
    """Return the path of a picture that can be written."""
    from drnn_theory.checks import one_of
    from drnn_theory.writing import FORMATS

    path = Path(out)
    one_of(path.suffix.removeprefix("."), "the end of out", FORMATS)
    if not path.parent.is_dir():
        raise ValueError(f"out must lie in a folder that is there, got {path}")
    return path


def _draw_training(training: Any, path: Path, name: str) -> None:
    from matplotlib.figure import Figure

    from drnn_theory.figures import plot_training
    from drnn_theory.writing import write_picture

    figure = Figure(figsize=(5, 3), layout="constrained")
    rows = [row for row in training.curve if row["split"] == "train"]
    curve = [row["step"] for row in rows], [row["metric"] for row in rows]
    plot_training({name: curve}, metric=training.task.metric, ax=figure.subplots())
    write_picture(figure, path)
    print(f"wrote {path}")


def _study(options: argparse.Namespace) -> int:
    from concurrent.futures import BrokenExecutor

    from drnn_theory.learning.grid import run_grid

    try:
        study = run_grid(
            options.file, store=options.store, jobs=read_number(options.jobs), retry=options.retry
        )
    except BrokenExecutor as error:  # a worker was killed
        raise ChildProcessError(str(error)) from None
    if options.csv:
        study.to_csv(options.csv)
    print(json.dumps(study.to_dict(), indent=1) if options.json else study)
    for failure in study.failures:
        print(f"failed: {failure.row['architecture']}: {failure.error}", file=sys.stderr)
    return 1 if study.failures else 0


if __name__ == "__main__":
    sys.exit(main())
