// Why: the text with each of its parts coloured by what it counts for the label.

import { el } from "./dom.js";
import { piecesOf } from "./offsets.js";
import { hasWords, signed, t } from "./words.js";

/** The elements that explain a prediction. */
export function explanation(text, told, tooLong) {
  if (tooLong || !told) return [el("p", { class: "muted", id: "why-text" }, t("why.too-long"))];
  const pieces = piecesOf(text, told.segments);
  const strongest = Math.max(...pieces.map(({ weight }) => Math.abs(weight ?? 0)));
  if (strongest === 0) return [el("p", { class: "marked", id: "why-text" }, text), el("p", { class: "muted small" }, t("why.none"))];
  const readout = el("p", { class: "muted small readout" }, t("why.point"));
  const tellOf = (piece) => { readout.textContent = t("why.one", { text: piece.text.trim(), weight: signed(piece.weight) }); };
  return [
    el("p", { class: "muted small" }, t("why.how", { label: told.label })),
    legend(),
    el("p", { class: "marked", id: "why-text" }, ...pieces.map((piece) => marked(piece, strongest, tellOf))),
    readout,
    weights(pieces),
    el("p", { class: "muted small" }, method(told)),
  ];
}

function marked(piece, strongest, tellOf) {
  if (!piece.weight) return document.createTextNode(piece.text);
  const mark = el("mark", {
    class: piece.weight > 0 ? "for" : "against", title: signed(piece.weight),
    onpointerenter: () => tellOf(piece), onclick: () => tellOf(piece),
  }, piece.text);
  mark.style.setProperty("--strength", (Math.abs(piece.weight) / strongest).toFixed(3));
  return mark;
}

function legend() {
  return el("p", { class: "legend small" }, el("mark", { class: "for full" }, t("why.for")), " ", el("mark", { class: "against full" }, t("why.against")));
}

/** The same as a table, for those who cannot see colours or point. */
function weights(pieces) {
  const rows = pieces.filter(({ weight }) => weight).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return el("details", {},
    el("summary", {}, t("why.table")),
    el("div", { class: "scroll short" }, el("table", { id: "why-weights" },
      el("thead", {}, el("tr", {}, el("th", {}, t("why.part")), el("th", { class: "num" }, t("why.weight")))),
      el("tbody", {}, ...rows.map((piece) => el("tr", {}, el("td", { class: "wrap" }, piece.text), el("td", { class: "num" }, signed(piece.weight))))))));
}

function method({ method, base }) {
  const key = `why.${method}`;
  return hasWords(key) ? t(key, { base: signed(base) }) : t("why.other", { method });
}
