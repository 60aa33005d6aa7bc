// One turn of the conversation on the screen.

import { showsQuote } from "./card.js";
import { copyButton } from "./copy.js";
import { element, icon } from "./dom.js";
import { addressOf, place, withCitation } from "./quote.js";

const VERDICTS = [
  ["up", "yes", "Helpful"],
  ["down", "no", "Not helpful"],
  ["wrong_source", "flag", "Wrong source"],
];
const DOUBTFUL = 0.6;
let made = 0;

export class TurnView {
  /**
   * `actions` are open(citation, link), retry(turn, {alone}), judge(turn, verdict) and
   * languageOf(lectureId). A retry `alone` leaves out what was said before; judge resolves to false
   * where the verdict could not be kept.
   */
  constructor(turn, actions) {
    this.turn = turn;
    this.actions = actions;
    this.body = element("div", { class: "turn-body" });
    const id = `turn-${++made}`;
    this.element = element("article", { class: "turn", "aria-labelledby": id },
      turn.about && element("p", { class: "turn-about", dir: "auto" }, `“${turn.about.quote}”`),
      element("h2", { class: "question", id, dir: "auto" }, turn.question),
      this.body);
    this.update();
  }

  update() {
    const { answer, state } = this.turn;
    this.element.setAttribute("aria-busy", String(state === "running"));
    this.element.dataset.state = state;
    this.body.replaceChildren(
      ...[
        answer && this.#understood(answer),
        answer && (answer.answered === false ? this.#refusal(answer) : this.#words(answer)),
        this.#state(state, answer),
        answer?.answered && this.#sources(answer),
        answer?.nearest?.length && this.#nearest(answer.nearest),
        state !== "running" && this.#actions(answer),
      ].filter(Boolean),
    );
  }

  #understood({ standalone_question: understood }) {
    if (!understood || understood === this.turn.question) return null;
    return element("div", { class: "understood" },
      element("p", { dir: "auto" }, "Understood as ", element("q", {}, understood)),
      this.turn.state === "running" || this.turn.alone
        ? null
        : element("button", { type: "button", class: "action", onclick: () => this.actions.retry(this.turn, { alone: true }) }, "Ask as written"));
  }

  /** The answer's words; a quote that is complete ends its paragraph. */
  #words({ answer, citations = [] }) {
    if (!answer) return null;
    const paragraphs = [];
    let current = null;
    let text = "";
    const begin = () => {
      current = element("p", { dir: "auto" });
      paragraphs.push(current);
      text = "";
    };
    for (const [index, piece] of answer.split(/\s*\[(\d+)\]\s*/).entries()) {
      const citation = index % 2 ? citations.find(({ number }) => number === Number(piece)) : null;
      if (!current && piece) begin();
      if (index % 2 === 0) {
        text += piece;
        current?.append(piece);
      } else if (citation) {
        current.append("\u00a0", this.#chip(citation));
        if (text.trim() === citation.quote) {
          current.setAttribute("lang", this.actions.languageOf(citation.lecture_id) ?? "");
          current = null;
        } else current.append(" ");
      } else current.append(` [${piece}] `);
    }
    return element("div", { class: "words" }, paragraphs);
  }

  #refusal({ answer }) {
    return element("p", { class: "refusal" }, answer || "I found no answer in the lectures; they may not cover this.");
  }

  #state(state, answer) {
    if (state === "failed") return element("p", { class: "problem" }, this.turn.problem);
    if (state === "stopped") return element("p", { class: "stopped" }, "Stopped.");
    if (state === "running" && !answer?.answer && answer?.answered !== false) {
      return element("p", { class: "searching" }, "Reading the lectures");
    }
    return null;
  }

  #chip(citation) {
    const chip = this.#link(citation, { class: "chip", "aria-label": `Source ${citation.number}` }, String(citation.number));
    showsQuote(chip, citation, this.actions.languageOf(citation.lecture_id));
    return chip;
  }

  #sources({ answer = "", citations, confidence }) {
    const quoted = citations.filter(({ quote, number }) => answer.includes(`${quote} [${number}]`));
    const others = citations.filter((citation) => !quoted.includes(citation));
    const complete = this.turn.state !== "running";
    return element("div", { class: "sources" },
      quoted.length ? element("ol", { class: "source-list", "aria-label": "Sources" }, quoted.map((one) => this.#source(one))) : null,
      complete && others.length
        ? element("details", { class: "more" },
            element("summary", {}, `See also ${others.length === 1 ? "one more place" : `${others.length} more places`}`),
            element("ol", { class: "source-list" }, others.map((one) => this.#source(one, true))))
        : null,
      complete ? this.#confidence(confidence) : null);
  }

  #source(citation, withWords = false) {
    return element("li", {},
      this.#link(citation, { class: "source" },
        element("span", { class: "source-number", "aria-hidden": "true" }, String(citation.number)),
        element("span", { class: "source-text" },
          withWords
            ? element("span", { class: "source-words", dir: "auto", lang: this.actions.languageOf(citation.lecture_id) }, citation.quote)
            : null,
          element("span", { class: "source-title", dir: "auto" }, citation.title),
          element("span", { class: "source-place" }, place(citation)))));
  }

  #confidence(confidence) {
    const percent = Math.round(confidence * 100);
    return element("p", { class: "confidence" },
      element("meter", { min: "0", max: "100", value: String(percent), "aria-hidden": "true" }),
      confidence < DOUBTFUL
        ? `Only ${percent} % likely to answer the question; read what stands around it`
        : `${percent} % likely to answer the question`);
  }

  #nearest(nearest) {
    return element("section", { class: "nearest" },
      element("h3", {}, "The nearest passages"),
      element("p", {}, "These are not an answer."),
      element("ol", { class: "source-list" }, nearest.map((one) => this.#source(one, true))));
  }

  #link(citation, properties, ...children) {
    return element("a", {
      ...properties,
      href: addressOf(citation),
      onclick: (event) => {
        // With a modifier it is the browser's: another tab, another window.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.actions.open(citation, event.currentTarget);
      },
    }, ...children);
  }

  #actions(answer) {
    const quoted = (answer?.citations ?? []).filter(({ quote, number }) => answer.answer?.includes(`${quote} [${number}]`));
    return element("div", { class: "actions", role: "group", "aria-label": "This answer" },
      quoted.length ? copyButton(() => quoted.map(withCitation).join("\n\n")) : null,
      this.turn.state === "done" ? this.#verdicts(answer) : null,
      element("button", { type: "button", class: "action", onclick: () => this.actions.retry(this.turn) },
        icon("retry"), this.turn.state === "failed" ? "Try again" : "Ask again"));
  }

  #verdicts(answer) {
    const offered = VERDICTS.filter(([verdict]) => verdict !== "wrong_source" || answer.answered);
    const buttons = offered.map(([verdict, sign, label]) =>
      element("button", {
        type: "button", class: verdict === "wrong_source" ? "action" : "action icon-only", title: label,
        "aria-label": label, "aria-pressed": String(this.turn.verdict === verdict), "data-verdict": verdict,
        onclick: async () => {
          const kept = await this.actions.judge(this.turn, verdict);
          for (const button of buttons) button.setAttribute("aria-pressed", String(kept && button.dataset.verdict === verdict));
        },
      }, icon(sign), verdict === "wrong_source" ? label : null));
    return buttons;
  }
}
