// Whether the server has a monitor, and what it says.

import { get } from "./api.js";

let known = null;

/** The monitor's summary of a model, or of the first; null when the server has no monitor. */
export async function readMonitor(model) {
  try {
    return await get(model ? `v1/monitor?model=${encodeURIComponent(model)}` : "v1/monitor");
  } catch (error) {
    if (error.code === "no_monitor") return null;
    throw error;
  }
}

/** Whether the server has a monitor; asked once. */
export function isMonitored() {
  known ??= readMonitor().then((summary) => summary !== null, () => { known = null; return false; });
  return known;
}
