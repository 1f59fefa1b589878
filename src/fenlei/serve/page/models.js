// The models in service, and which of them is chosen.

import { get } from "./api.js";
import { $, el } from "./dom.js";
import { hasWords, onLanguage, t } from "./words.js";

let models = [];
const listeners = [];

export const allModels = () => models;
export const modelNamed = (name) => models.find((model) => model.name === name);
export const chosenModel = () => modelNamed($("model").value) ?? models[0];

/** Call with the models when they are known. */
export const onModels = (listener) => listeners.push(listener);

export async function loadModels() {
  models = (await get("v1/models")).models;
  fillSelect($("model"));
  showFacts();
  for (const listener of listeners) listener(models);
}

/** Offer all models in a select; `index` is chosen. */
export function fillSelect(select, index = 0) {
  select.replaceChildren(...models.map(({ name }) => el("option", { value: name }, name)));
  select.selectedIndex = Math.min(index, models.length - 1);
  select.disabled = models.length < 2;
}

function showFacts() {
  const model = chosenModel();
  if (!model) return;
  const language = hasWords(`language.${model.language}`) ? t(`language.${model.language}`) : model.language;
  const facts = [model.family, t(model.multi_label ? "model.labels" : "model.classes", { n: model.classes.length }), language, model.version.slice(0, 8)];
  $("model-facts").textContent = facts.filter(Boolean).join(" · ") + (model.ready ? "" : ` · ${t("model.not-ready")}`);
}

$("model").addEventListener("change", showFacts);
onLanguage(showFacts);
