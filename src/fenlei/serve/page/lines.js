// Many texts, one a line.

import { isStopped, reason } from "./api.js";
import { $, el, show } from "./dom.js";
import { chosenModel } from "./models.js";
import { predictAll } from "./predictions.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { onLanguage, t } from "./words.js";

let results = null;

/** The texts of a field: its lines that are not blank. */
export const linesOf = (field) => field.value.split("\n").filter((line) => line.trim() !== "");

/** Say beside a field how many texts are in it. */
export function countLines(field, place) {
  const count = () => { place.textContent = t("lines.count", { n: linesOf(field).length }); };
  field.addEventListener("input", count);
  onLanguage(count);
  count();
}

async function classify(event) {
  event.preventDefault();
  const texts = linesOf($("lines-input"));
  if (texts.length === 0) return;
  const rows = [];
  const progress = new Progress($("lines-progress"), texts.length);
  $("lines-go").disabled = true;
  const part = (predictions, begin) => {
    predictions.forEach((prediction, i) => rows.push({ text: texts[begin + i], prediction }));
    progress.advance(predictions.length);
  };
  try {
    await predictAll(texts, { model: chosenModel().name, signal: progress.signal, waiting: (n) => progress.wait(n), part });
    progress.end(false);
  } catch (error) {
    if (isStopped(error)) progress.end(true);
    else show($("lines-progress"), el("p", { class: "status bad", role: "alert" }, reason(error)));
  }
  $("lines-go").disabled = false;
  if (rows.length > 0) results = new Results($("lines-result"), rows);
}

$("lines-form").addEventListener("submit", classify);
countLines($("lines-input"), $("lines-count"));
onLanguage(() => results?.render());
