// What the page needs beside ipywidgets: names that a screen reader can say, and a pointer that
// picks a lag in the figure.

function nameSliders(root) {
  for (const box of root.querySelectorAll(".widget-slider")) {
    const label = box.querySelector("label, .widget-label");
    const handle = box.querySelector("[role=slider]");
    if (label && handle && handle.getAttribute("aria-label") !== label.textContent) {
      handle.setAttribute("aria-label", label.textContent);
    }
  }
}

function lagAt(figure, event) {
  const { left, width } = figure.getBoundingClientRect();
  const x = ((event.clientX - left) / width) * figure.viewBox.baseVal.width;
  const { origin, scale, steps } = figure.dataset;
  return Math.max(0, Math.min(Number(steps), Math.floor((x - origin) / scale)));
}

function render({ model, el }) {
  let root;
  const watch = new MutationObserver(() => nameSliders(root));
  const pick = (event) => {
    const figure = event.target.closest("svg.drnn-figure");
    if (figure && event.buttons === 1) {
      event.preventDefault();
      model.set("picked", lagAt(figure, event));
      model.save_changes();
    }
  };
  const begin = requestAnimationFrame(function find() {
    root = el.closest(".drnn-explorer");
    if (!root) {
      requestAnimationFrame(find); // not on the page yet
      return;
    }
    nameSliders(root);
    watch.observe(root, { childList: true, subtree: true, characterData: true });
    root.addEventListener("pointerdown", pick);
    root.addEventListener("pointermove", pick);
  });
  return () => {
    cancelAnimationFrame(begin);
    watch.disconnect();
    root?.removeEventListener("pointerdown", pick);
    root?.removeEventListener("pointermove", pick);
  };
}

export default { render };
