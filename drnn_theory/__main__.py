"""The command line: its arguments, and the exit codes of what they start."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from drnn_theory import __version__
from drnn_theory.commands import (
    TASK_OPTIONS,
    TRAIN_OPTIONS,
    compare_command,
    design_command,
    figures_and_venues,
    figures_command,
    mrl_command,
    report_command,
    study_command,
    train_command,
    verify_command,
)

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
    report.set_defaults(run=report_command)

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
    mrl.set_defaults(run=mrl_command)

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
    compare.set_defaults(run=compare_command)

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
    design.set_defaults(run=design_command)

    verify = commands.add_parser(
        "verify",
        help="check every theorem: symbolic computations, brute force, exhaustive claims",
        description="Check every theorem by sympy and by brute force; exit 1 if one fails.",
        epilog=EPILOG,
    )
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(run=verify_command)

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
    figures.set_defaults(run=figures_command)
    figures.listing = figures_and_venues

    train = commands.add_parser(
        "train",
        help="one training of a scheme on a task, its curve drawn here and in a file",
        description="Train a DilatedRNN on a task of memory and draw its curve.",
        epilog=EPILOG,
    )
    train.add_argument(
        "scheme", nargs="+", metavar="DILATIONS", help="bottom layer first, as in 1,2,4,8"
    )
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
    train.set_defaults(run=train_command)

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
    study.set_defaults(run=study_command)
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


if __name__ == "__main__":
    sys.exit(main())
