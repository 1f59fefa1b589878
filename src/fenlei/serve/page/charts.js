// Small charts as SVG. Their words are text of the page, so that they are searched, copied and read aloud.

import { el, svg } from "./dom.js";

const WIDEST = 520; // pixels
const HEIGHT = 150;
const BELOW = 18; // room for the words under the axis
const LEFT = 44; // and beside it

/**
 * A chart over time, in a figure with a caption.
 *
 * `kind` is "bars" or "lines"; `series` are {name, values}, with null where there is nothing to show; `names` say what
 * each value is of, for those who point at it; `format` writes a value.
 */
export function chart({ title, kind, series, names, ends, format, most }) {
  const top = most ?? nice(Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const width = Math.min(WIDEST, document.documentElement.clientWidth - 70);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${spoken(series, names, format)}` },
    grid(width, top, format),
    ...(kind === "bars" ? bars(width, series[0], names, top, format) : series.flatMap((one, i) => line(width, one, i, names, top, format))),
    svg("text", { x: LEFT, y: HEIGHT - 3, class: "axis" }, ends[0]), svg("text", { x: width, y: HEIGHT - 3, class: "axis end" }, ends[1]));
  const key = series.length > 1 && el("span", { class: "keys" }, ...series.map(({ name }, i) => el("span", { class: `key c${i + 1}` }, name)));
  return el("figure", { class: "sheet" }, el("figcaption", {}, el("h3", {}, title), key), drawing);
}

const y = (value, top) => (HEIGHT - BELOW) * (1 - value / top) + 4 * (value / top);

function grid(width, top, format) {
  return svg("g", {}, ...[0, 0.5, 1].map((share) => {
    const at = y(share * top, top);
    return svg("g", {}, svg("line", { x1: LEFT, x2: width, y1: at, y2: at, class: share === 0 ? "base" : "grid" }),
      svg("text", { x: LEFT - 6, y: at + 4, class: "axis end" }, format(share * top)));
  }));
}

function bars(width, { values }, names, top, format) {
  const step = (width - LEFT) / values.length;
  const gap = Math.min(3, step / 4);
  return values.map((value, i) => svg("rect", {
    x: LEFT + i * step + gap / 2, width: Math.min(step - gap, 40), y: y(value ?? 0, top), height: Math.max(0, y(0, top) - y(value ?? 0, top)), rx: Math.min(2, step / 4), class: "c1",
  }, svg("title", {}, `${names[i]}: ${format(value ?? 0)}`)));
}

function line(width, { values }, index, names, top, format) {
  const step = (width - LEFT) / values.length;
  const points = values.map((value, i) => (value === null ? null : [LEFT + (i + 0.5) * step, y(value, top)]));
  const path = points.map((point, i) => point && `${i > 0 && points[i - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`).filter(Boolean).join("");
  const dots = points.map((point, i) => point && svg("circle", { cx: point[0], cy: point[1], r: 3, class: `c${index + 1}` }, svg("title", {}, `${names[i]}: ${format(values[i])}`)));
  return [svg("path", { d: path, class: `line c${index + 1}` }), ...dots.filter(Boolean)];
}

function spoken(series, names, format) {
  return series.map(({ name, values }) => {
    const last = values.findLastIndex((value) => value !== null);
    return last < 0 ? name ?? "" : `${name ?? ""} ${names[last]} ${format(values[last])}`.trim();
  }).join(", ");
}

/** The next of 1, 2, 5, 10, ... times a power of ten. */
function nice(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
