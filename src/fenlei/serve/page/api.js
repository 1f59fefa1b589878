// Ask the server: with the key, when it wants one, and patiently, when it has much to do.

import { askKey, storedKey } from "./key.js";
import { hasWords, t } from "./words.js";

const TRIES = 6;

/** An answer that is no success; status 0 when there was none at all. */
export class ServerError extends Error {
  constructor(status, code, message, retryAfter = 1) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

/** What to tell the user of an error. */
export function reason(error) {
  if (!(error instanceof ServerError)) return String(error.message ?? error);
  const key = `error.${error.code}`;
  return hasWords(key) ? t(key, { message: error.message }) : error.message;
}

export const isStopped = (error) => error.name === "AbortError";

export const get = (path, options) => ask(path, {}, options);

export const post = (path, value, options) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) }, options);

export const upload = (path, file, options) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file }, options);

/** Call `work` again when the server says that it is busy, after the time it says; at most `tries` times. */
export async function patiently(work, { signal, waiting = () => {}, tries = TRIES } = {}) {
  for (let left = tries; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      const busy = error.status === 429 || error.status === 503;
      if (!busy || error.code === "deadline" || left <= 1) throw error;
      waiting(error.retryAfter);
      await pause(1000 * error.retryAfter, signal);
    }
  }
}

async function ask(path, request, { signal } = {}) {
  for (let key = storedKey(), wrong = false; ; wrong = true) {
    const headers = key ? { ...request.headers, "X-API-Key": key } : request.headers;
    const response = await reach(path, { ...request, headers, signal });
    if (response.status !== 401) return unpack(response);
    key = await askKey(wrong || Boolean(key));
    if (!key) throw new ServerError(401, "no_key", "no API key was given");
  }
}

async function reach(path, request) {
  try {
    return await fetch(path, { ...request, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (isStopped(error)) throw error;
    throw unreachable();
  }
}

const unreachable = () => new ServerError(0, "unreachable", "the server cannot be reached");

async function unpack(response) {
  const body = await response.json().catch((error) => {
    if (isStopped(error)) throw error;
    return null; // the connection broke, or what is there is no JSON
  });
  if (response.ok && body === null) throw unreachable();
  if (response.ok) return body;
  const { code = "unexpected", message = `HTTP ${response.status}` } = body?.error ?? {};
  throw new ServerError(response.status, code, message, Number(response.headers.get("Retry-After")) || 1);
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stopped = () => reject(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) return stopped();
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); stopped(); }, { once: true });
  });
}
