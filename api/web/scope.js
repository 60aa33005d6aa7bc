// Where to look: everything, a course, or one lecture. Chosen in one select, which every keyboard,
// screen reader and telephone knows how to work.

import { element } from "./dom.js";

export const EVERYWHERE = { course: null, lecture: null };

export class Scope {
  constructor(select) {
    this.select = select;
    this.lectures = [];
  }

  /** Offer these lectures, keeping what is chosen where it is still there. */
  fill(lectures) {
    const chosen = this.select.value;
    this.lectures = lectures;
    const groups = Map.groupBy(lectures, ({ course }) => course ?? "");
    const courses = [...groups.keys()].filter(Boolean).sort((a, b) => a.localeCompare(b));
    this.select.replaceChildren(
      element("option", { value: "" }, "All lectures"),
      ...[...courses, ""].filter((course) => groups.has(course)).map((course) =>
        element("optgroup", { label: course ? `Course ${course}` : "Without a course" },
          course ? element("option", { value: `course:${course}` }, `All of ${course}`) : null,
          groups.get(course).map(({ lecture_id, title }) => element("option", { value: `lecture:${lecture_id}` }, title)))),
    );
    this.select.value = chosen;
    if (this.select.selectedIndex < 0) this.select.value = "";
  }

  get value() {
    const [, kind, name] = /^(course|lecture):(.*)$/s.exec(this.select.value) ?? [];
    return { ...EVERYWHERE, ...(kind && { [kind]: name }) };
  }

  set value({ course, lecture }) {
    const wanted = lecture ? `lecture:${lecture}` : course ? `course:${course}` : "";
    this.select.value = wanted;
    if (this.select.selectedIndex < 0) this.select.value = "";
  }

  /** The lectures that are looked in. */
  get within() {
    const { course, lecture } = this.value;
    return this.lectures.filter((one) => (!course || one.course === course) && (!lecture || one.lecture_id === lecture));
  }

  languageOf(lectureId) {
    return this.lectures.find((one) => one.lecture_id === lectureId)?.language ?? null;
  }
}
