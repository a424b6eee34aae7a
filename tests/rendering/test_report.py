"""The page of a report in a real browser without a network, at three widths and in print."""

import re
import shutil
import subprocess

import pytest

from drnn_theory.catalogue import paper_architectures
from drnn_theory.report import write_report

pytestmark = pytest.mark.rendering

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PICTURES = "all => all.map(i => [i.complete && i.naturalWidth, i.getBoundingClientRect().width])"
CUT = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1
    && !["auto", "scroll"].includes(getComputedStyle(e).overflowX)).map(e => e.outerHTML)"""
NAMES = ["mine", "<b>bold</b>", "a_very_long_name_that_nobody_would_break_by_hand_" * 2, "$x_$"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Write the quick report of the paper's architectures and of some with odd names, once."""
    folder = tmp_path_factory.mktemp("report")
    own = {name: [1, 5, 18, 25 + k] for k, name in enumerate(NAMES)}
    write_report({**paper_architectures(), **own}, folder, span=100, quick=True)
    return folder


@pytest.fixture(scope="module")
def offline(chromium, report):
    """Return a page of the browser, cut off from the network, that shows the report."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.problems, page.requests = [], []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto((report / "index.html").as_uri())
    yield page
    context.close()


@pytest.mark.parametrize("width", [1366, 760, 390])
def test_the_report_is_no_wider_than_its_window_and_cuts_nothing(width, offline):
    offline.set_viewport_size({"width": width, "height": 900})
    offline.wait_for_load_state("load")
    assert offline.evaluate(OVERFLOW) == 0
    assert offline.eval_on_selector_all("p, li, dt, dd, td, th, h1, h2, h3, figcaption", CUT) == []
    pictures = offline.eval_on_selector_all("figure img", PICTURES)
    assert len(pictures) == 4
    for loaded, shown in pictures:
        assert loaded
        assert 0.8 * min(width, 900) < shown <= width
    assert offline.problems == []
    assert {url.partition(":")[0] for url in offline.requests} <= {"file", "data"}


def test_a_telephone_gets_pictures_of_its_own_whose_letters_are_read(offline):
    offline.set_viewport_size({"width": 390, "height": 900})
    sources = offline.eval_on_selector_all("figure img", "all => all.map(i => i.currentSrc)")
    wide = offline.eval_on_selector_all("figure img", "all => all.map(i => i.src)")
    assert all(a != b for a, b in zip(sources, wide, strict=True))
    # 3.5 inches of a picture with letters of 7 points or more
    (shown,) = {w for _, w in offline.eval_on_selector_all("figure img", PICTURES)}
    assert 7 * shown / (3.5 * 72) > 9  # pixels


def test_the_formulas_of_the_report_are_set_as_formulas(offline):
    formulas = offline.locator("math")
    assert formulas.count() >= 8
    places = "all => all.map(e => [...e.children].map(part => part.getBoundingClientRect().y))"
    fractions = offline.eval_on_selector_all("mfrac", places)
    assert fractions
    assert all(above + 4 < below for above, below in fractions)  # in two lines
    assert not re.search(r"\\frac|\$\\displaystyle", offline.locator("main").inner_text())


def test_names_are_read_as_they_were_typed(offline):
    for name in NAMES:
        assert offline.get_by_text(name, exact=True).count() >= 2


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_the_report_prints_to_pages_that_hold_all_of_it(offline, tmp_path):
    file = tmp_path / "report.pdf"
    offline.pdf(path=file, format="A4")
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True)
    for said in ("What was asked", "streaming", "gradient norm at", "they win", "How to cite"):
        assert said in re.sub(r"\s+", " ", text.stdout)
    assert 4 <= text.stdout.count("\f") <= 14
