// A quote in words: where it is, when it is said, and how it is copied.

import { lectureAddress } from "./address.js";

/** Milliseconds as M:SS or H:MM:SS. */
export function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const pad = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const rest = pad(seconds % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
}

/** "Ana · 12:03–12:20 · lines 9–11": who says it and when, where that is known, and lines or slides. */
export function place({ start_ms, end_ms, line_start, line_end, page_kind, speaker }) {
  const unit = page_kind ?? "line";
  const parts = [line_start === line_end ? `${unit} ${line_start}` : `${unit}s ${line_start}–${line_end}`];
  if (start_ms !== null && start_ms !== undefined) {
    parts.unshift(end_ms === null || end_ms === undefined ? clock(start_ms) : `${clock(start_ms)}–${clock(end_ms)}`);
  }
  if (speaker) parts.unshift(speaker);
  return parts.join(" · ");
}

/** The address that opens a citation's words. */
export function addressOf({ lecture_id, char_start, char_end }) {
  return lectureAddress(lecture_id, { start: char_start, end: char_end });
}

/** "Docker on AWS, lines 9–11". */
export function where(citation) {
  return `${citation.title}, ${place(citation)}`;
}

/** The words, who says them where, and the address that opens them. */
export function withCitation(citation) {
  const course = citation.course ? ` (${citation.course})` : "";
  return `“${citation.quote}” — ${citation.title}${course}, ${place(citation)}. ${addressOf(citation)}`;
}
