// The page in two languages: all words, and which language is shown.

import { en, zh } from "./dictionary.js";

const TABLES = { en, zh };
const KEPT = "fenlei.language";
const listeners = [];
let language = firstLanguage();

/** The words of a key, with the {values} in their places; numbers are written as the language does. */
export function t(key, values = {}) {
  const words = TABLES[language][key] ?? TABLES.en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
}

/** Whether a key has words. */
export const hasWords = (key) => key in TABLES[language];

export const number = (value, digits = 0) => value.toLocaleString(locale(), { maximumFractionDigits: digits });

export const percent = (value, digits = 1) =>
  value.toLocaleString(locale(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A number with its sign, for weights. */
export const signed = (value) =>
  value.toLocaleString(locale(), { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A moment, given in seconds; of a day only the hour, when all are of one day. */
export const moment = (seconds, options) => new Date(1000 * seconds).toLocaleString(locale(), options);

/** How long, given in seconds. */
export function duration(seconds) {
  if (seconds < 90) return t("seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return t("minutes", { n: Math.round(seconds / 60) });
  return t("hours", { n: Math.round(seconds / 3600) });
}

/** Call when the language has changed, to write again what was written. */
export const onLanguage = (listener) => listeners.push(listener);

export function setLanguage(chosen) {
  language = chosen;
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
  translatePage();
  for (const listener of listeners) listener();
}

/** Write all that stands in the markup. */
export function translatePage() {
  document.documentElement.lang = locale();
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  document.title = t("title");
}

function locale() {
  return language === "zh" ? "zh-CN" : "en";
}

function firstLanguage() {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept in TABLES) return kept;
  } catch {
    // as above
  }
  const wanted = (navigator.languages ?? [navigator.language]).find((one) => /^(zh|en)\b/i.test(one)) ?? "en";
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}
