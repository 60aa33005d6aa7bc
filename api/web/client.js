// The service over HTTP.

import { address } from "./address.js";
import { readEvents } from "./events.js";
import { askForKey, currentKey } from "./key.js";

const WAIT_MS = 700;

/** An error the service reported, or the failure to reach it; the message is fit to be shown. */
export class Problem extends Error {
  constructor(message, status = 0, type = "") {
    super(message);
    this.status = status;
    this.type = type;
  }

  static async from(response) {
    const told = await response.json().catch(() => ({}));
    return new Problem(told.detail ?? `the server answered ${response.status}`, response.status, told.type ?? "");
  }
}

/** The response to a request. While the index is being opened (503), waits for it and calls `onWait`. */
async function request(path, { body, accept = "application/json", signal, onWait = () => {} } = {}) {
  for (;;) {
    const key = currentKey();
    const headers = { Accept: accept };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(address(path), {
        method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("the server cannot be reached; check the connection and try again");
    }
    if (response.ok) return response;
    const problem = await Problem.from(response);
    if (problem.type.endsWith(":not-ready")) {
      onWait();
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
      signal?.throwIfAborted();
      continue;
    }
    const given = response.status === 401 && (currentKey() !== key || (await askForKey()));
    if (!given) throw problem;
  }
}

async function read(path, onWait) {
  return (await request(path, { onWait })).json();
}

/** All lectures, page after page. */
export async function readLectures(onWait) {
  const lectures = [];
  for (let offset = 0; offset !== null; ) {
    const page = await read(`v1/lectures?limit=1000&offset=${offset}`, onWait);
    lectures.push(...page.lectures);
    offset = page.next_offset;
  }
  return lectures;
}

export function readTranscript(lectureId, onWait) {
  return read(`v1/lectures/${encodeURIComponent(lectureId)}/transcript`, onWait);
}

export async function readQuestions(lectureId, limit) {
  return (await read(`v1/lectures/${encodeURIComponent(lectureId)}/questions?limit=${limit}`)).questions;
}

/** Ask; yields the events of the stream, or only "done" where the service answers in one piece. */
export async function* ask(body, signal) {
  const response = await request("v1/ask", { body, signal, accept: "text/event-stream, application/json;q=0.5" });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    yield { event: "done", data: await response.json() };
    return;
  }
  for await (const { event, data } of readEvents(response.body)) {
    if (event === "error") throw new Problem(data.detail ?? "the answer broke off", data.status, data.type);
    yield { event, data };
    if (event === "done") return;
  }
  throw new Problem("the connection was lost before the answer was complete");
}

export async function sendFeedback(body) {
  await request("v1/feedback", { body });
}
