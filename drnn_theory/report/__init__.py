"""The report on a set of architectures: a page to read, tables, checks and figures in one folder.

>>> from drnn_theory.report import SPAN
>>> SPAN
256
"""

from drnn_theory.report.better import better_schemes
from drnn_theory.report.folder import SPAN, Report, write_report
from drnn_theory.report.parts import (
    HIDDEN_SIZE,
    SEED,
    closed_forms,
    measured_gradients,
    report_figures,
)

__all__ = [
    "HIDDEN_SIZE",
    "SEED",
    "SPAN",
    "Report",
    "better_schemes",
    "closed_forms",
    "measured_gradients",
    "report_figures",
    "write_report",
]
