// What the page needs beside ipywidgets: names that a screen reader can say, a pointer that reads
// and picks lags in the figure, the figure's width, and code for the clipboard.

const SVG = "http://www.w3.org/2000/svg";

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

function element(parent, name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

// a line through the lag under the pointer, with its d(n)
function read(figure, lag) {
  figure.querySelector(".drnn-hover")?.remove();
  const { origin, scale, roof, foot, lengths } = figure.dataset;
  const x = Number(origin) + (lag + 0.5) * Number(scale);
  const length = lengths.split(" ")[lag];
  const words = length === "-" ? `n = ${lag}: no path` : `n = ${lag}: d(n) = ${length}`;
  const group = element(figure, "g", { class: "drnn-hover", "pointer-events": "none" });
  element(group, "path", { d: `M${x} ${roof}V${foot}` });
  const size = Number(figure.querySelector("text").getAttribute("font-size"));
  const right = figure.viewBox.baseVal.width - 0.5 * size;
  const text = element(
    group, "text", { x, y: Number(roof) - 1.1 * size, "font-size": size }, words,
  );
  const half = text.getBBox().width / 2 + 4;
  const middle = Math.max(half, Math.min(right - half, x));
  text.setAttribute("x", middle);
  const box = { x: middle - half, y: roof - 2.2 * size, width: 2 * half, height: 1.6 * size };
  group.insertBefore(element(group, "rect", { ...box, rx: 3 }), text);
}

async function copy(root, button) {
  const area = root.querySelector(".drnn-code textarea");
  button.dataset.name ??= button.textContent; // a second click finds what the first one left there
  let done = true;
  try {
    await navigator.clipboard.writeText(area.value);
  } catch {
    area.select(); // no clipboard where the page is not served safely
    done = document.execCommand("copy");
  }
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = button.dataset.name; }, 2000);
}

function render({ model, el }) {
  let root;
  const watch = new MutationObserver(() => nameSliders(root));
  let later;
  const sizes = new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width);
    clearTimeout(later);
    // a message of its own: of values that follow one another fast some may never be sent
    if (width > 0) later = setTimeout(() => model.send({ width }), 100);
  });
  const move = (event) => {
    const figure = event.target.closest("svg.drnn-figure");
    if (!figure) {
      root.querySelector(".drnn-hover")?.remove();
      return;
    }
    const lag = lagAt(figure, event);
    read(figure, lag);
    if (event.buttons === 1) {
      event.preventDefault();
      model.set("picked", lag);
      model.save_changes();
    }
  };
  const leave = () => root.querySelector(".drnn-hover")?.remove();
  const click = (event) => {
    const button = event.target.closest("button.drnn-copy");
    if (button) copy(root, button);
  };
  const begin = requestAnimationFrame(function find() {
    root = el.closest(".drnn-explorer");
    if (!root) {
      requestAnimationFrame(find); // not on the page yet
      return;
    }
    nameSliders(root);
    watch.observe(root, { childList: true, subtree: true, characterData: true });
    sizes.observe(root.querySelector(".drnn-drawing"));
    root.addEventListener("pointerdown", move);
    root.addEventListener("pointermove", move);
    root.addEventListener("pointerleave", leave);
    root.addEventListener("click", click);
  });
  return () => {
    cancelAnimationFrame(begin);
    watch.disconnect();
    sizes.disconnect();
    clearTimeout(later);
    root?.removeEventListener("pointerdown", move);
    root?.removeEventListener("pointermove", move);
    root?.removeEventListener("pointerleave", leave);
    root?.removeEventListener("click", click);
  };
}

export default { render };
