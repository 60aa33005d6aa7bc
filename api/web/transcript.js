// A transcript by its characters. The service counts Unicode characters, JavaScript counts UTF-16 units;
// they differ after every character outside the basic plane, so every offset is turned here.

const LONG = 360; // characters after which the next end of a sentence ends a paragraph
const TOO_LONG = 900; // and after which any caption's end does
const SENTENCE_END = /[.!?…。？！؟۔]["'”’»)\]]*$/;

export class Transcript {
  /** `item` is the answer of /v1/lectures/{id}/transcript. */
  constructor(item) {
    this.item = item;
    this.text = item.transcript;
    this.starts = /[\ud800-\udbff]/.test(this.text) ? unitStarts(this.text) : null;
    this.length = this.starts ? this.starts.length - 1 : this.text.length;
  }

  /** The UTF-16 offset of a character. */
  unit(character) {
    return this.starts ? this.starts[character] : character;
  }

  /** The character that a UTF-16 offset is in. */
  character(unit) {
    if (!this.starts) return unit;
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  slice(start, end) {
    return this.text.slice(this.unit(start), this.unit(end));
  }

  /** `range` if it is one of this transcript, else null. */
  checked(range) {
    return range && range.end <= this.length ? range : null;
  }

  /** The words of a range as a citation: quote, lines and times of the captions that hold it. */
  cite({ start, end }) {
    const held = this.item.cues.filter((cue) => cue.char_end > start && cue.char_start < end);
    const { lecture_id, title, course } = this.item;
    return {
      lecture_id, title, course, quote: this.slice(start, end), char_start: start, char_end: end,
      line_start: held[0]?.line_start ?? 1, line_end: held.at(-1)?.line_end ?? 1,
      start_ms: held[0]?.start_ms ?? null, end_ms: held.at(-1)?.end_ms ?? null,
      page: this.item.page_kind ? held[0]?.line_start ?? null : null, page_kind: this.item.page_kind,
      speaker: [...new Set(held.map((cue) => cue.speaker).filter(Boolean))].join(", ") || null,
    };
  }

  /**
   * Paragraphs {start, end, cue}: whole captions, together every character, none of them ending inside
   * `whole`, so that a quote stays in one piece on each page. `cue` is the first caption.
   */
  paragraphs(whole) {
    const found = [];
    let before = null;
    for (const cue of this.item.cues) {
      const current = found.at(-1);
      // A page is a page, also where a quote goes over its end.
      const within = whole && cue.char_start > whole.start && cue.char_start < whole.end && !this.turnsPage(before, cue);
      if (!current || (!within && this.#breaks(current, before, cue))) {
        if (current) current.end = cue.char_start;
        found.push({ start: current ? cue.char_start : 0, end: this.length, cue });
      }
      before = cue;
    }
    return found;
  }

  /** Whether `cue` is on another page of slides than the cue before it, if there is one. */
  turnsPage(before, cue) {
    return Boolean(this.item.page_kind) && cue.line_start !== before?.line_start;
  }

  #breaks(paragraph, before, cue) {
    if (cue.starts_block || cue.speaker !== before.speaker) return true;
    const length = cue.char_start - paragraph.start;
    return length > TOO_LONG || (length > LONG && SENTENCE_END.test(this.slice(before.char_start, before.char_end)));
  }
}

function unitStarts(text) {
  const starts = [];
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1) starts.push(unit);
  starts.push(text.length);
  return starts;
}
