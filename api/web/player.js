// Where a recording plays. Nothing of another site is loaded before the learner asks for it.

const FILE = /\.(?:mp4|m4v|webm|ogv|mp3|m4a|ogg|oga|opus|wav)$/i;

/** How to play a lecture's `url`: {kind, at(seconds)}, kind being "frame", "file" or "link"; null without one. */
export function playerOf(template) {
  if (!template) return null;
  const filled = (seconds) => template.replaceAll("{seconds}", String(seconds));
  let url;
  try {
    url = new URL(filled(0));
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  const youtube = youtubeId(url);
  if (youtube) {
    return {
      kind: "frame",
      at: (s) => `https://www.youtube-nocookie.com/embed/${youtube}?autoplay=1&rel=0&start=${s}`,
    };
  }
  const vimeo = /^(?:www\.|player\.)?vimeo\.com$/.test(url.hostname) && /\/(\d+)(?:\/|$)/.exec(url.pathname);
  if (vimeo) return { kind: "frame", at: (s) => `https://player.vimeo.com/video/${vimeo[1]}?autoplay=1#t=${s}s` };
  if (url.protocol === "https:" && FILE.test(url.pathname)) return { kind: "file", at: filled };
  return { kind: "link", at: filled };
}

function youtubeId(url) {
  const host = url.hostname.replace(/^(?:www|m)\./, "");
  let id = null;
  if (host === "youtu.be") id = url.pathname.slice(1);
  else if (host === "youtube.com" || host === "youtube-nocookie.com") {
    id = url.searchParams.get("v") ?? /^\/(?:embed|live|shorts)\/([^/]+)/.exec(url.pathname)?.[1];
  }
  return id && /^[\w-]{6,20}$/.test(id) ? id : null;
}
