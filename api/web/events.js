// A stream of server-sent events, as the HTML standard words it, read from a fetched body.

/** Yields {event, data} for every event; `data` is parsed JSON. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  let event = "message";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffered += value;
      // A carriage return at the very end may be half of a line end: it waits for what follows.
      const lines = buffered.split(/\r\n|\n|\r(?!$)/);
      buffered = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield { event, data: JSON.parse(data.join("\n")) };
          event = "message";
          data = [];
          continue;
        }
        const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (field === "event") event = content;
        else if (field === "data") data.push(content);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // the one who stopped reading knows why
  }
}
