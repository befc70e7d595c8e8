// What a file's own bytes say before it is sent: empty, cut off, without what is needed to read it, no recording, or
// silent. A few kilobytes are read, and of a short one all; whether this browser can play it says nothing.

import { HEAD_BYTES, mistaken } from "./mistakes.js";
import { bytesOf, letters, MOST_PARTS, promised } from "./promises.js";
import { heard } from "./silence.js";

// ISO/IEC 14496-12: boxes. Without `moov`, the index, nobody can tell where the sound lies; it may be at either end.
async function mp4(file) {
  let index = false;
  let at = 0;
  for (let part = 0; at + 8 <= file.size; part += 1) {
    if (part === MOST_PARTS) return "";
    const head = await bytesOf(file, at, 16);
    const name = letters(head, 4);
    let length = head.getUint32(0);
    if (length === 1 && head.byteLength === 16) length = Number(head.getBigUint64(8));
    if (!length) return index || name === "moov" ? "" : "unfinished"; // until the end of the file
    if (length < 8) return "";
    at += length;
    if (["moov", "moof"].includes(name) && at <= file.size) index = true; // of all of it, or of what follows
    else if (at > file.size) return !index ? "index_missing" : name === "mdat" ? "cut" : "";
  }
  if (index) return "";
  return at === file.size ? "unfinished" : "index_missing";
}

// "" for all that is well or unknown; "empty", "cut" (what is there can be read), "index_missing" and "unfinished" (nothing can),
// "silent", or what it is instead of a recording. `known` is the page's: the marks of such things, and how loud silence is.
export async function inspect(file, known) {
  if (!file.size) return "empty";
  if (file.size < 16) return "";
  try {
    const head = await bytesOf(file, 0, HEAD_BYTES);
    return (await structure(file, head, known)) || (await heard(file, new Uint8Array(head.buffer), known.silence));
  } catch (error) {
    console.info("not inspected:", error); // gone from the disk, say: sending it will tell
    return "";
  }
}

async function structure(file, head, known) {
  const mistake = mistaken(new Uint8Array(head.buffer), known);
  if (mistake) return mistake;
  return known.mp4.includes(letters(head, 4)) ? mp4(file) : promised(file, head);
}
