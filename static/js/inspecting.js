// What a file's own bytes say before it is sent: empty, cut off, without what is needed to read it, no recording, or
// silent. A few kilobytes are read, and of a short one all; whether this browser can play it says nothing.

import { HEAD_BYTES, mistaken } from "./mistakes.js";
import { isSilent } from "./silence.js";

const bytesOf = async (file, from, length) => new DataView(await file.slice(from, from + length).arrayBuffer());
const word = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(at + place)));
const MOST_PARTS = 200; // of a file; more is none that a recorder writes before its sound

// Microsoft, Multimedia Programming Interface and Data Specifications 1.0: RIFF. A length of 0 or all ones is one that
// was never filled in: the sound goes on until the end of the file.
async function wav(file) {
  for (let at = 12, part = 0; at + 8 <= file.size && part < MOST_PARTS; part += 1) {
    const head = await bytesOf(file, at, 8);
    const length = head.getUint32(4, true);
    if (word(head, 0) === "data") {
      const there = file.size - at - 8;
      if (!there) return "empty";
      return length && length < 0xffffff00 && length > there + 1 ? "cut" : "";
    }
    at += 8 + length + (length % 2);
  }
  return "";
}

// ISO/IEC 14496-12: boxes. Without `moov`, the index, nobody can tell where the sound lies.
async function mp4(file) {
  for (let at = 0, part = 0; part < MOST_PARTS; part += 1) {
    if (at + 8 > file.size) return "unfinished";
    const head = await bytesOf(file, at, 16);
    let length = head.getUint32(0);
    if (["moov", "moof"].includes(word(head, 4))) return at + length > file.size ? "unfinished" : "";
    if (length === 1 && head.byteLength === 16) length = Number(head.getBigUint64(8));
    if (length < 8) return length ? "" : "unfinished"; // 0: until the end of the file
    at += length;
  }
  return "";
}

// "" for all that is well or unknown; "empty", "cut" (what is there can be read), "unfinished" (nothing can), "silent", or
// what it is instead of a recording. `known` is the page's: the marks of such things, and how loud silence is.
export async function inspect(file, known) {
  if (!file.size) return "empty";
  if (file.size < 16) return "";
  try {
    const head = await bytesOf(file, 0, HEAD_BYTES);
    return (await structure(file, head, known)) || ((await isSilent(file, new Uint8Array(head.buffer), known.silence)) ? "silent" : "");
  } catch (error) {
    console.info("not inspected:", error); // gone from the disk, say: sending it will tell
    return "";
  }
}

async function structure(file, head, { marks }) {
  const mistake = mistaken(new Uint8Array(head.buffer), marks);
  if (mistake) return mistake;
  if (word(head, 0) === "RIFF" && word(head, 8) === "WAVE") return wav(file);
  return word(head, 4) === "ftyp" ? mp4(file) : "";
}
