// The monitor: how much comes in, how fast it is answered, how right, and whether it is still like the training.

import { reason } from "./api.js";
import { chart } from "./charts.js";
import { $, bar, el, show, tell } from "./dom.js";
import { allModels, fillSelect, onModels } from "./models.js";
import { readMonitor } from "./monitoring.js";
import { hasWords, moment, number, onLanguage, percent, t } from "./words.js";

const DAY = 86_400;
const SHOWN = 12; // rows of a list

let summary; // undefined: not asked yet; null: the server has no monitor

export async function openMonitor() {
  const model = $("monitor-model").value;
  const isStill = () => model === $("monitor-model").value; // no other has been chosen meanwhile
  tell($("monitor-status"), t("monitor.reading"));
  try {
    const read = await readMonitor(model);
    if (!isStill()) return;
    summary = read;
    render();
  } catch (error) {
    if (isStill()) tell($("monitor-status"), reason(error), true);
  }
}

/** Leave no figures of one model under the name of another. */
function forget() {
  summary = undefined;
  $("monitor-result").hidden = true;
}

function render() {
  if (summary === undefined) return;
  tell($("monitor-status"), "");
  $("monitor-again").hidden = summary === null;
  $("monitor-choice").hidden = summary === null || allModels().length < 2;
  if (summary === null) {
    show($("monitor-result"), el("div", { class: "sheet", id: "monitor-off" }, el("h2", {}, t("monitor.off")), el("p", { class: "muted" }, t("monitor.how"))));
  } else if (summary.n === 0) {
    show($("monitor-result"), el("p", { class: "sheet muted" }, t("monitor.empty")));
  } else {
    tell($("monitor-status"), t("monitor.span", { model: summary.model ?? "fenlei", n: summary.n, from: when(summary.since), to: when(summary.until) }));
    show($("monitor-result"), alerts(), figures(), el("div", { class: "columns" }, ...overTime()), ...drift(), el("div", { class: "flow" }, ...lists()));
  }
}

const sameDay = () => summary.until - summary.since < DAY;
const when = (seconds) => moment(seconds, sameDay() ? { hour: "2-digit", minute: "2-digit" } : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const milliseconds = (value) => (value === null ? "–" : t("ms", { n: number(value, value < 10 ? 1 : 0) }));
const featureName = (feature) => (hasWords(`feature.${feature}`) ? t(`feature.${feature}`) : feature);

function alerts() {
  if (summary.alerts.length === 0) return el("p", { class: "notice good", id: "monitor-alerts" }, t("monitor.no-alerts"));
  return el("div", { class: "notice bad", id: "monitor-alerts" }, el("h2", {}, t("monitor.alerts")),
    el("ul", {}, ...summary.alerts.map((alert) => el("li", {}, alertWords(alert)))));
}

function alertWords({ kind, feature, value, n, message }) {
  const values = { feature: featureName(feature), value: number(value, 2), points: number(100 * value, 1), n };
  return hasWords(`monitor.alert.${kind}`) ? t(`monitor.alert.${kind}`, values) : message;
}

function figures() {
  const { n, latency, score, abstained, accuracy, expected_accuracy: expected } = summary;
  const figure = (name, value, note) => el("div", {}, el("dt", {}, name), el("dd", { class: "big" }, value), note && el("dd", { class: "muted small" }, note));
  const trained = expected === null ? "" : ` · ${t("monitor.expected", { p: percent(expected) })}`;
  return el("dl", { class: "figures", id: "monitor-figures" },
    figure(t("monitor.n"), number(n), abstained ? `${t("monitor.abstained")} ${percent(abstained / n)}` : ""),
    figure(t("monitor.p50"), milliseconds(latency.p50)),
    figure(t("monitor.p99"), milliseconds(latency.p99)),
    figure(t("monitor.score"), score === null ? "–" : percent(score)),
    figure(t("monitor.accuracy"), accuracy.n ? percent(accuracy.accuracy) : "–", accuracy.n ? t("monitor.accuracy-n", { n: accuracy.n }) + trained : t("monitor.no-feedback")));
}

function overTime() {
  const { windows } = summary;
  const shared = { names: windows.map(({ start }) => when(start)), ends: [when(windows[0].start), when(summary.until)] };
  const of = (value) => windows.map((one) => value(one) ?? null);
  const charts = [
    chart({ ...shared, title: t("monitor.over-time"), kind: "bars", series: [{ values: of(({ n }) => n) }], format: (value) => number(value, value < 10 ? 1 : 0) }),
    chart({
      ...shared, title: t("monitor.latency"), kind: "lines", format: (value) => number(value, value < 10 ? 1 : 0),
      series: [{ name: t("monitor.median"), values: of(({ latency }) => latency.p50) }, { name: t("monitor.slowest"), values: of(({ latency }) => latency.p95) }],
    }),
  ];
  if (summary.accuracy.n > 0) {
    const values = of(({ accuracy }) => accuracy.accuracy);
    charts.push(chart({ ...shared, title: t("monitor.accuracy-over-time"), kind: "lines", series: [{ values }], format: (value) => percent(value, 0), most: 1 }));
  }
  return charts;
}

function drift() {
  if (summary.drift.length === 0) return [];
  return [
    el("h2", {}, t("monitor.drift")), el("p", { class: "muted small" }, t("monitor.drift-how")),
    el("div", { class: "flow", id: "monitor-drift" }, ...summary.drift.map(moved)),
  ];
}

function moved({ feature, verdict, psi, p_adjusted: p, n, bins }) {
  const told = psi === null ? t("monitor.too-few", { n }) : t("monitor.psi", { psi: number(psi, 2), p: p === null ? "–" : p < 0.001 ? "< 0.001" : number(p, 3), n });
  const most = Math.max(...bins.map((bin) => Math.max(bin.now, bin.reference)), 0.01);
  return el("div", { class: "sheet" },
    el("h3", {}, featureName(feature), " ", el("span", { class: `badge ${verdict === "strong" ? "bad" : ""}` }, t(`verdict.${verdict}`))),
    el("ol", { class: "bars" }, ...bins.map(({ name, now, reference }) => el("li", {},
      el("span", { class: "name" }, categoryName(feature, name)), withMark(now / most, reference / most),
      el("span", { class: "num" }, percent(now, 0), el("span", { class: "hidden" }, ` (${t("monitor.then")} ${percent(reference, 0)})`))))),
    el("p", { class: "muted small" }, told));
}

const categoryName = (feature, name) => (feature === "language" && hasWords(`language.${name}`) ? t(`language.${name}`) : name);

/** A bar of what is, and a mark of what was. */
function withMark(now, then) {
  const made = bar(now);
  const mark = el("u");
  mark.style.left = `${100 * then}%`;
  made.append(mark);
  return made;
}

function lists() {
  const counted = (title, counts, name = (one) => one) => {
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return el("div", { class: "sheet" }, el("h3", {}, title), el("ol", { class: "bars" }, ...Object.entries(counts).slice(0, SHOWN).map(([label, count]) =>
      el("li", {}, el("span", { class: "name" }, name(label)), bar(count / all), el("span", { class: "num" }, number(count))))));
  };
  const made = [];
  if (!summary.drift.some(({ feature }) => feature.startsWith("label"))) made.push(counted(t("monitor.labels"), summary.labels));
  if (!summary.drift.some(({ feature }) => feature === "language")) made.push(counted(t("monitor.languages"), summary.languages, (name) => categoryName("language", name)));
  if (!summary.drift.some(({ feature }) => feature === "length")) made.push(counted(t("monitor.lengths"), binned(summary.lengths)));
  made.push(counted(t("monitor.scores"), binned(summary.scores, (edge) => percent(edge, 0))));
  if (summary.confusions.length > 0) made.push(confusions());
  return made;
}

/** Bins of numbers as named counts. */
function binned({ edges, counts }, format = (edge) => number(edge)) {
  const name = (i) => {
    if (edges.length === 0) return "∗"; // training had them all alike
    if (i === 0) return `< ${format(edges[0])}`;
    return i === edges.length ? `≥ ${format(edges[i - 1])}` : `${format(edges[i - 1])} – ${format(edges[i])}`;
  };
  return Object.fromEntries(counts.map((count, i) => [name(i), count]).filter(([, count]) => count > 0));
}

function confusions() {
  const head = ["monitor.true", "monitor.given"].map((key) => el("th", { scope: "col" }, t(key)));
  return el("div", { class: "sheet" }, el("h3", {}, t("monitor.confusions")), el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ...head, el("th", { scope: "col", class: "num" }, t("monitor.times")))),
    el("tbody", {}, ...summary.confusions.slice(0, SHOWN / 2).map(({ true: right, given, times }) =>
      el("tr", {}, el("td", {}, right), el("td", {}, given), el("td", { class: "num" }, number(times))))))));
}

onModels(() => fillSelect($("monitor-model")));
$("model").addEventListener("change", () => { $("monitor-model").value = $("model").value; forget(); });
$("monitor-model").addEventListener("change", () => { forget(); openMonitor(); });
$("monitor-again").addEventListener("click", openMonitor);
onLanguage(render);
