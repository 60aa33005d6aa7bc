// The lecture reader: the transcript with the cited words marked, a search inside it, and the recording.

import { readTranscript } from "./client.js";
import { copyButton } from "./copy.js";
import { announce, element, icon } from "./dom.js";
import { Find } from "./find.js";
import { playerOf } from "./player.js";
import { clock, place, withCitation } from "./quote.js";
import { Transcript } from "./transcript.js";

export class Reader {
  /** `onAsk(about)` is given the words to ask about; `onClose`, where there is one, closes the reader. */
  constructor(container, { onAsk, onClose = null }) {
    this.container = container;
    this.onAsk = onAsk;
    this.onClose = onClose;
    this.transcript = null;
    this.opening = 0;
    document.addEventListener("selectionchange", () => this.#selectionChanged());
  }

  /** Show a lecture with `range` ({start, end} in characters, or null) marked; `focus` moves there. */
  async open(lectureId, range, { focus = true } = {}) {
    const opening = ++this.opening;
    if (this.transcript?.item.lecture_id !== lectureId) {
      this.transcript = null;
      this.container.replaceChildren(this.#closeButton() ?? "", element("p", { class: "reader-note" }, "Opening the lecture"));
      let item;
      try {
        item = await readTranscript(lectureId, () => announce("The index is being opened"));
      } catch (error) {
        if (opening === this.opening) this.#fail(error);
        return;
      }
      if (opening !== this.opening) return; // another lecture was asked for meanwhile
      this.transcript = new Transcript(item);
      this.#build();
    }
    this.range = this.transcript.checked(range);
    this.#showText();
    this.#showBar(this.range);
    this.#goToMark(focus);
  }

  #fail(error) {
    this.container.replaceChildren(this.#closeButton() ?? "",
      element("p", { class: "reader-note problem", role: "alert" }, error.message));
  }

  #build() {
    const { item } = this.transcript;
    this.player = playerOf(item.url);
    this.text = element("div", { class: "transcript", dir: "auto", lang: item.language });
    this.stage = element("div", { class: "stage", hidden: true });
    this.bar = element("div", { class: "bar", role: "group", "aria-label": "The marked words" });
    this.find = new Find(this.text);
    const about = [item.course && `Course ${item.course}`, item.speakers.join(", ")].filter(Boolean).join(" · ");
    const Heading = this.onClose ? "h2" : "h1";
    this.scroller = element("div", { class: "reader-scroll", tabindex: "0", role: "region", "aria-label": "Transcript" },
      this.stage, this.text);
    this.container.replaceChildren(
      element("div", { class: "reader-head" },
        element("div", { class: "reader-title" },
          element(Heading, { dir: "auto", lang: item.language }, item.title),
          about ? element("p", { dir: "auto" }, about) : null),
        this.#closeButton() ?? "",
        this.find.element),
      this.scroller, this.bar);
  }

  #closeButton() {
    if (!this.onClose) return null;
    return element("button", { type: "button", class: "quiet icon-only close", "aria-label": "Close the lecture", onclick: this.onClose }, icon("close"));
  }

  #showText() {
    const { range, transcript } = this;
    this.mark = null;
    let before = null;
    this.text.replaceChildren(
      ...transcript.paragraphs(range).flatMap(({ start, end, cue }) => {
        const heading = transcript.turnsPage(before, cue) ? this.#page(cue) : null;
        before = cue;
        const paragraph = element("div", { class: "paragraph" },
          this.#label(cue),
          element("p", {}, cue.speaker ? this.#speaker(cue) : null, this.#pieces(start, end)));
        return heading ? [heading, paragraph] : [paragraph];
      }),
    );
    this.find.textChanged();
  }

  /** The text of a paragraph, the marked words in a <mark> of their own. */
  #pieces(start, end) {
    const { range, transcript } = this;
    if (!range || range.end <= start || range.start >= end) return [transcript.slice(start, end)];
    const from = Math.max(start, range.start);
    const to = Math.min(end, range.end);
    const mark = element("mark", { tabindex: "-1" }, transcript.slice(from, to));
    this.mark ??= mark;
    return [transcript.slice(start, from), mark, transcript.slice(to, end)];
  }

  /** What a page of slides begins with; as a label's, its text is none of the transcript's. */
  #page(cue) {
    const kind = this.transcript.item.page_kind;
    const text = `${kind[0].toUpperCase()}${kind.slice(1)} ${cue.line_start}`;
    return element(this.onClose ? "h3" : "h2", { class: "label page", lang: "en" }, text);
  }

  #label(cue) {
    if (this.transcript.item.page_kind) return element("span", { class: "label" });
    const timed = cue.start_ms !== null;
    const text = timed ? clock(cue.start_ms) : String(cue.line_start);
    if (timed && this.player) return this.#play(cue.start_ms, { class: "label", "aria-label": `Play from ${text}` }, text);
    return element("span", { class: "label", "data-text": text, "aria-hidden": "true" });
  }

  #speaker(cue) {
    return element("span", { class: "speaker", "data-text": cue.speaker });
  }

  #play(milliseconds, properties, ...children) {
    const seconds = Math.floor(milliseconds / 1000);
    if (this.player.kind === "link") {
      return element("a", { ...properties, href: this.player.at(seconds), target: "_blank", rel: "noopener" }, ...children);
    }
    return element("button", { type: "button", ...properties, onclick: () => this.#playFrom(seconds) }, ...children);
  }

  #playFrom(seconds) {
    const video = this.stage.querySelector("video");
    if (video) {
      video.currentTime = seconds;
      video.play();
    } else {
      const { title } = this.transcript.item;
      const source = this.player.at(seconds);
      this.stage.replaceChildren(
        this.player.kind === "frame"
          ? element("iframe", { src: source, title: `Recording of ${title}`, allow: "autoplay; fullscreen; picture-in-picture" })
          : element("video", { src: `${source.split("#")[0]}#t=${seconds}`, controls: true, autoplay: true, playsinline: true }));
    }
    this.stage.hidden = false;
    announce(`Playing from ${clock(seconds * 1000)}`);
  }

  /** What can be done with the words that are marked or selected, or with the lecture. */
  #showBar(range) {
    const { transcript, player } = this;
    const { lecture_id: lectureId, title } = transcript.item;
    const citation = range && transcript.cite(range);
    const start = citation ? citation.start_ms : transcript.item.page_kind ? null : 0;
    this.bar.replaceChildren(
      element("p", { class: "bar-place" }, citation ? place(citation) : "Select words to ask about them"),
      ...[
        player && start !== null
          ? this.#play(start, { class: "action" }, icon("play"), start ? `Play from ${clock(start)}` : "Play")
          : null,
        citation ? copyButton(() => withCitation(citation)) : null,
        element("button", {
          type: "button", class: "action strong",
          onclick: () => this.onAsk({ lectureId, title, ...(range ?? {}), quote: citation?.quote ?? null }),
        }, icon("ask"), citation ? "Ask about this" : "Ask about this lecture"),
      ].filter(Boolean),
    );
  }

  #goToMark(focus) {
    const target = this.mark ?? this.scroller;
    if (this.mark) this.mark.scrollIntoView({ block: "center" });
    else this.scroller.scrollTop = 0;
    if (focus) target.focus({ preventScroll: true });
  }

  #selectionChanged() {
    if (!this.transcript || !this.text.isConnected) return;
    const selection = getSelection();
    const inside = selection.rangeCount && !selection.isCollapsed && this.text.contains(selection.anchorNode) && this.text.contains(selection.focusNode);
    const range = inside ? this.#selected(selection.getRangeAt(0)) : null;
    const shown = range ?? this.range;
    const key = shown && `${shown.start}-${shown.end}`;
    if (key === this.shownKey) return;
    this.shownKey = key;
    this.#showBar(shown);
  }

  /** A selection as characters of the transcript, without the white space around it. */
  #selected(selected) {
    const { transcript } = this;
    let [start, end] = this.find.unitsOf(selected);
    while (start < end && /\s/.test(transcript.text[start])) start += 1;
    while (end > start && /\s/.test(transcript.text[end - 1])) end -= 1;
    return start < end ? { start: transcript.character(start), end: transcript.character(end) } : null;
  }
}
