"""How Sphinx builds the site; ``make docs`` first puts docs/, proofs/ and notebooks/ together.

Nothing of the site is fetched when it is read: the theme brings no fonts, and MathJax, which sets
the formulas, is copied from a Python package.
"""

import hashlib
import os
import re
from importlib.util import find_spec
from pathlib import Path

import drnn_theory

project = "drnn_theory"
author = "the drnn_theory developers"
copyright = author
version = release = drnn_theory.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

# Appearance: light and dark, as the reader's system has it.
html_theme = "furo"
html_title = "drnn_theory"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Formulas: one file of MathJax, which draws its glyphs as SVG and so needs no fonts either.
mathjax = find_spec("sphinx-mathjax-offline").submodule_search_locations[0]
html_static_path.append(f"{mathjax}/static/mathjax/tex-svg-full.js")
mathjax_path = "tex-svg-full.js"
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"], ["$", "$"]]},
    "options": {
        "enableMenu": False,  # its entries would load more of MathJax
        "ignoreHtmlClass": "page",  # dollars are maths in these classes only
        "processHtmlClass": "math|text_html",
    },
}
myst_update_mathjax = False

# Docstrings are prose with Google's sections (Args, Attributes), which napoleon reads.
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 120
napoleon_use_ivar = True
napoleon_numpy_docstring = False
add_module_names = False
autosummary_generate = False

# Markdown and notebooks. Notebooks bring their outputs; other pages with cells run again when they,
# the package or a proof have changed.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
here = Path(__file__).parent
read = [*Path(drnn_theory.__file__).parent.rglob("*.py"), *here.glob("proofs/*.md")]
digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(read))).hexdigest()
os.environ["IPYTHONDIR"] = str(here / "ipython")
nb_execution_mode = "cache"
nb_execution_excludepatterns = ["notebooks/*"]
nb_ipywidgets_js = {}
nb_execution_cache_path = str(here.parent / "executed" / digest[:12])
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_render_markdown_format = "myst"
nb_merge_streams = True
nb_execution_show_tb = True

# What other projects define cannot be linked to without the network.
nitpick_ignore_regex = [
    ("py:.*", r"(np|numpy|nx|networkx|torch|pd|pandas|sp|sympy|matplotlib)\..*|Axes|Tensor"),
    ("py:.*", r"(collections|fractions|pathlib)\..*"),
    # types that signatures show and that have no page of their own
    (
        "py:class",
        r"drnn_theory\.(architectures\.Module|outputs\.Runnable|tables\.Table|layers\.Attended)",
    ),
    ("py:class", r"drnn_theory\.(design\.convolutions\.Convolutions|learning\.trained\.Network)"),
]


def without_last_blank_lines(app, document, source):
    """Drop the blank line that ends the last output of an example."""
    source[0] = re.sub(r"\n\n```\n", "\n```\n", source[0])


def links_of_notebooks(app, document, source):
    """Turn links to docs/, beside notebooks/ in the repository, into those of the site."""
    if document.startswith("notebooks/"):
        source[0] = source[0].replace("](../docs/", "](../")


def one_source_a_line(app, what, name, subject, options, lines):
    """Make a paragraph of every source that a docstring names: [1] .., [2] .."""
    for number in reversed(range(len(lines))):
        if re.match(r"\[\d+\] [A-Z]", lines[number]):
            lines.insert(number, "")


def from_the_package(app, env, node, content):
    """Look a name that a docstring refers to up among the public ones."""
    if node["reftarget"] in drnn_theory.__all__:
        name, role = f"drnn_theory.{node['reftarget']}", node["reftype"]
        python = env.get_domain("py")
        return python.resolve_xref(env, node["refdoc"], app.builder, role, name, node, content)
    return None


def setup(app):
    """Connect them, and load MathJax on every page: outputs of notebooks hold formulas, too."""
    app.set_html_assets_policy("always")
    app.connect("missing-reference", from_the_package)
    app.connect("source-read", without_last_blank_lines)
    app.connect("source-read", links_of_notebooks)
    app.connect("autodoc-process-docstring", one_source_a_line)
