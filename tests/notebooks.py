"""Notebooks run again, and saved with their outputs: python -m tests.notebooks [NAME ..].

An output is kept as text, tables and pictures, so that a notebook can be read where no kernel runs:
no widgets, whose state nobody keeps, and no addresses in memory.
"""

import math
import os
import re
import shutil
import sys
import tempfile
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROFILE = ROOT / "docs" / "ipython"
"""The kernel's settings on the site: sharp figures, no word on how it is reached."""
LARGEST_IMAGE = 100_000
"""Bytes, so that a copy of the repository stays small."""
KEPT = {"text/plain", "text/html", "text/latex", "text/markdown", "image/png"}
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def run(path):
    """Return the notebook with the outputs of a run from top to bottom, as they are committed."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PROFILE, folder, dirs_exist_ok=True)
        client = NotebookClient(
            notebook,
            timeout=300,
            store_widget_state=False,
            coalesce_streams=True,
            record_timing=False,
            resources={"metadata": {"path": path.parent}},
        )
        client.execute(env=os.environ | {"IPYTHONDIR": folder})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                keep(output)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return notebook


def keep(output):
    """Keep of an output what can be read: a table as HTML or else its text, pictures made small."""
    data = {kind: value for kind, value in output.data.items() if kind in KEPT}
    if "text/html" in data:
        del data["text/plain"]  # a representation for those who program
    if "image/png" in data:
        data["image/png"] = smaller(data["image/png"])
    output.data = data
    output.metadata = {kind: about for kind, about in output.metadata.items() if kind in data}


def smaller(picture):
    """Return a picture in as few colours as it needs to be small, in base 64 as it was."""
    drawn = Image.open(BytesIO(b64decode(picture))).convert("RGB")
    for colours in (128, 32, 12):
        written = BytesIO()
        # which keeps the colours of small marks
        few = drawn.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=0)
        few.save(written, "PNG", optimize=True)
        if len(written.getvalue()) <= LARGEST_IMAGE:
            break
    return b64encode(written.getvalue()).decode()


def shown(output):
    """Return what an output says, without tags."""
    data = output.get("data", {})
    html = re.sub(r"<[^>]*>", " ", data.get("text/html", ""))
    return output.get("text") or html or data.get("text/plain", "")


def code_cells(notebook):
    """Return the cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    """Return, for every cell of code, what it printed and showed as text."""
    return ["".join(map(shown, cell.outputs)) for cell in code_cells(notebook)]


def images(notebook):
    """Return the pictures of a notebook, in bytes."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    pictures = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return [b64decode(picture) for picture in pictures]


def agree(one, other):
    """Tell whether two texts are the same, their decimal numbers to four digits."""
    if NUMBER.sub("0", one) != NUMBER.sub("0", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(
        a == b or ("." in a + b and math.isclose(float(a), float(b), rel_tol=1e-4))
        for a, b in pairs
    )


def main():
    """Run the notebooks that are named, or all, and save them with their outputs."""
    for path in NOTEBOOKS:
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            nbformat.write(run(path), path)
            print(f"wrote {path.relative_to(ROOT)}", flush=True)


if __name__ == "__main__":
    main()
