"""The explorer in a real JupyterLab in a real browser."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from drnn_theory import compute_mrl, shortest_path_lengths

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.rendering

ROOT = Path(__file__).parents[2]
PROSE = """preview => {
    const copy = preview.cloneNode(true);
    copy.querySelectorAll("pre, code, mjx-container, script, style").forEach(e => e.remove());
    return copy.textContent;
}"""
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "explorer.png"
CUT_OFF = """panel => [...panel.querySelectorAll("*")].filter(e =>
    e.clientWidth > 0 && e.tagName !== "TEXTAREA" && e.tagName !== "INPUT" &&
    (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible" ||
     e.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1)
).map(e => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 40)}`)"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the folder and the address, token included, of a JupyterLab that asks no network."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    for name, values in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "docmanager-extension/plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    }.items():
        settings = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(values))
    port, token = free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": token,
        "ServerApp.root_dir": folder,
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": "",
        "LabApp.user_settings_dir": folder / "settings",
        "LabApp.workspaces_dir": folder / "workspaces",
    }
    homes = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(folder / "home" / name) for name in homes}
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [*command, *(f"--{name}={value}" for name, value in options.items())],
        stdout=log,
        stderr=log,
        env=environment,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(960):  # minutes, on a machine that does other things as well
            try:
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.25)
        else:
            raise AssertionError((folder / "server.log").read_text())
        yield folder, address, token
    finally:
        server.terminate()
        server.wait(30)
        log.close()


@pytest.fixture
def notebook(lab, page):
    """Return a function that runs code in a new notebook of the lab, on the page, until shown."""
    folder, address, token = lab
    # a question that JupyterLab asks on a slow machine would lie over the notebook until answered
    answers = page.locator("dialog.jp-Dialog .jp-mod-accept")
    page.add_locator_handler(page.locator("dialog.jp-Dialog"), lambda: answers.last.click())

    def run(code):
        name = secrets.token_hex(4)
        cells = [nbformat.v4.new_code_cell(code)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(made, folder / f"{name}.ipynb")
        # a workspace of its own, or the tabs of the test before would open again
        page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?token={token}")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        prompt = page.locator(".jp-CodeCell .jp-InputPrompt")
        for _ in range(20):  # keys pressed before the notebook has its kernel are lost
            page.click(".jp-CodeCell .cm-content")
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
            if prompt.inner_text() != "[ ]:":
                break
        page.wait_for_selector(".drnn-explorer .drnn-mrl")
        return page.locator(".drnn-explorer")

    return run


def reads(panel, number):
    """Wait until the panel reads a mean recurrent length, given as people read it."""
    api.expect(panel.locator(".drnn-mrl")).to_have_text(f"{number:.6g}")


def test_a_slider_moved_by_keyboard_shows_the_new_mean(notebook, page):
    panel = notebook("import drnn_theory\ndrnn_theory.explore([1, 2, 4, 8])")
    reads(panel, compute_mrl([1, 2, 4, 8]))
    panel.get_by_role("slider", name="how many").focus()
    page.keyboard.press("ArrowRight")
    reads(panel, compute_mrl([1, 2, 4, 8, 16], 8))
    api.expect(panel.get_by_role("textbox", name="dilations")).to_have_value("1, 2, 4, 8, 16")
    panel.get_by_role("slider", name="span", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    reads(panel, compute_mrl([1, 2, 4, 8, 16], 7))
    assert page.problems == []


def test_every_control_has_a_name_that_a_screen_reader_says(notebook, page):
    panel = notebook("from drnn_theory import clockwork_rnn, explore\nexplore()")
    powers = ["how many", "powers of", "first exponent"]
    for role, names in {
        "slider": [*powers, "dilation no.", "its value", "span", "lag"],
        "textbox": ["dilations", "code", "file"],
        "combobox": ["architecture", "steps drawn", "size for"],
        "checkbox": ["fusion of the top states", "span = largest lag"],
        "spinbutton": ["span, typed"],
        "button": ["Use it", "Save figure", "Copy code"],
    }.items():
        for name in names:
            api.expect(panel.get_by_role(role, name=name, exact=True)).to_be_visible()
        assert panel.get_by_role(role).count() == len(names)
    assert page.problems == []


def test_bad_input_is_one_line_on_the_page_and_nothing_breaks(notebook, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8], span=20)")
    text = panel.get_by_role("textbox", name="dilations")
    text.fill("1, two")
    api.expect(panel.get_by_role("alert")).to_have_text(
        "dilations must be one or more positive integers, as in 1,2,4,8, got 'two'"
    )
    api.expect(panel.locator(".drnn-mrl")).to_have_count(0)
    api.expect(panel.locator(".drnn-figure")).not_to_be_visible()
    text.fill("1, 3, 9")
    reads(panel, compute_mrl([1, 3, 9], 20))
    api.expect(panel.get_by_role("alert")).to_have_count(0)
    assert page.problems == []


def test_a_pointer_in_the_figure_picks_the_lag(notebook, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8], span=20)")
    box = settled(page).bounding_box()  # a figure that is drawn anew has none for a moment
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    slider = panel.get_by_role("slider", name="lag", exact=True)
    api.expect(slider).to_have_attribute("aria-valuenow", re.compile(r"^(9|10)\.0$"))
    lag = int(float(slider.get_attribute("aria-valuenow")))
    length = shortest_path_lengths([1, 2, 4, 8], lag)[lag]
    status = panel.get_by_role("status")
    api.expect(status).to_contain_text(f"Shortest path to lag {lag}: {length:g} edges")
    assert page.problems == []


def test_a_search_in_the_background_arrives_on_the_page(notebook, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4], span=30)")
    best = min(compute_mrl((1, a, b), 30) for a in range(2, 30) for b in range(a + 1, 31))
    words = panel.get_by_text("Better with 3 distinct dilations")
    api.expect(words).to_contain_text("proved best")
    api.expect(words).to_contain_text(f"{best:.6g}")
    panel.get_by_role("button", name="Use it").click()
    reads(panel, best)
    assert page.problems == []


def test_the_figure_is_saved_and_the_page_says_where(notebook, lab, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8])")
    panel.get_by_role("textbox", name="file").fill("figure.svg")
    panel.get_by_role("button", name="Save figure").click()
    file = lab[0] / "figure.svg"
    api.expect(panel.get_by_text("wrote ")).to_have_text(f"wrote {file}")
    assert "</svg>" in file.read_text()
    assert page.problems == []


def test_the_pointer_reads_a_length_off_the_figure(notebook, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8], span=20)")
    box = settled(page).bounding_box()
    lengths = shortest_path_lengths([1, 2, 4, 8], 20)
    said = panel.locator(".drnn-hover text")
    for share in (0.2, 0.6, 0.95):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 100)
        api.expect(said).to_contain_text("d(n) = ")
        lag, length = re.fullmatch(r"n = (\d+): d\(n\) = (\d+)", said.text_content()).groups()
        assert float(length) == lengths[int(lag)]
        assert abs(int(lag) - 21 * share) < 2
    page.mouse.move(box["x"] + 10, box["y"] - 30)
    api.expect(said).to_have_count(0)
    assert page.problems == []


def test_the_code_goes_to_the_clipboard(notebook, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8])")
    settled(page)  # the code holds the figure's width, which follows the page's
    panel.locator("button.drnn-copy").click()
    api.expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == panel.get_by_role("textbox", name="code").input_value()
    assert "compute_mrl(architecture, span=8)  # 5.625" in code
    panel.locator("button.drnn-copy").click()  # while it says so
    page.wait_for_timeout(2500)  # both clicks' words are shown for two seconds
    api.expect(panel.get_by_role("button", name="Copy code")).to_be_visible()
    assert page.problems == []


def settled(page):
    """Wait until the kernel has drawn for the width that the page has, and return the figure."""
    figure, room = page.locator(".drnn-figure"), page.locator(".drnn-drawing")
    for _ in range(240):
        width = room.evaluate("e => e.getBoundingClientRect().width")
        drawn = int(figure.get_attribute("width"))  # before the page has scaled it
        if min(width, 1000) - 24 < drawn <= width:
            page.wait_for_timeout(500)
            return figure
        page.wait_for_timeout(250)
    raise AssertionError(f"a room of {width} pixels has a figure of {drawn}")


def test_without_the_script_of_the_panel_its_controls_and_the_figure_are_there(notebook, page):
    page.route("**/extensions/anywidget/**", lambda route: route.abort())
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8])")
    api.expect(panel.locator(".drnn-figure")).to_be_visible()
    panel.get_by_role("textbox", name="dilations").fill("1, 3, 8")
    reads(panel, compute_mrl([1, 3, 8]))
    panel.locator(".drnn-figure").hover()  # waits until the figure, drawn once more, stands still
    page.wait_for_timeout(500)
    assert panel.locator(".drnn-hover").count() == 0  # which only that script draws
    assert int(panel.locator(".drnn-figure").get_attribute("width")) > 700


@pytest.mark.parametrize(
    "name", ["README.md", "proofs/exponential_mean.md", "proofs/dilated_versus_cnn.md"]
)
def test_a_preview_of_what_people_read_shows_no_raw_marks(name, lab, page):
    folder, address, token = lab
    file = folder / f"{secrets.token_hex(4)}.md"
    text = (ROOT / name).read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    page.goto(f"{address}/lab/workspaces/{file.stem}/tree/{file.name}?token={token}")
    preview = page.locator(".jp-MarkdownViewer .jp-RenderedMarkdown")
    api.expect(preview.locator("h1")).to_have_text(re.match("# (.+)", text)[1] + "¶")
    if "$" in re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL):
        api.expect(preview.locator("mjx-container").last).to_be_visible()
    prose = preview.evaluate(PROSE)
    assert len(prose) > 500
    for mark in ("[^", "](", "**", "`", "{math}", ":::", "$", "\\frac", "\\log"):
        assert mark not in prose


@pytest.mark.parametrize("width", [1366, 760])
def test_nothing_on_the_page_is_cut_off(width, notebook, page):
    panel = notebook("from drnn_theory import explore\nexplore()")
    page.set_viewport_size({"width": width, "height": 900})
    settled(page)
    assert panel.evaluate(CUT_OFF) == []
    letters = page.locator(".drnn-figure text").evaluate_all(
        "all => all.map(t => t.getBoundingClientRect().height)"
    )
    assert min(letters) > 11
    assert page.problems == []


def grey(png, size):
    return np.asarray(Image.open(png).convert("L").resize(size), dtype=float) / 255


def test_what_is_saved_is_what_is_shown(notebook, lab, page):
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8], span=20)")
    differences = []
    for size in ("this page", "neurips"):
        panel.get_by_role("combobox", name="size for").select_option(size)
        if size == "this page":
            settled(page)
        file = f"{size.split()[0]}.png"
        panel.get_by_role("textbox", name="file").fill(file)
        panel.get_by_role("button", name="Save figure").click()
        api.expect(panel.get_by_text("wrote ")).to_contain_text(file)
        shown = BytesIO(panel.locator(".drnn-figure").screenshot())
        half = tuple(side // 2 for side in Image.open(shown).size)
        saved = grey(lab[0] / file, half)
        differences.append(np.abs(grey(shown, half) - saved).mean())
        other = np.abs(grey(shown, half) - saved[:, ::-1]).mean()  # its mirror image is another
        assert differences[-1] < other / 2
    assert max(differences) < 0.03  # fonts differ a little
    assert page.problems == []


def test_the_picture_in_the_documents_is_of_the_panel_as_it_is(notebook, page):
    """`DRAW=yes` writes it again."""
    panel = notebook("from drnn_theory import explore\nexplore([1, 2, 4, 8, 16], span=64, lag=45)")
    page.set_viewport_size({"width": 1366, "height": 1300})
    page.keyboard.press("Control+b")  # hides the list of files
    api.expect(panel.get_by_text("Better with 5 distinct dilations")).to_be_visible()
    settled(page)
    words = " ".join(panel.inner_text().split())
    if os.environ.get("DRAW"):
        picture = Image.open(BytesIO(panel.screenshot())).convert("RGB").quantize(64)
        about = PngInfo()
        about.add_text("Description", words)
        picture.save(PICTURE, optimize=True, pnginfo=about)
    assert PICTURE.stat().st_size <= 100_000
    assert Image.open(PICTURE).text["Description"] == words
    assert page.problems == []
