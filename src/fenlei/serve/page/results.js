// A table of texts and their labels, which can be sorted, narrowed to one label, copied and saved.

import { reason } from "./api.js";
import { download, toCsv, toTsv } from "./csv.js";
import { bar, el, show, tell } from "./dom.js";
import { labelText } from "./predictions.js";
import { percent, t } from "./words.js";

const PAGE = 100; // rows shown at a time
const SHOWN_LABELS = 12;

/**
 * Shows rows of {text, prediction} in a place; `render` writes them again, in the language of the moment.
 *
 * `saving` offers them for other programs, which is left out where there is a better way to save them.
 */
export class Results {
  constructor(place, rows, { saving = true } = {}) {
    Object.assign(this, { place, rows, saving, order: { column: "number", down: false }, only: null, shown: PAGE });
    this.render();
  }

  render() {
    const chosen = this.chosen();
    const failed = this.rows.filter(({ prediction }) => prediction.error).length;
    show(this.place,
      el("div", { class: "row-between" },
        el("h2", {}, t("lines.result", { n: this.rows.length }), failed > 0 && el("span", { class: "bad small" }, ` ${t("lines.failed", { n: failed })}`)),
        this.saving && this.buttons(chosen)),
      this.distribution(),
      el("div", { class: "scroll" }, el("table", { class: "texts" }, el("thead", {}, el("tr", {}, ...this.heads())), el("tbody", {}, ...chosen.slice(0, this.shown).map(row)))),
      chosen.length > this.shown && el("button", { type: "button", class: "quiet", onclick: () => { this.shown += PAGE; this.render(); } },
        t("lines.more", { n: Math.min(PAGE, chosen.length - this.shown) })));
  }

  /** The rows to show, in their order. */
  chosen() {
    const { column, down } = this.order;
    const rows = this.rows.map((one, i) => ({ ...one, number: i + 1, label: labelOf(one), score: one.prediction.score ?? -1 }));
    const wanted = this.only === null ? rows : rows.filter(({ label }) => label === this.only);
    const compare = (a, b) => (typeof a[column] === "number" ? a[column] - b[column] : a[column].localeCompare(b[column]));
    return wanted.sort((a, b) => (down ? -1 : 1) * compare(a, b));
  }

  heads() {
    const columns = { number: "#", text: t("lines.text"), label: t("lines.predicted"), score: t("lines.score") };
    return Object.entries(columns).map(([column, name]) => {
      const sorted = this.order.column === column && (this.order.down ? "descending" : "ascending");
      return el("th", { scope: "col", "aria-sort": sorted, class: column === "score" || column === "number" ? "num" : "" },
        el("button", { type: "button", "data-column": column, title: t("table.sorted", { column: name }), onclick: () => this.sort(column) }, name));
    });
  }

  sort(column) {
    const first = column === "score"; // the surest first; names and numbers from their beginning
    this.order = { column, down: this.order.column === column ? !this.order.down : first };
    this.render();
    this.place.querySelector(`[data-column=${column}]`).focus();
  }

  /** How many texts have each label; a click shows only these. */
  distribution() {
    const counts = new Map();
    for (const one of this.rows) counts.set(labelOf(one), (counts.get(labelOf(one)) ?? 0) + 1);
    const sorted = [...counts].filter(([label]) => label !== "").sort((a, b) => b[1] - a[1]).slice(0, SHOWN_LABELS);
    return el("ul", { class: "chips" }, ...sorted.map(([label, count]) => {
      const pressed = this.only === label;
      const toggle = () => { this.only = pressed ? null : label; this.shown = PAGE; this.render(); };
      return el("li", {}, el("button", { type: "button", "aria-pressed": String(pressed), title: pressed ? t("lines.all") : t("lines.only", { label }), onclick: toggle },
        el("span", { class: "name" }, label), " ", el("b", {}, percent(count / this.rows.length, 0))));
    }));
  }

  buttons(chosen) {
    const said = el("span", { class: "small muted", role: "status" });
    const cells = () => [["text", "label", "score"], ...chosen.map(({ text, label, score }) => [text, label, score < 0 ? "" : score.toFixed(4)])];
    const copy = () => navigator.clipboard.writeText(toTsv(cells())).then(() => tell(said, t("lines.copied")), (error) => tell(said, reason(error), true));
    return el("div", { class: "buttons" }, said,
      navigator.clipboard && el("button", { type: "button", "data-do": "copy", onclick: copy }, t("lines.copy")),
      el("button", { type: "button", "data-do": "save", onclick: () => download("labels.csv", toCsv(cells())) }, t("lines.save")));
  }
}

const labelOf = ({ prediction }) => (prediction.error ? "" : labelText(prediction));

function row({ number, text, prediction, label, score }) {
  return el("tr", {},
    el("td", { class: "num muted" }, String(number)),
    el("td", { class: "wrap" }, el("span", { class: "clamp", title: text.length > 120 ? text.slice(0, 1000) : false }, text)),
    prediction.error
      ? el("td", { class: "bad small wrap", colspan: 2 }, reason(prediction.error))
      : [el("td", { class: "label" }, label, prediction.abstained && el("span", { class: "badge" }, t("lines.abstained"))),
        el("td", { class: "num" }, percent(score), bar(score, "small"))]);
}
