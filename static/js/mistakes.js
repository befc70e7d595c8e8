// What people choose in place of a recording: a picture, a document, an archive. By its first bytes, as the server
// tells it too (s2s/audio/mistakes.py); the page brings its list.

export const HEAD_BYTES = 4096;
const LEAST_TEXT_BYTES = 16; // less may be the first word of anything

const bytesOf = (hex) => hex.match(/../g).map((pair) => parseInt(pair, 16));
const stands = (head, [place, hex]) => bytesOf(hex).every((byte, index) => head[place + index] === byte);

// UTF-8 that people read (the last character may be cut), or UTF-16 that says so.
function isText(head) {
  if (head.length < LEAST_TEXT_BYTES) return false;
  const mark = head[0] * 256 + head[1];
  const encoding = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }[mark] ?? "utf-8";
  try {
    return !/[\0-\x08\x0b\x0e-\x1f]/.test(new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true }));
  } catch {
    return false;
  }
}

// The name of what these first bytes (Uint8Array) are, or "".
export function mistaken(head, { marks, foreign }) {
  const found = (kinds) => Object.entries(kinds).find(([, ways]) => ways.some((way) => way.every((mark) => stands(head, mark))))?.[0];
  return found(marks) ?? (isText(head) ? "text" : found(foreign)) ?? "";
}
