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

/** "12:03–12:20 · lines 9–11": times where there are any, and the lines of the source. */
export function place({ start_ms, end_ms, line_start, line_end }) {
  const lines = line_start === line_end ? `line ${line_start}` : `lines ${line_start}–${line_end}`;
  if (start_ms === null || start_ms === undefined) return lines;
  const end = end_ms === null || end_ms === undefined ? "" : `–${clock(end_ms)}`;
  return `${clock(start_ms)}${end} · ${lines}`;
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
