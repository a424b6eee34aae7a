"""A real browser: Debian's chromium, driven by Playwright."""

import os
import shutil

import pytest

PATIENCE = 90_000
"""Milliseconds that a page may take, on a machine that does other things as well."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NOISE = "Could not restore the debugger state"
"""JupyterLab's words about a kernel that is slow, on a busy machine, to answer its debugger."""


@pytest.fixture(scope="session")
def chromium():
    """Return a running browser, shared by all tests of a session."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not on the PATH")
    # the sandbox of chromium refuses root, which is who runs in a container
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    api.expect.set_options(timeout=PATIENCE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """Return a page of its own, in a window that a laptop has.

    ``page.problems`` collects what the console calls an error and what nobody caught.
    """
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.problems = []
    page.on(
        "console",
        lambda m: m.type == "error" and NOISE not in m.text and page.problems.append(m.text),
    )
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    context.close()
