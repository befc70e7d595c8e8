// What a file's own bytes say before it is sent: empty, cut off, without what is needed to read it, no recording, or
// silent. A few kilobytes are read, and of a short one all; whether this browser can play it says nothing.

import { HEAD_BYTES, mistaken } from "./mistakes.js";
import { isSilent } from "./silence.js";

const bytesOf = async (file, from, length) => new DataView(await file.slice(from, from + length).arrayBuffer());
const letters = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(at + place)));
const MOST_PARTS = 200; // of a file; more is none that a recorder writes before its sound

// A length that was never filled in, by whom streams: the sound goes on until the end of the file (s2s/audio/promises.py).
const isUnknown = (length) => !length || length >= 0xffffff00 || [0x80000000, 0x7f000000].some((none) => Math.abs(length - none) <= 0x10000);

// Microsoft, Multimedia Programming Interface and Data Specifications 1.0: RIFF.
async function wav(file) {
  for (let at = 12, part = 0; at + 8 <= file.size && part < MOST_PARTS; part += 1) {
    const head = await bytesOf(file, at, 8);
    const length = head.getUint32(4, true);
    if (letters(head, 0) === "data") {
      const there = file.size - at - 8;
      if (!there) return "empty";
      return !isUnknown(length) && there < 0.99 * length ? "cut" : "";
    }
    at += 8 + length + (length % 2);
  }
  return "";
}

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
    if (length < 8 || name === "moof") return "";
    at += length;
    if (name === "moov" && at <= file.size) index = true;
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
    return (await structure(file, head, known)) || ((await isSilent(file, new Uint8Array(head.buffer), known.silence)) ? "silent" : "");
  } catch (error) {
    console.info("not inspected:", error); // gone from the disk, say: sending it will tell
    return "";
  }
}

async function structure(file, head, known) {
  const mistake = mistaken(new Uint8Array(head.buffer), known);
  if (mistake) return mistake;
  if (letters(head, 0) === "RIFF" && letters(head, 8) === "WAVE") return wav(file);
  return known.mp4.includes(letters(head, 4)) ? mp4(file) : "";
}
