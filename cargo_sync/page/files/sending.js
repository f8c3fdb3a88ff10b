/* Sends bytes with their progress: fetch tells nothing of an upload that is under way, XMLHttpRequest does. */

import { Away, Refusal } from "../common/http.js";

/** Sends `body` and gives {status, headers(name), json}.

    progress(bytes)  so many are on their way
    signal           ends it with an AbortError

    Raises Refusal (with `answer`), or Away if nobody answers. */
export function send(login, method, path, body, headers, { progress = () => {}, signal = undefined } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const leave = () => request.abort();
    request.open(method, path);
    for (const [name, value] of Object.entries({ ...login.headers, ...headers })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onabort = () => fail(new DOMException("it was left", "AbortError"));
    request.onerror = () => fail(new Away(new Error("the connection was cut")));
    request.onload = () => {
      const answer = { status: request.status, header: (name) => request.getResponseHeader(name), json: parsed(request.responseText) };
      if (request.status < 300) return done(answer);
      const refusal = new Refusal(request.status, answer.json.error);
      refusal.answer = answer;
      if (request.status === 401) login.forget();
      return fail(refusal);
    };
    request.onloadend = () => signal?.removeEventListener("abort", leave);
    if (signal?.aborted) return fail(new DOMException("it was left", "AbortError"));
    signal?.addEventListener("abort", leave, { once: true });
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** The SHA-256 of a part of a file: {bytes, hex, header}. */
export async function digest(blob) {
  const bytes = await blob.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { bytes, hex, header: `sha-256=:${btoa(String.fromCharCode(...hash))}:` };
}
