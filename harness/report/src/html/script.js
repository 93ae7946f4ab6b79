// Hovering tells where the pointer is, in the units of the axes; the legend's buttons hide a mesh. Nothing else needs a
// script, so without one the legend is a list of words.
"use strict";
(() => {
  for (const item of document.querySelectorAll(".legend [data-mesh]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.cloneNode(true).childNodes);
    button.setAttribute("aria-pressed", "true");
    button.dataset.mesh = item.dataset.mesh;
    button.addEventListener("click", () => {
      const hidden = document.body.classList.toggle(`no${button.dataset.mesh}`);
      button.setAttribute("aria-pressed", String(!hidden));
    });
    item.replaceWith(button);
  }

  const number = (label) => Number.parseFloat(label.replace(/^[^0-9+\-.]+/, ""));
  const suffix = (label) => label.replace(/^[^0-9+\-.]*[0-9+\-.]+/, "");

  // What a label at `value` would say, going by the labels that are there.
  function told(axis, value) {
    const far = (tick) => Math.abs(tick.value - value);
    const ticks = [...axis.ticks].sort((one, other) => far(one) - far(other));
    if (ticks.length === 0) return "";
    if (ticks[0].label.startsWith("1 in ")) return `1 in ${Number(value.toPrecision(3))}`;
    const words = ticks.every((tick, index) => Number.isInteger(tick.value) && Number.isNaN(number(tick.label)));
    if (words || axis.from === -0.5) return ticks[0].label;
    if (axis.title === "percentile") {
      const percentile = 100 * (1 - 1 / value);
      return `${percentile.toFixed(Math.max(0, Math.ceil(Math.log10(value)) - 1))}%`;
    }
    // Zero has no unit that others could be told in.
    const nearest = ticks.find((tick) => tick.value !== 0) ?? ticks[0];
    const other = ticks.find((tick) => tick !== nearest && suffix(tick.label) === suffix(nearest.label));
    const slope = other && axis.scale === "linear"
      ? (number(other.label) - number(nearest.label)) / (other.value - nearest.value)
      : number(nearest.label) / nearest.value;
    const shown = axis.scale === "linear" && other
      ? number(nearest.label) + (value - nearest.value) * slope
      : value * slope;
    return Number.isFinite(shown) ? `${Number(shown.toPrecision(3))}${suffix(nearest.label)}` : "";
  }

  function valueAt(axis, share) {
    if (axis.scale === "linear") return axis.from + share * (axis.to - axis.from);
    return axis.from * (axis.to / axis.from) ** share;
  }

  // On paper nothing can be opened.
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("figure details")) details.open = true;
  });

  for (const figure of document.querySelectorAll("figure[data-plot]")) {
    const svg = figure.querySelector("svg");
    const readout = figure.querySelector(".readout");
    const [left, right, top, bottom] = JSON.parse(figure.dataset.plot);
    const [x, y] = [JSON.parse(figure.dataset.x), JSON.parse(figure.dataset.y)];
    const meshes = new Map([...document.querySelectorAll(".legend [data-mesh]")]
      .map((item) => [`m${item.dataset.mesh}`, item.textContent.trim()]));
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const [across, down] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      if (across < left || across > right || down < top || down > bottom) {
        readout.textContent = "";
        return;
      }
      const mesh = [...event.target.classList].map((name) => meshes.get(name)).find(Boolean);
      const at = `${told(x, valueAt(x, (across - left) / (right - left)))}: `
        + told(y, valueAt(y, (bottom - down) / (bottom - top)));
      readout.textContent = mesh ? `${mesh}, ${at}` : at;
    });
    svg.addEventListener("pointerleave", () => { readout.textContent = ""; });
  }
})();
