// Make elements. Data becomes text nodes and attributes, never markup.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

/** An element; attributes beginning with "on" are listeners, `undefined`, `null` and `false` ones are left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put children in the place of whatever is in an element, and show it. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
  element.hidden = false;
}

/** A bar filled to a share of 1; decoration beside a number. */
export function bar(share, kind = "") {
  const filled = el("i");
  filled.style.width = `${100 * Math.min(1, Math.max(0, share))}%`; // through the object: the policy forbids style attributes
  return el("span", { class: `bar ${kind}`, "aria-hidden": "true" }, filled);
}

/** A line that says what goes on, or what went wrong. */
export function tell(element, message, bad = false) {
  element.textContent = message;
  element.classList.toggle("bad", bad);
}
