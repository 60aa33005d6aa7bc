// The page of one lecture.

import { address, lectureOf, rangeOf } from "./address.js";
import { Reader } from "./reader.js";

const shown = location.pathname;
const { lectureId, range } = lectureOf(location.href);

const reader = new Reader(document.querySelector("#reader"), {
  onAsk(about) {
    const asking = address("");
    asking.searchParams.set("lecture", about.lectureId);
    if (about.quote) asking.searchParams.set("about", `${about.start}-${about.end}`);
    location.assign(asking);
  },
});

document.querySelector("#ask-link").href = address(`?lecture=${encodeURIComponent(lectureId)}`);
await reader.open(lectureId, range, { focus: Boolean(range) });
if (reader.transcript) document.title = reader.transcript.item.title;

addEventListener("hashchange", () => reader.open(lectureId, rangeOf(location.hash)));
// The conversation shows a lecture under this same address; going back after a reload leads to it.
addEventListener("popstate", () => location.pathname !== shown && location.reload());
