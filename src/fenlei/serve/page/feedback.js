// Right or wrong? The answer goes to the monitor, if the server has one.

import { post, reason } from "./api.js";
import { el, tell } from "./dom.js";
import { isMonitored } from "./monitoring.js";
import { labelsOf } from "./predictions.js";
import { t } from "./words.js";

const sent = new Set(); // predictions that are judged

/** Two buttons, and after "wrong" the true label; nothing when the server has no monitor. */
export function feedback(prediction, model) {
  const place = el("div", { class: "feedback", hidden: true, role: "group", "aria-label": t("feedback.ask") });
  isMonitored().then((monitored) => {
    if (!monitored) return;
    place.hidden = false;
    if (sent.has(prediction.id)) thank(place);
    else ask(place, prediction, model);
  });
  return place;
}

function ask(place, prediction, model) {
  place.replaceChildren(
    el("span", { class: "muted" }, t("feedback.ask")),
    el("button", { type: "button", onclick: () => send(place, prediction, labelsOf(prediction), model) }, t("feedback.right")),
    el("button", { type: "button", onclick: () => askTruth(place, prediction, model) }, t("feedback.wrong")),
    el("span", { class: "small", role: "status" }),
  );
}

function askTruth(place, prediction, model) {
  const guessed = new Set(labelsOf(prediction));
  const choice = el("select", { multiple: model.multi_label, size: model.multi_label ? Math.min(6, model.classes.length) : false },
    ...model.classes.map(String).map((label) => el("option", { value: label, selected: model.multi_label && guessed.has(label), disabled: !model.multi_label && guessed.has(label) }, label)));
  if (!model.multi_label) choice.selectedIndex = [...choice.options].findIndex((option) => !option.disabled);
  place.replaceChildren(
    el("label", {}, el("span", { class: "muted" }, t(model.multi_label ? "feedback.trues" : "feedback.true")), " ", choice),
    el("button", { type: "button", class: "main", onclick: () => send(place, prediction, [...choice.selectedOptions].map((option) => option.value), model) }, t("feedback.send")),
    el("span", { class: "small", role: "status" }),
  );
  choice.focus();
}

async function send(place, { id }, labels, model) {
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  try {
    await post("feedback", model.multi_label ? { id, labels } : { id, label: labels[0] });
    sent.add(id);
    thank(place);
  } catch (error) {
    for (const button of place.querySelectorAll("button")) button.disabled = false;
    tell(place.querySelector("[role=status]"), error.status === 404 ? t("feedback.late") : reason(error), true);
  }
}

function thank(place) {
  place.replaceChildren(el("span", { class: "muted", role: "status" }, t("feedback.thanks")));
}
