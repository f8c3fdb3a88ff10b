/* Requests of a page: JSON there and back, with the bearer of the person who is logged in.

   The bearer is in sessionStorage: it ends with the tab, and other ports of the same host do not see it, as they
   would a cookie. */

/** Why a request was refused: `code` for programs, `message` and `hint` for people. */
export class Refusal extends Error {
  constructor(status, error = {}) {
    super(error.message || `the answer is ${status}`);
    this.name = "Refusal";
    this.status = status;
    this.code = error.code || "";
    this.hint = error.hint || "";
    this.errors = error.errors || [];
  }
}

/** The other side cannot be reached. */
export class Away extends Error {
  constructor(cause) {
    super("nobody answers", { cause });
    this.name = "Away";
    this.hint = "the program may have been stopped, or the network is cut";
  }
}

/** Who is logged in, in this tab. onleave: called when the login has ended. */
export class Login {
  #key;

  constructor(key) {
    this.#key = key;
    this.onleave = () => {};
    try {
      this.#value = JSON.parse(sessionStorage.getItem(key) ?? "null");
    } catch {
      this.#value = null;
    }
  }

  #value = null;

  get value() {
    return this.#value;
  }

  keep(value) {
    this.#value = value;
    sessionStorage.setItem(this.#key, JSON.stringify(value));
  }

  forget() {
    const was = this.#value;
    this.#value = null;
    sessionStorage.removeItem(this.#key);
    if (was) this.onleave();
  }

  get headers() {
    return this.#value ? { Authorization: `Bearer ${this.#value.bearer}` } : {};
  }

  /** Sends a request and gives the JSON of its answer.

      Raises Refusal, or Away if nobody answers; a login that has ended is forgotten. */
  async json(method, path, body = undefined, { signal = undefined, headers = {} } = {}) {
    const response = await this.send(method, path, {
      signal,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return response.status === 204 ? {} : response.json();
  }

  /** The same, with any body; gives the response. */
  send(method, path, { headers = {}, body = undefined, signal = undefined } = {}) {
    return this.answered(
      fetch(path, {
        method,
        body,
        signal,
        headers: { ...this.headers, ...headers },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      }),
    );
  }

  /** The response that a fetch with this login will give. Raises as `json`. */
  async answered(fetched) {
    try {
      return await answered(fetched);
    } catch (error) {
      if (error.status === 401) this.forget();
      throw error;
    }
  }
}

/** The response that a fetch will give. Raises Refusal, or Away if nobody answers. */
export async function answered(fetched) {
  let response;
  try {
    response = await fetched;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away(error);
  }
  if (response.ok) return response;
  throw new Refusal(response.status, await errorOf(response));
}

async function errorOf(response) {
  try {
    const error = (await response.json())?.error;
    return typeof error === "object" && error !== null ? error : {};
  } catch {
    return {};
  }
}

/** An id that nobody else chooses: a command that is sent twice with it is done once. */
export function newCommandId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
