// Write tables that a spreadsheet program opens without harm.

const RISKY = /^[=+\-@＝＋－＠\t\r]/; // a cell that begins so may be run as a formula
const NUMBER = /^[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?%?$/i;

/** A cell that is shown and not run: an apostrophe goes before what may be a formula and is no plain number. */
export function guarded(cell) {
  return RISKY.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}

/** A csv file: UTF-8 with a byte order mark, by which Excel knows the encoding. */
export function toCsv(rows) {
  return "\ufeff" + rows.map((row) => row.map((cell) => quoted(guarded(String(cell)), /[",\r\n]|^\s|\s$/)).join(",") + "\r\n").join("");
}

/** What a spreadsheet takes from the clipboard: no tab and no line end inside of a cell; it reads quotes as in a csv. */
export function toTsv(rows) {
  return rows.map((row) => row.map((cell) => quoted(guarded(String(cell)).replace(/[\t\r\n]+/g, " "), /"/)).join("\t")).join("\n");
}

/** Let the user save a text as a file. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A cell in quotes, when there is in it what would be read otherwise without. */
function quoted(cell, unclear) {
  return unclear.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
