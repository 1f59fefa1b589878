// Predictions: asked for in parts, told as words.

import { isStopped, patiently, post } from "./api.js";
import { t } from "./words.js";

const FIRST_PART = 32;
const LARGEST_PART = 512;
const MOST_CHARACTERS = 200_000; // of a part, far below what a server takes
const SLOW = 1.5; // seconds for a part, above which the next one is smaller

/** The labels of a prediction, as a list. */
export const labelsOf = (prediction) => (prediction.labels ?? [prediction.label]).map(String);

/** The labels of a prediction, as words. */
export const labelText = (prediction) => labelsOf(prediction).join(t("and")) || t("no-label");

/** Half a character, as JavaScript allows and nobody else does, becomes the mark for an unknown one. */
export const wellFormed = (text) => text.toWellFormed?.() ?? text;

/**
 * Ask for the predictions of many texts, a part after the other, as large as the server answers soon.
 *
 * What cannot be answered for a reason of its own, such as a text that is too long, has {error} in its place.
 * `part(predictions, begin)` is called with every part that is there.
 */
export async function predictAll(texts, { model, signal, part, waiting, wish = {} }) {
  let size = FIRST_PART;
  for (let begin = 0; begin < texts.length; ) {
    const some = partOf(texts, begin, size);
    const start = performance.now();
    try {
      const ask = () => post("v1/predict", { inputs: some, model, ...wish }, { signal });
      part((await patiently(ask, { signal, waiting, tries: Infinity })).predictions, begin);
      size = nextSize(size, (performance.now() - start) / 1000);
    } catch (error) {
      if (isStopped(error) || !isOfTheTexts(error)) throw error;
      if (some.length > 1) {
        size = Math.max(1, Math.floor(some.length / 4));
        continue;
      }
      part([{ error }], begin);
    }
    begin += some.length;
  }
}

function partOf(texts, begin, size) {
  let end = begin;
  for (let room = MOST_CHARACTERS; end < texts.length && end < begin + size && room > 0; end += 1) room -= texts[end].length;
  return texts.slice(begin, end).map(wellFormed);
}

function nextSize(size, seconds) {
  return seconds > SLOW ? Math.max(1, Math.floor(size / 2)) : Math.min(LARGEST_PART, size * 2);
}

/** Whether fewer texts, or others, might be answered. */
function isOfTheTexts(error) {
  return error.status === 413 || error.status === 422 || error.code === "deadline";
}
