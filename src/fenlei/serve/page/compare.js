// Two models on the same texts: how often they agree, and both their probabilities side by side.

import { isStopped, reason } from "./api.js";
import { $, bar, el, show } from "./dom.js";
import { countLines, linesOf } from "./lines.js";
import { fillSelect, onModels } from "./models.js";
import { labelText, labelsOf, predictAll } from "./predictions.js";
import { Progress } from "./progress.js";
import { number, onLanguage, percent, t } from "./words.js";

const PAGE = 20; // texts shown at a time
const CLASSES = 3; // of each model, side by side

let compared = null; // {rows: [{text, number, a, b, same, distance}], failed: [{number, error}]}
let onlyDifferent = false;
let shown = PAGE;

async function compare(event) {
  event.preventDefault();
  const texts = linesOf($("compare-input"));
  const names = [$("compare-a").value, $("compare-b").value];
  if (texts.length === 0) return;
  compared = null;
  $("compare-result").hidden = true;
  const progress = new Progress($("compare-progress"), 2 * texts.length);
  $("compare-go").disabled = true;
  const answers = [[], []];
  const ask = (i) => predictAll(texts, {
    model: names[i], signal: progress.signal, waiting: (n) => progress.wait(n), wish: { scores: true },
    part: (predictions) => { answers[i].push(...predictions); progress.advance(predictions.length); },
  });
  try {
    await Promise.all([ask(0), ask(1)]);
    progress.remove();
  } catch (error) {
    progress.control.abort();
    if (isStopped(error)) progress.end(true);
    else show($("compare-progress"), el("p", { class: "status bad", role: "alert" }, reason(error)));
  }
  $("compare-go").disabled = false;
  compared = pairs(texts, answers);
  onlyDifferent = false;
  shown = PAGE;
  render();
}

/** The texts that both have answered, those first on which they differ most, and those that one could not answer. */
function pairs(texts, [first, second]) {
  const asked = texts.slice(0, Math.min(first.length, second.length)).map((text, i) =>
    ({ text, number: i + 1, a: first[i], b: second[i], error: first[i].error ?? second[i].error }));
  const rows = asked.filter(({ error }) => !error)
    .map((row) => ({ ...row, same: labelText(row.a) === labelText(row.b), distance: distance(row.a.scores, row.b.scores) }))
    .sort((x, y) => x.same - y.same || y.distance - x.distance || x.number - y.number);
  return { rows, failed: asked.filter(({ error }) => error) };
}

function distance(first, second) {
  const labels = new Set([...Object.keys(first), ...Object.keys(second)]);
  return [...labels].reduce((sum, label) => sum + Math.abs((first[label] ?? 0) - (second[label] ?? 0)), 0) / 2;
}

function render() {
  if (compared === null) return;
  const { rows, failed } = compared;
  show($("compare-result"),
    failed.length > 0 && el("p", { class: "bad small", role: "status" }, t("compare.failed", { n: failed.length, number: failed[0].number, reason: reason(failed[0].error) })),
    rows.length > 0 && comparison(rows));
}

function comparison(rows) {
  const chosen = rows.filter(({ same }) => !onlyDifferent || !same);
  const only = el("input", { type: "checkbox", id: "compare-only", onchange: () => { onlyDifferent = only.checked; shown = PAGE; render(); $("compare-only").focus(); } });
  only.checked = onlyDifferent;
  return [figures(rows),
    el("div", { class: "row-between" }, el("p", { class: "muted small" }, t("compare.how")), el("label", { class: "check" }, only, " ", t("compare.only"))),
    chosen.length === 0 ? el("p", { class: "status" }, t("compare.none")) : el("ol", { class: "pairs" }, ...chosen.slice(0, shown).map(pair)),
    chosen.length > shown && el("button", { type: "button", class: "quiet", onclick: () => { shown += PAGE; render(); } }, t("lines.more", { n: Math.min(PAGE, chosen.length - shown) }))];
}

function figures(rows) {
  const same = rows.filter((row) => row.same).length;
  const mean = (side) => rows.reduce((sum, row) => sum + row[side].score, 0) / rows.length;
  const figure = (value, name, id) => el("div", {}, el("dt", {}, name), el("dd", { class: "big", id }, value));
  return el("div", {},
    el("dl", { class: "figures" },
      figure(percent(same / rows.length), t("compare.agree"), "compare-agreement"),
      figure(number(rows.length - same), t("compare.differ")),
      figure(percent(mean("a")), t("compare.sure-a")),
      figure(percent(mean("b")), t("compare.sure-b"))),
    el("p", { class: "hidden", role: "status" }, t("compare.same", { same, n: rows.length })));
}

function pair({ text, number: n, a, b, same }) {
  return el("li", { class: same ? "sheet" : "sheet differs" },
    el("p", { class: "text" }, el("span", { class: "muted small" }, `${n} `), el("span", { class: "clamp" }, text)),
    el("div", { class: "sides" }, side("a", a), side("b", b)));
}

function side(name, prediction) {
  const chosen = new Set(labelsOf(prediction));
  const best = Object.entries(prediction.scores).sort((x, y) => y[1] - x[1]).slice(0, CLASSES);
  return el("div", {}, el("span", { class: `tag ${name}` }, name.toUpperCase()),
    el("ol", { class: "bars tight" }, ...best.map(([label, score]) =>
      el("li", { class: chosen.has(label) ? "chosen" : "" }, el("span", { class: "name" }, label), bar(score, name), el("span", { class: "num" }, percent(score))))));
}

onModels((models) => {
  fillSelect($("compare-a"), 0);
  fillSelect($("compare-b"), 1);
  $("compare-note").hidden = models.length > 1;
  $("compare-form").hidden = models.length < 2;
});
$("compare-form").addEventListener("submit", compare);
countLines($("compare-input"), $("compare-count"));
onLanguage(render);
