// Explanations count characters as Python does, by code points; JavaScript's strings count UTF-16 units.

/** For each code point of a text, and for its end, where it begins in UTF-16 units. */
export function unitOffsets(text) {
  const offsets = [0];
  let at = 0;
  for (const character of text) {
    at += character.length;
    offsets.push(at);
  }
  return offsets;
}

/** Cut a text into pieces {text, weight}; what no segment covers has the weight null. */
export function piecesOf(text, segments) {
  const offsets = unitOffsets(text);
  const last = offsets.length - 1;
  const pieces = [];
  let done = 0;
  for (const { start, end, weight } of [...segments].sort((a, b) => a.start - b.start)) {
    const from = Math.min(Math.max(start, done), last);
    const to = Math.min(end, last);
    if (to <= from) continue;
    if (from > done) pieces.push({ text: text.slice(offsets[done], offsets[from]), weight: null });
    pieces.push({ text: text.slice(offsets[from], offsets[to]), weight });
    done = to;
  }
  if (done < last) pieces.push({ text: text.slice(offsets[done]), weight: null });
  return pieces;
}
