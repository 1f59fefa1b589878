// The API key: asked for when the server wants one, forgotten when the tab is closed.

import { $ } from "./dom.js";

const KEPT = "fenlei.key";
let inMemory = "";
let asked = null;

/** The key that was given, or "". */
export function storedKey() {
  try {
    return sessionStorage.getItem(KEPT) ?? inMemory;
  } catch {
    return inMemory;
  }
}

/** Ask for a key; gives "" when the user does not want to. All who ask at one time get one answer. */
export function askKey(wasWrong) {
  asked ??= openDialog(wasWrong).finally(() => { asked = null; });
  return asked;
}

function openDialog(wasWrong) {
  const dialog = $("key-dialog");
  $("key-wrong").hidden = !wasWrong;
  $("key-input").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok" ? keep($("key-input").value.trim()) : ""), { once: true });
  });
}

function keep(key) {
  inMemory = key;
  try {
    sessionStorage.setItem(KEPT, key);
  } catch {
    // a browser that keeps nothing: the key lasts as long as the page
  }
  return key;
}

$("key-cancel").addEventListener("click", () => $("key-dialog").close(""));
