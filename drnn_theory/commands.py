"""The commands of the command line: each reads its options, calls the package and prints."""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from drnn_theory.reading import read_number, read_scheme, read_word

__all__ = [
    "TASK_OPTIONS",
    "TRAIN_OPTIONS",
    "compare_command",
    "design_command",
    "figures_and_venues",
    "figures_command",
    "mrl_command",
    "report_command",
    "study_command",
    "train_command",
    "verify_command",
]


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


def report_command(options: argparse.Namespace) -> int:
    """Write the report of the paper's architectures and the user's, and print what it compares."""
    from drnn_theory.catalogue import paper_architectures
    from drnn_theory.checks import as_integer
    from drnn_theory.report import SPAN, write_report

    own, chosen = _own_architectures(options)
    named: dict[str, Any] = {} if options.only else paper_architectures()
    if not own and options.only:
        raise ValueError("--only must have architectures of your own, by --schemes or --scheme")
    for name, architecture in own.items():
        _add(named, name, architecture)
    span = chosen if options.span is None else as_integer(_number(options, "span"), "span")
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


def _number(options: argparse.Namespace, name: str) -> Any:
    """Return the number that an option spells, None where it is not given."""
    text = getattr(options, name)
    number = None if text is None else read_number(text)
    if isinstance(number, str):
        raise ValueError(f"{_option(name)} must be a number, as 784 or 50k, got {text!r}")
    return number


def _options(names: Iterable[str]) -> str:
    return ", ".join(map(_option, names)) or "none"


def _option(name: str) -> str:
    """Return an option as it is typed."""
    return f"--{name.replace('_', '-')}"


def mrl_command(options: argparse.Namespace) -> int:
    """Print the mean recurrent length of a scheme."""
    from drnn_theory.checks import as_integer
    from drnn_theory.measures import compute_mrl, default_span
    from drnn_theory.tables import convention, plain, where

    scheme = read_scheme(options.scheme)
    number = _number(options, "span")
    span = default_span(scheme) if number is None else as_integer(number, "span")
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


def compare_command(options: argparse.Namespace) -> int:
    """Print all measures of the architectures in a file."""
    from drnn_theory.catalogue import read_architectures
    from drnn_theory.checks import as_integer
    from drnn_theory.summaries import compare

    named, span = read_architectures(options.file)
    if options.span is not None:
        span = as_integer(_number(options, "span"), "span")
    comparison = compare(named, span)
    columns = _words(options.columns or "")
    table = comparison.table(columns)
    if options.latex:
        print(table.to_latex())
    elif options.json:
        print(json.dumps(table.to_dict(), indent=1))
    else:
        print(table if columns else comparison)
    return 0


def design_command(options: argparse.Namespace) -> int:
    """Print the best dilations for a span, or within budgets."""
    from drnn_theory.checks import as_integer
    from drnn_theory.costs import GATES
    from drnn_theory.design import optimal_dilations, recommend

    span = as_integer(_number(options, "span"), "span")
    budgets = {
        name: _number(options, name)
        for name in ("parameters", "state", "steps")
        if getattr(options, name) is not None
    }
    answer: Any
    if budgets:
        for name in ("layers", "lags_per_layer", "chains"):
            if getattr(options, name):
                raise ValueError(
                    f"{_option(name)} must not be given with a budget, which decides the depth"
                )
        cell = read_word(options.cell or "GRU", "cell", (*GATES, "TCN"))
        kernel = _number(options, "kernel_size")
        if kernel is not None and cell != "TCN":
            raise ValueError(f"--kernel-size must be given with --cell TCN, got {cell}")
        features = 1 if options.input_size is None else _number(options, "input_size")
        answer = recommend(span + 1, cell=cell, input_size=features, kernel_size=kernel, **budgets)
    else:
        for name in ("cell", "input_size", "kernel_size"):
            if (text := getattr(options, name)) is not None:
                raise ValueError(
                    f"{_option(name)} must be given with a budget, got {text} without one"
                )
        layers = _number(options, "layers")
        lags = 1 if options.lags_per_layer is None else _number(options, "lags_per_layer")
        answer = optimal_dilations(
            span,
            layers,
            lags_per_layer=lags,
            within="divisor_chains" if options.chains else "all",
        )
    print(json.dumps(answer.to_dict(), indent=1) if options.json else answer)
    return 0


def verify_command(options: argparse.Namespace) -> int:
    """Check every theorem and print what holds."""
    from tqdm import tqdm

    from drnn_theory.theorems import verify

    verification = verify(progress=lambda theorems: tqdm(theorems, unit="theorem", leave=False))
    print(json.dumps(verification.to_dict(), indent=1) if options.json else verification)
    return 0 if verification else 1


def figures_and_venues() -> str:
    """Return the lists of figures and of venues that `figures --help` ends with."""
    from drnn_theory.figures.venues import VENUES
    from drnn_theory.gallery import FIGURES

    def listed(title: str, names: Iterable[str]) -> str:
        text = ", ".join(names)
        return f"{title}:\n{textwrap.indent(textwrap.fill(text, 76), '  ')}\n"

    return listed("figures", FIGURES) + listed("venues", VENUES)


def figures_command(options: argparse.Namespace) -> int:
    """Write figures for a paper and print the names of their files."""
    from drnn_theory.checks import as_integer
    from drnn_theory.figures.venues import VENUES
    from drnn_theory.gallery import FIGURES, not_comparing, write_figures
    from drnn_theory.writing import FORMATS

    chosen = _words(options.format) or [options.format]
    formats = [read_word(kind, "format", FORMATS) for kind in chosen]
    names = [
        read_word(word, "name", FIGURES) for listed in options.names for word in _words(listed)
    ]
    venue = read_word(options.venue, "venue", VENUES)
    own, span = _own_architectures(options)
    if options.span is not None:
        span = as_integer(_number(options, "span"), "span")
    if not own and (options.only or options.span is not None):
        raise ValueError(
            "--only and --span must have architectures of your own, by --schemes or --scheme"
        )
    written = write_figures(
        names,
        options.out,
        architectures=own or None,
        only=options.only,
        span=span,
        venue=venue,
        formats=formats,
    )
    for file in written:
        print(f"wrote {file}")
    if own and not names:
        print(f"left out, since they compare no architectures: {', '.join(not_comparing())}")
    return 0


def train_command(options: argparse.Namespace) -> int:
    """Train a network once, print its curve and draw it in a file."""
    from drnn_theory.costs import GATES
    from drnn_theory.learning import train
    from drnn_theory.learning.grid import TASKS, make_task
    from drnn_theory.learning.optimizers import OPTIMIZERS
    from drnn_theory.learning.training import READOUTS
    from drnn_theory.models.initialisation import MATRICES

    task = read_word(options.task, "task", TASKS)
    given = [name for name in TASK_OPTIONS if getattr(options, name) is not None]
    needed = [n for n, (tasks, _) in TASK_OPTIONS.items() if task in re.findall(r"\w+", tasks)]
    if given != needed:
        must = _options(needed) if needed else "no option of another task"
        raise ValueError(f"{task} must be given {must}, got {_options(given)}")
    entry = {
        {"length": "steps"}.get(name, name): getattr(options, name)
        if name in ("folder", "path")
        else _number(options, name)
        for name in given
    }
    spelt: dict[str, Iterable[str]] = {
        "cell": GATES,
        "optimizer": OPTIMIZERS,
        "readout": READOUTS,
        "init": MATRICES,
    }
    settings: dict[str, Any] = {}
    for name in (option.replace("-", "_") for option in (*TRAIN_OPTIONS, "target")):
        if (value := getattr(options, name)) is not None:
            settings[name] = (
                read_word(value, name, spelt[name]) if name in spelt else _number(options, name)
            )
    settings["hidden_size"] = settings.pop("hidden", 20)
    if options.out is not None:
        _picture(options.out)  # refused before the training, not after it
    training = train(
        read_scheme(options.scheme),
        make_task({"name": task, **entry}),
        checkpoint=options.checkpoint,
        **{"steps": 1000, **settings},
    )
    print(json.dumps(training.to_dict(), indent=1) if options.json else training)
    if options.out is not None:
        _draw_training(training, _picture(options.out), " ".join(options.scheme))
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


def study_command(options: argparse.Namespace) -> int:
    """Run the study of a file and print its rows."""
    from concurrent.futures import BrokenExecutor

    from drnn_theory.learning.grid import run_grid

    if options.csv and not Path(options.csv).parent.is_dir():  # refused before the rows are run
        raise ValueError(f"csv must lie in a folder that is there, got {options.csv}")
    try:
        study = run_grid(
            options.file, store=options.store, jobs=_number(options, "jobs"), retry=options.retry
        )
    except BrokenExecutor as error:  # a worker was killed
        raise ChildProcessError(str(error)) from None
    if options.csv:
        study.to_csv(options.csv)
    print(json.dumps(study.to_dict(), indent=1) if options.json else study)
    for failure in study.failures:
        print(f"failed: {failure.row['architecture']}: {failure.error}", file=sys.stderr)
    return 1 if study.failures else 0
