// The conversation, kept in this browser.
//
// A turn is {question, scope: {course, lecture}, about, alone, state, answer, verdict}: `about` holds the
// words it was asked about ({lectureId, title, start, end, quote}, or null), `alone` is true where no turn
// before counts (there is none, or it is to be left out), `answer` is what has come of the contract's
// answer, `state` is "running", "done", "stopped" or "failed" (then `problem` says why).

import { ROOT } from "./address.js";
import { addressOf, where } from "./quote.js";

export const PLACE = `lecture-assistant.conversation.v1:${ROOT.pathname}`;
const TURNS_KEPT = 100;
const TURNS_SENT = 6;
const CHARACTERS_SENT = 2000; // of a turn

export class Conversation {
  constructor() {
    this.load();
  }

  /** Read again what is kept, which another tab may have changed. */
  load() {
    this.turns = kept().map((turn) => (turn.state === "running" ? { ...turn, state: "stopped" } : turn));
  }

  add(question, scope, about) {
    const alone = !about && this.turns.length === 0;
    const turn = { question, scope, about, alone, state: "running", answer: null, verdict: null };
    this.turns.push(turn);
    this.keep();
    return turn;
  }

  clear() {
    this.turns = [];
    this.keep();
  }

  keep() {
    try {
      localStorage.setItem(PLACE, JSON.stringify(this.turns.slice(-TURNS_KEPT)));
    } catch {
      // full, or refused to pages framed by another site: the conversation lasts as long as the page
    }
  }

  /** The turns before `turn`, and what it was asked about, as the service reads them. */
  history(turn) {
    if (turn.alone) return [];
    // The words a question is about stand where a learner would have said them, and alone: "it" means them.
    if (turn.about) return [{ role: "user", content: sent(turn.about.quote) }];
    const before = this.turns.slice(0, this.turns.indexOf(turn));
    return before.slice(-TURNS_SENT).flatMap(({ question, answer }) => [
      { role: "user", content: sent(question) },
      ...(answer?.answer ? [{ role: "assistant", content: sent(answer.answer) }] : []),
    ]);
  }

  /** The whole conversation as Markdown, each quote with the address that opens it. */
  markdown() {
    const parts = ["# Questions to the lectures"];
    for (const { question, about, answer, state } of this.turns) {
      parts.push(`## ${oneLine(question)}`);
      if (about) parts.push(`About: ${quoted(about.quote)}`);
      if (!answer || state === "failed") {
        parts.push("*No answer came.*");
        continue;
      }
      if (answer.standalone_question && answer.standalone_question !== question) {
        parts.push(`*Understood as: ${oneLine(answer.standalone_question)}*`);
      }
      if (state === "stopped") parts.push("*Stopped.*");
      if (answer.answer) parts.push(oneLine(answer.answer));
      if (answer.citations?.length) parts.push(sources(answer.citations));
      if (answer.nearest?.length) {
        parts.push("The nearest passages, which are not an answer:", sources(answer.nearest));
      }
    }
    return `${parts.join("\n\n")}\n`;
  }
}

function kept() {
  try {
    const turns = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(turns) ? turns.filter((turn) => typeof turn?.question === "string") : [];
  } catch {
    return [];
  }
}

/** As much of a turn as is read. A character that the cut went through would be refused with all the rest. */
function sent(text) {
  return text.slice(0, CHARACTERS_SENT).toWellFormed();
}

function oneLine(text) {
  return text.replaceAll(/\s+/g, " ");
}

function quoted(text) {
  return `“${oneLine(text)}”`;
}

function sources(citations) {
  return citations
    .map((citation) => `${citation.number}. ${quoted(citation.quote)} — [${where(citation).replaceAll(/[[\]]/g, "\\$&")}](${addressOf(citation)})`)
    .join("\n");
}
