// Addresses. The page works under any prefix a proxy puts before it: everything is found from where
// this module was loaded, PREFIX/web/VERSION/address.js.

export const ROOT = new URL("../../", import.meta.url);

/** The address of a path of the service, such as "v1/ask". */
export function address(path) {
  return new URL(path, ROOT);
}

/** Where a lecture is read; `range` is {start, end} in characters of its transcript, or null. */
export function lectureAddress(lectureId, range = null) {
  const found = address(`lectures/${encodeURIComponent(lectureId)}`);
  if (range) found.hash = `c${range.start}-${range.end}`;
  return found;
}

/** What an address of the page shows: {lectureId, range}, or null where it is no lecture's. */
export function lectureOf(url) {
  const { pathname, hash } = new URL(url);
  const prefix = `${ROOT.pathname}lectures/`;
  if (!pathname.startsWith(prefix)) return null;
  return { lectureId: decoded(pathname.slice(prefix.length)), range: rangeOf(hash) };
}

/** What is no percent-encoding is taken as it is written: no lecture has that id, and the reader says so. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** "#c118-221" as {start: 118, end: 221}; null for any other fragment. */
export function rangeOf(hash) {
  const found = /^#c(\d+)-(\d+)$/.exec(hash);
  const range = found && { start: Number(found[1]), end: Number(found[2]) };
  return range && range.start < range.end ? range : null;
}
