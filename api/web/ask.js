// The page of the conversation.

import { address, lectureAddress } from "./address.js";
import { TurnView } from "./answer.js";
import { hideQuote } from "./card.js";
import { ask, readLectures, readQuestions, readTranscript, sendFeedback } from "./client.js";
import { Conversation, PLACE } from "./conversation.js";
import { announce, element, icon } from "./dom.js";
import { NARROW, Panel } from "./panel.js";
import { Scope } from "./scope.js";
import { Transcript } from "./transcript.js";

const SUGGESTED = 4;
const LECTURES_SUGGESTED_FROM = 3;

const find = (selector) => document.querySelector(selector);
const field = find("#question");
const conversation = new Conversation();
const views = new Map();
const scope = new Scope(find("#scope"));
let about = null;
let running = null;

const actions = {
  open({ lecture_id, char_start, char_end }, link) {
    hideQuote();
    panel.open(lecture_id, { start: char_start, end: char_end }, link);
  },
  retry(turn, { alone = turn.alone } = {}) {
    if (!running) run(Object.assign(turn, { alone }));
  },
  judge,
  languageOf: (lectureId) => scope.languageOf(lectureId),
};

const panel = new Panel({
  whenClosed: field,
  onAsk(words) {
    panel.close({ focus: false });
    scope.value = { course: null, lecture: words.lectureId };
    scopeChanged();
    setAbout(words.quote ? words : null);
    field.focus();
  },
});

// ---- asking

find("#composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(field.value);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit(field.value);
  } else if (event.key === "Escape" && running) stop();
});
field.addEventListener("input", fit);
find("#stop").addEventListener("click", stop);

function submit(question) {
  const asked = question.trim();
  if (!asked || running) return;
  const turn = conversation.add(asked, scope.value, about);
  field.value = "";
  fit();
  setAbout(null);
  show(turn);
  run(turn);
}

async function run(turn) {
  if (running) return;
  running = new AbortController();
  Object.assign(turn, { state: "running", answer: null, problem: null, verdict: null });
  changed(turn);
  setBusy(true);
  announce("Reading the lectures");
  views.get(turn).element.scrollIntoView({ block: "start" });
  try {
    const body = {
      question: turn.question, course: turn.scope.course,
      lectures: turn.scope.lecture ? [turn.scope.lecture] : null, history: conversation.history(turn),
    };
    for await (const { event, data } of ask(body, running.signal)) {
      turn.answer = grown(turn.answer, event, data);
      if (event !== "done") views.get(turn)?.update();
    }
    turn.state = "done";
  } catch (error) {
    turn.state = error.name === "AbortError" ? "stopped" : "failed";
    turn.problem = error.message;
  }
  running = null;
  setBusy(false);
  changed(turn);
  announce(told(turn));
}

/** The answer after one more event of the stream. */
function grown(answer, event, data) {
  if (event === "done") return data;
  if (event === "text") return { ...answer, answer: (answer?.answer ?? "") + data.text };
  return { ...answer, ...data };
}

function told({ state, answer, problem }) {
  if (state === "failed") return `No answer: ${problem}`;
  if (state === "stopped") return "Stopped";
  if (!answer.answered) return `${answer.answer} ${answer.nearest.length} nearest passages, which are not an answer.`;
  return answer.answer.replaceAll(/\[(\d+)\]/g, "(source $1)");
}

function stop() {
  running?.abort();
}

function setBusy(busy) {
  const hadFocus = document.activeElement === find("#stop");
  find("#send").hidden = busy;
  find("#stop").hidden = !busy;
  if (hadFocus) field.focus();
}

function fit() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function setAbout(words) {
  about = words;
  const box = find("#about");
  box.hidden = !words;
  box.replaceChildren(...(words
    ? [
        element("p", { dir: "auto" }, element("span", {}, "About "), `“${words.quote}”`),
        element("button", {
          type: "button", class: "quiet icon-only", "aria-label": "Do not ask about these words",
          onclick: () => { setAbout(null); field.focus(); },
        }, icon("close")),
      ]
    : []));
}

// ---- the conversation on the screen

function show(turn) {
  const view = new TurnView(turn, actions);
  views.set(turn, view);
  find("#turns").append(view.element);
  showWelcome();
}

function redraw() {
  for (const view of views.values()) view.element.remove();
  views.clear();
  for (const turn of conversation.turns) show(turn);
  showWelcome();
}

// Another tab went on with the conversation; while this one asks, its own is the newer.
addEventListener("storage", ({ key }) => {
  if (key !== PLACE || running) return;
  conversation.load();
  redraw();
});

/** Say above the question what concerns no single answer; an empty message takes it away. */
function notify(message) {
  const notice = find("#notice");
  if (notice.textContent !== message) notice.textContent = message;
}

function changed(turn) {
  conversation.keep();
  views.get(turn)?.update();
}

function showWelcome() {
  const empty = conversation.turns.length === 0;
  find("#welcome").hidden = !empty;
  find("#turns").hidden = find("#export").hidden = find("#clear").hidden = empty;
}

async function judge(turn, verdict) {
  const { question, answer } = turn;
  const taken = turn.verdict === verdict;
  try {
    await sendFeedback({
      question, standalone_question: answer.standalone_question, verdict,
      citations: answer.citations.map(({ lecture_id, char_start, char_end }) => ({ lecture_id, char_start, char_end })),
    });
  } catch (error) {
    announce(error.status === 404 ? "This server keeps no feedback" : `Not kept: ${error.message}`);
    return taken;
  }
  turn.verdict = verdict;
  conversation.keep();
  announce("Thank you, noted");
  return true;
}

find("#clear").addEventListener("click", () => {
  stop();
  panel.close({ focus: false });
  conversation.clear();
  redraw();
  announce("A new conversation");
  field.focus();
});

find("#export").addEventListener("click", () => {
  const url = URL.createObjectURL(new Blob([conversation.markdown()], { type: "text/markdown" }));
  element("a", { href: url, download: "conversation.md" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
});

// ---- what to begin with

async function suggest() {
  const within = scope.within.slice(0, LECTURES_SUGGESTED_FROM);
  const asked = await Promise.all(within.map(({ lecture_id }) => readQuestions(lecture_id, SUGGESTED).catch(() => [])));
  // One of each lecture, then another of each, and so on.
  const offered = Array.from({ length: SUGGESTED }, (_, nth) =>
    within.flatMap(({ language }, index) => asked[index].slice(nth, nth + 1).map(({ question }) => ({ question, language }))),
  ).flat().slice(0, SUGGESTED);
  find("#suggestions").hidden = !offered.length;
  find("#suggestions ul").replaceChildren(...offered.map(({ question, language }) =>
    element("li", {},
      element("button", { type: "button", class: "suggestion", dir: "auto", lang: language, onclick: () => submit(question) }, question))));
}

function scopeChanged() {
  const { lecture } = scope.value;
  const link = find("#read");
  link.hidden = !lecture;
  if (lecture) link.href = lectureAddress(lecture);
  suggest();
}

find("#scope").addEventListener("change", () => {
  notify("");
  scopeChanged();
});
find("#read").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  panel.open(scope.value.lecture, null, event.currentTarget);
});
// By hand, since a fragment would take the place of the one that marks a lecture's words.
find(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  field.focus();
});

/** What the address asks for: ?q= a question to begin with, ?course= or ?lecture= where, ?about= words of it. */
async function followAddress(parameters) {
  const lectureId = parameters.get("lecture");
  const course = parameters.get("course");
  scope.value = { course, lecture: lectureId };
  const { course: found, lecture } = scope.value;
  if ((lectureId || course) && !lecture && !found) {
    const what = lectureId ? `no lecture “${lectureId}”` : `no course “${course}”`;
    notify(`There is ${what} here; questions go to all lectures`);
  }
  if (parameters.has("q")) {
    field.value = parameters.get("q");
    fit();
  }
  const [, start, end] = /^(\d+)-(\d+)$/.exec(parameters.get("about") ?? "") ?? [];
  if (!lectureId || !end) return;
  const transcript = new Transcript(await readTranscript(lectureId));
  const range = transcript.checked({ start: Number(start), end: Number(end) });
  if (range) setAbout({ lectureId, title: transcript.item.title, ...range, quote: transcript.slice(range.start, range.end) });
}

async function begin() {
  // Relative to this page now; under a lecture's address it would be looked for elsewhere.
  const sign = find("link[rel=icon]");
  sign.href = address(sign.getAttribute("href"));
  const parameters = new URLSearchParams(location.search);
  redraw();
  views.get(conversation.turns.at(-1))?.element.scrollIntoView({ block: "start" });
  if (!NARROW.matches) field.focus({ preventScroll: true });
  try {
    scope.fill(await readLectures(() => notify("The lectures are being opened")));
    notify("");
    await followAddress(parameters);
  } catch (error) {
    notify(error.message);
  }
  for (const view of views.values()) view.update(); // the languages of the quotes are known now
  scopeChanged();
}

begin();
