"""Every page of the site in a real browser without a network: ``make docs`` builds it."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "docs" / "html"
PAGES = sorted(str(p.relative_to(SITE)) for p in SITE.rglob("*.html") if "_static" not in p.parts)

pytestmark = [
    pytest.mark.rendering,
    pytest.mark.skipif(not PAGES, reason="`make docs` builds the site"),
]
each_page = pytest.mark.parametrize("name", PAGES or ["index.html"])

# what is left of the text when code and typeset formulas are taken away
PROSE = """() => {
    const copy = document.querySelector("article").cloneNode(true);
    copy.querySelectorAll("pre, code, mjx-container, script, style").forEach(e => e.remove());
    return copy.textContent;
}"""
LINKS = "all => all.map(a => a.href)"
BROKEN = "all => all.filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Visit:
    """What a browser saw on a page."""

    problems: list[str]
    requests: list[str]
    prose: str
    formulas: int
    typeset: int
    errors: list[str]
    links: list[str]
    broken_images: list[str]
    too_wide: dict[int, int]


@pytest.fixture(scope="session")
def visit(chromium):
    """Return a function that says what the browser, cut off from the network, sees on a page."""
    context = chromium.new_context(offline=True)
    yield cache(lambda name: look(context.new_page(), name))
    context.close()


def look(page, name):
    problems, requests = [], []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    too_wide = {}
    for width in (1366, 390):  # a laptop and a telephone
        page.set_viewport_size({"width": width, "height": 900})
        page.goto((SITE / name).as_uri())
        page.evaluate("window.MathJax && MathJax.startup.promise")
        too_wide[width] = page.evaluate(OVERFLOW)
    seen = Visit(
        problems=problems,
        requests=requests,
        prose=page.evaluate(PROSE),
        formulas=page.locator("article .math").count(),
        typeset=page.locator("article .math > mjx-container").count(),
        errors=page.locator("mjx-merror").all_text_contents(),
        links=page.eval_on_selector_all("a[href]", LINKS),
        broken_images=page.eval_on_selector_all("img", BROKEN),
        too_wide=too_wide,
    )
    page.close()
    return seen


@cache
def anchors(file):
    return set(re.findall(r'\bid="([^"]+)"', file.read_text(encoding="utf-8")))


@each_page
def test_a_page_has_no_errors_on_the_console(name, visit):
    assert visit(name).problems == []


@each_page
def test_a_page_asks_nothing_of_the_network(name, visit):
    assert {urlsplit(url).scheme for url in visit(name).requests} <= {"file", "data"}


@each_page
def test_the_formulas_of_a_page_are_typeset(name, visit):
    seen = visit(name)
    assert seen.typeset == seen.formulas
    assert seen.errors == []
    for left in ("$", r"\(", r"\[", r"\frac", r"\sum"):
        assert left not in seen.prose


@each_page
def test_the_links_of_a_page_lead_somewhere(name, visit):
    for link in map(urlsplit, visit(name).links):
        if link.scheme != "file":
            assert link.scheme == "https"
            continue
        file = Path(unquote(link.path))
        assert file.exists(), link.geturl()
        assert not link.fragment or unquote(link.fragment) in anchors(file), link.geturl()


@each_page
def test_the_images_of_a_page_are_there(name, visit):
    assert visit(name).broken_images == []


@each_page
def test_a_page_is_no_wider_than_its_window(name, visit):
    assert visit(name).too_wide == {1366: 0, 390: 0}


def test_every_notebook_proof_and_chapter_has_its_page():
    sources = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("proofs/**/*.md")]
    named = {str(path.relative_to(ROOT).with_suffix(".html")) for path in sources}
    docs = ROOT / "docs"
    named |= {str(path.relative_to(docs).with_suffix(".html")) for path in docs.rglob("*.md")}
    assert named <= set(PAGES)


@pytest.mark.parametrize(
    ("question", "answer", "places"),
    [
        ("mean recurrent length", "explanation/measure.html#index-0", 1),
        ("which dilations", "howto/dilations.html#index-0", 1),
        ("784", "howto/dilations.html", 5),
        ("explore", "reference/explorer.html", 3),
    ],
)
def test_search_finds_what_people_ask_without_a_network(question, answer, places, chromium):
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(f"{(SITE / 'search.html').as_uri()}?q={quote(question)}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(1000)  # results come one by one
    links = page.locator("#search-results li > a").evaluate_all("all => all.map(a => a.href)")
    start = SITE.as_uri() + "/"
    first = [link.removeprefix(start).split("?")[0] for link in links[:places]]
    tails = [urlsplit(link).fragment for link in links[:places]]
    shown = [f"{name}#{tail}" if tail else name for name, tail in zip(first, tails, strict=True)]
    context.close()
    assert any(name.startswith(answer) for name in shown), shown
