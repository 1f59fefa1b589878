// Start: the tabs, the language, and the models; each part of the page is a file of its own.

import "./text.js";
import "./lines.js";
import "./file.js";
import "./compare.js";
import { openMonitor } from "./monitor.js";
import { reason } from "./api.js";
import { $, tell } from "./dom.js";
import { allModels, loadModels } from "./models.js";
import { onLanguage, setLanguage, translatePage } from "./words.js";

const PARTS = ["text", "lines", "file", "compare", "monitor"];
const WITH_MODEL = new Set(["text", "lines", "file"]);
let trouble = null;

function open(part) {
  for (const name of PARTS) {
    const tab = $(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === part));
    tab.tabIndex = name === part ? 0 : -1;
    $(name).hidden = name !== part;
  }
  $("model-bar").hidden = !WITH_MODEL.has(part) || allModels().length === 0;
  if (part === "monitor") openMonitor();
}

const partOfAddress = () => (PARTS.includes(location.hash.slice(1)) ? location.hash.slice(1) : PARTS[0]);

function choose(part) {
  history.replaceState(null, "", `#${part}`);
  open(part);
}

function moveAmongTabs(event) {
  const now = PARTS.findIndex((name) => `tab-${name}` === event.target.id);
  const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: -1 };
  if (now < 0 || !(event.key in steps)) return;
  event.preventDefault();
  const next = PARTS.at(steps[event.key] % PARTS.length);
  choose(next);
  $(`tab-${next}`).focus();
}

function showTrouble() {
  if (trouble !== null) tell($("trouble"), reason(trouble), true);
  $("trouble").hidden = trouble === null;
}

async function start() {
  for (const name of PARTS) $(`tab-${name}`).addEventListener("click", () => choose(name));
  document.querySelector("[role=tablist]").addEventListener("keydown", moveAmongTabs);
  addEventListener("hashchange", () => open(partOfAddress()));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => setLanguage(button.dataset.language));
  }
  onLanguage(showTrouble);
  translatePage();
  open(partOfAddress());
  try {
    await loadModels();
    for (const name of ["text", "lines", "compare"]) $(`${name}-go`).disabled = false;
  } catch (error) {
    trouble = error;
    showTrouble();
  }
  open(partOfAddress());
}

start();
