// One text: its label, the probabilities as bars, and the words of the text coloured by their weights.

import { isStopped, patiently, post, reason } from "./api.js";
import { $, bar, el, show, tell } from "./dom.js";
import { explanation } from "./explanation.js";
import { feedback } from "./feedback.js";
import { allModels, chosenModel, modelNamed } from "./models.js";
import { labelText, labelsOf, wellFormed } from "./predictions.js";
import { onLanguage, percent, t } from "./words.js";

const SHOWN_CLASSES = 10;
let last = null; // {text, model, prediction, tooLong}, to be written again in the other language
let asking = null; // ends the question on its way when another is asked, whose answer might come first

async function classify(event) {
  event?.preventDefault();
  if (allModels().length === 0) return;
  const text = wellFormed($("text-input").value);
  if (text === "") return tell($("text-status"), t("text.empty"));
  asking?.abort();
  asking = new AbortController();
  $("text-go").disabled = true;
  tell($("text-status"), t("text.working"));
  try {
    last = await answer(text, chosenModel().name, asking.signal);
    tell($("text-status"), "");
    render();
  } catch (error) {
    if (isStopped(error)) return;
    tell($("text-status"), reason(error), true);
  }
  $("text-go").disabled = false;
}

/** Ask with the reasons; without, when the text is too long for them. */
async function answer(text, model, signal) {
  const ask = (explain) => patiently(() => post("v1/predict", { input: text, model, scores: true, explain }, { signal }), { signal });
  try {
    return told(text, await ask(true), false);
  } catch (error) {
    if (error.code !== "text_too_long" && error.code !== "deadline") throw error;
    return told(text, await ask(false), true);
  }
}

const told = (text, { model, predictions: [prediction] }, tooLong) => ({ text, model, prediction, tooLong });

function render() {
  if (last === null) return;
  const { text, model, prediction, tooLong } = last;
  const facts = modelNamed(model);
  show(
    $("text-result"),
    el("div", { class: "sheet verdict" }, ...verdict(prediction), feedback(prediction, facts)),
    el("div", { class: "columns" },
      el("div", { class: "sheet" }, el("h2", {}, t(facts.multi_label ? "text.labels" : "text.classes")), probabilities(prediction)),
      el("div", { class: "sheet" }, el("h2", {}, t("why")), ...explanation(text, prediction.explanation, tooLong))),
  );
}

function verdict(prediction) {
  return [
    el("p", { class: "answer" },
      el("strong", { id: "text-label", class: prediction.abstained ? "unsure" : "" }, labelText(prediction)),
      el("span", { class: "muted" }, t("text.sure", { p: percent(prediction.score) }))),
    prediction.abstained && el("p", { class: "notice", id: "text-abstained" }, t("text.abstained")),
  ];
}

function probabilities({ scores, ...prediction }) {
  const chosen = new Set(labelsOf(prediction));
  const rows = Object.entries(scores).sort((a, b) => b[1] - a[1]);
  const list = el("ol", { class: "bars", id: "text-scores" });
  const add = ([label, score]) => list.append(
    el("li", { class: chosen.has(label) ? "chosen" : "" }, el("span", { class: "name" }, label), bar(score), el("span", { class: "num" }, percent(score))));
  rows.slice(0, SHOWN_CLASSES).forEach(add);
  if (rows.length <= SHOWN_CLASSES) return list;
  const more = el("button", { type: "button", class: "quiet", onclick: () => { rows.slice(SHOWN_CLASSES).forEach(add); more.remove(); } }, t("text.more", { n: rows.length }));
  return el("div", {}, list, more);
}

$("text-form").addEventListener("submit", classify);
$("text-input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) classify(event);
});
$("model").addEventListener("change", () => last && classify());
onLanguage(render);
