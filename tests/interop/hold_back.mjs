// SDKs stop reading at `data: [DONE]`. It is let through only once the answer has proved complete,
// so that a cut stream never looks finished.

const DONE = "data: [DONE]";

/** A transform of an event stream that keeps [DONE], and what follows it, until the stream ends. */
export function holdBackDone() {
  let held = "";
  let isLineStart = true;
  // Latin-1 keeps every byte as one character, so a cut within a character does no harm.
  const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  return new TransformStream({
    transform(chunk, controller) {
      held += Array.from(chunk, (byte) => String.fromCharCode(byte)).join("");
      const free = held.slice(0, startOfDone(held, isLineStart));
      held = held.slice(free.length);
      if (!free) return;
      isLineStart = free.endsWith("\n");
      controller.enqueue(bytes(free));
    },
    flush(controller) {
      if (held) controller.enqueue(bytes(held));
    },
  });
}

/** Where [DONE] begins, or may begin: only at the start of a line. */
function startOfDone(text, isLineStart) {
  if (isLineStart && text.startsWith(DONE)) return 0;
  const whole = text.indexOf(`\n${DONE}`);
  if (whole >= 0) return whole + 1;
  const lastLine = text.lastIndexOf("\n") + 1;
  const mayBegin = (lastLine || isLineStart) && DONE.startsWith(text.slice(lastLine));
  return mayBegin ? lastLine : text.length;
}
