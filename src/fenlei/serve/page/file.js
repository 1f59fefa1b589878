// A file: read by the server, labelled in parts, saved as csv with two more columns.

import { isStopped, patiently, reason, upload } from "./api.js";
import { download, toCsv } from "./csv.js";
import { $, el, show, tell } from "./dom.js";
import { chosenModel } from "./models.js";
import { labelsOf, predictAll } from "./predictions.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { onLanguage, t } from "./words.js";

const PREVIEW = 5; // rows
const BETWEEN = "|"; // several labels in one cell, as fenlei reads them with --separator

let table = null; // {name, columns, text, rows, encoding}
let labelled = null; // predictions of the first rows, or of all
let results = null;
let running = null; // the progress of the labelling
let reading = null; // ends the reading of a file when another is chosen

async function read(file) {
  if (!file) return;
  reading?.abort();
  reading = new AbortController();
  running?.control.abort();
  table = labelled = results = null;
  clear();
  try {
    const found = await rowsOf(file, reading.signal);
    table = { name: file.name, ...found };
    table.text ??= table.columns[likeliestColumn(table)];
    render();
  } catch (error) {
    if (!isStopped(error)) tell($("file-status"), reason(error), true);
  }
}

function rowsOf(file, signal) {
  const { name } = file;
  const ask = () => {
    tell($("file-status"), t("file.reading", { name }));
    return upload(`v1/table?name=${encodeURIComponent(name)}`, file, { signal });
  };
  return patiently(ask, { signal, waiting: (n) => tell($("file-status"), t("file.waiting", { name, n })), tries: Infinity });
}

function clear() {
  for (const id of ["file-table", "file-progress", "file-result"]) $(id).replaceChildren();
}

/** The column of the longest texts, when none has the name of one. */
function likeliestColumn({ columns, rows }) {
  const some = rows.slice(0, 100);
  const lengths = columns.map((_, i) => some.reduce((sum, row) => sum + row[i].length, 0));
  return lengths.indexOf(Math.max(...lengths));
}

function render() {
  if (table === null) return;
  const { name, rows, encoding } = table;
  tell($("file-status"), rows.length === 0 ? t("file.no-rows") : t(encoding ? "file.read-encoding" : "file.read", { name, n: rows.length, encoding }));
  if (rows.length > 0) show($("file-table"), preview());
  if (labelled !== null) renderResult();
}

function preview() {
  const { columns, text, rows } = table;
  const at = columns.indexOf(text);
  const select = el("select", { id: "file-column", disabled: running !== null, onchange: () => { table.text = columns[select.selectedIndex]; render(); } },
    ...columns.map((column, i) => el("option", { selected: i === at }, column)));
  const mark = (i) => (i === at ? "chosen" : "");
  return el("div", { class: "sheet" },
    el("div", { class: "row-between" },
      el("label", {}, t("file.column"), " ", select),
      el("button", { type: "button", class: labelled === null ? "main" : "", id: "file-go", disabled: running !== null, onclick: label }, t(labelled === null ? "file.start" : "file.again"))),
    el("div", { class: "scroll" }, el("table", { class: "preview" },
      el("caption", { class: "hidden" }, t("file.preview")),
      el("thead", {}, el("tr", {}, ...columns.map((column, i) => el("th", { scope: "col", class: mark(i) }, column)))),
      el("tbody", {}, ...rows.slice(0, PREVIEW).map((row) => el("tr", {}, ...row.map((cell, i) => el("td", { class: mark(i) }, el("span", { class: "clamp" }, cell)))))))));
}

async function label() {
  const mine = table;
  const column = table.columns.indexOf(table.text);
  const texts = table.rows.map((row) => row[column]);
  const predictions = [];
  const progress = new Progress($("file-progress"), texts.length);
  running = progress;
  labelled = results = null;
  $("file-result").replaceChildren();
  render();
  const part = (some) => { predictions.push(...some); progress.advance(some.length); };
  try {
    await predictAll(texts, { model: chosenModel()?.name, signal: progress.signal, waiting: (n) => progress.wait(n), part });
    progress.end(false);
  } catch (error) {
    if (isStopped(error)) progress.end(true);
    else show($("file-progress"), el("p", { class: "status bad", role: "alert" }, reason(error)));
  }
  if (running === progress) running = null;
  if (table === mine) finish(texts, predictions);
}

function finish(texts, predictions) {
  if (predictions.length > 0) {
    labelled = predictions;
    results = new Results(el("div", { class: "result" }), predictions.map((prediction, i) => ({ text: texts[i], prediction })), { saving: false });
  }
  render();
}

function renderResult() {
  const [label, score] = newColumns();
  const failed = labelled.map((prediction, i) => ({ ...prediction, number: i + 1 })).filter(({ error }) => error);
  results.render();
  show($("file-result"),
    el("div", { class: "sheet saving" },
      el("button", { type: "button", class: "main", id: "file-save", onclick: save }, t(labelled.length < table.rows.length ? "file.save-part" : "file.save")),
      el("p", { class: "muted small" }, t("file.saved-how", { label, score })),
      failed.length > 0 && el("p", { class: "bad small" }, t("file.failed", { n: failed.length, number: failed[0].number, reason: reason(failed[0].error) }))),
    results.place);
}

function save() {
  const head = [...table.columns, ...newColumns()];
  const rows = labelled.map((prediction, i) => [...table.rows[i], ...cellsOf(prediction)]);
  download(`${table.name.replace(/\.\w+$/, "")}.labelled.csv`, toCsv([head, ...rows]));
}

const cellsOf = (prediction) => (prediction.error ? ["", ""] : [labelsOf(prediction).join(BETWEEN), prediction.score.toFixed(4)]);

/** Names for the new columns that the file does not have yet. */
function newColumns() {
  return ["predicted_label", "predicted_score"].map((name) => {
    let free = name;
    for (let n = 2; table.columns.includes(free); n += 1) free = `${name}_${n}`;
    return free;
  });
}

$("file-input").addEventListener("change", (event) => {
  read(event.target.files[0]);
  event.target.value = ""; // so that the same file, repaired, can be chosen again
});
for (const name of ["dragover", "dragleave", "drop"]) {
  $("file-drop").addEventListener(name, (event) => {
    event.preventDefault();
    $("file-drop").classList.toggle("over", name === "dragover");
    if (name === "drop") read(event.dataTransfer.files[0]);
  });
}
onLanguage(render);
