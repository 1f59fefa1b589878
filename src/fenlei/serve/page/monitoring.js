// Whether the server has a monitor, and what it says.

import { get } from "./api.js";

let known = null;

/** The monitor's summary, or null when the server has none. */
export async function readMonitor() {
  try {
    return await get("v1/monitor");
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** Whether the server has a monitor; asked once. */
export function isMonitored() {
  known ??= readMonitor().then((summary) => summary !== null, () => { known = null; return false; });
  return known;
}
