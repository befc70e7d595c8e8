// How much a file says that it has, where it says so in front: of which less is there, the end is missing. As the server
// reads it (s2s/audio/promises.py). A few bytes of each part are read.

export const bytesOf = async (file, from, length) => new DataView(await file.slice(from, from + length).arrayBuffer());
export const letters = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(at + place)));
export const MOST_PARTS = 200; // of a file; more is none that a recorder writes before its sound
const ENOUGH = 0.99;
const ENOUGH_S = 0.5;

// A length that was never filled in, by whom streams, or by who died before.
function isUnknown(length) {
  if (length >= 2 ** 32) return length >= 0x7fff * 2 ** 48;
  return length >= 0xffffff00 || [0x80000000, 0x7f000000].some((none) => Math.abs(length - none) <= 0x10000);
}

// "cut" or "", of what begins at `start` and says that it has `length` bytes.
function judge(file, start, length) {
  const there = file.size - start;
  return there > 0 && length && !isUnknown(length) && there < ENOUGH * length ? "cut" : "";
}

const long = (view, at, little) => Number(view.getBigUint64(at, little));

const RIFF = { size: 8, length: (head) => head.getUint32(4, true), align: 2 };
const IFF = { size: 8, length: (head) => head.getUint32(4), align: 2 };
const CAF = { size: 12, length: (head) => long(head, 4), align: 1 };
const WAVE64 = { size: 24, length: (head) => Math.max(0, long(head, 16, true) - 24), align: 8 };

async function* chunks(file, kind, at) {
  for (let part = 0; at + kind.size <= file.size && part < MOST_PARTS; part += 1) {
    const head = await bytesOf(file, at, kind.size);
    const [start, length] = [at + kind.size, kind.length(head)];
    yield { name: letters(head, 0), start, length };
    at = start + Math.ceil(length / kind.align) * kind.align;
  }
}

// The sound is in the chunk of this name; of RF64 and BW64 the first one says how long that is (EBU Tech 3306).
async function chunked(file, kind, at, name) {
  let wide = 0;
  for await (const { name: found, start, length } of chunks(file, kind, at)) {
    if (found === "ds64") wide = long(await bytesOf(file, start + 8, 8), 0, true);
    if (found !== name) continue;
    return start === file.size ? "empty" : judge(file, start, wide && length === 0xffffffff ? wide : length);
  }
  return "";
}

// Microsoft, AVI RIFF File Reference, and OpenDML's: RIFF chunks one after the other.
async function avi(file) {
  let last = null;
  for await (const chunk of chunks(file, RIFF, 0)) if (chunk.name === "RIFF") last = chunk;
  return judge(file, last.start, last.length);
}

// Sun: where the sound begins, and how long it is.
const au = (file, head) => judge(file, head.getUint32(4), head.getUint32(8));

// ID3v2: lengths have seven bits a byte.
async function behindTags(file) {
  for (let at = 0, tag = 0; tag < MOST_PARTS; tag += 1) {
    const head = await bytesOf(file, at, 10);
    if (head.byteLength < 10 || !letters(head, 0).startsWith("ID3")) return at;
    at += 10 + [6, 7, 8, 9].reduce((length, place) => length * 128 + (head.getUint8(place) & 0x7f), 0);
  }
  return file.size;
}

// The number of bytes in an MP3's first frame: Xing and Info, whose place goes by version and channels; Fraunhofer's VBRI.
async function mp3(file) {
  const start = await behindTags(file);
  const head = await bytesOf(file, start, 64);
  if (head.byteLength < 64 || (head.getUint16(0) & 0xffe6) !== 0xffe2) return "";
  const [isFirst, isMono] = [(head.getUint8(1) & 0x18) === 0x18, head.getUint8(3) >> 6 === 3];
  const at = isFirst ? (isMono ? 21 : 36) : isMono ? 13 : 21;
  if (["Xing", "Info"].includes(letters(head, at)) && (head.getUint32(at + 4) & 3) === 3) return judge(file, start, head.getUint32(at + 12));
  return letters(head, 36) === "VBRI" ? judge(file, start, head.getUint32(46)) : "";
}

// RFC 8794: a length is as long as its first byte says; all ones are none.
function elementLength(view, at) {
  const size = Math.clz32(view.getUint8(at)) - 23;
  let length = view.getUint8(at) & (0xff >> size);
  for (let place = 1; place < size; place += 1) length = length * 256 + view.getUint8(at + place);
  return { start: at + size, length: length === 2 ** (7 * size) - 1 ? 0 : length };
}

// RFC 9559: the segment behind the head; one that was written live has no length.
function matroska(file, head) {
  const { start: at, length } = elementLength(head, 4);
  const place = at + length;
  if (place + 12 > head.byteLength || head.getUint32(place) !== 0x18538067) return "";
  const segment = elementLength(head, place + 4);
  return judge(file, segment.start, segment.length);
}

// Advanced Systems Format 3.2: File Properties say how long the file is, but of a broadcast.
const PROPERTIES = String.fromCharCode(0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11, 0x8e, 0xe4, 0, 0xc0, 0x0c, 0x20, 0x53, 0x65);
function asf(file, head) {
  const at = String.fromCharCode(...new Uint8Array(head.buffer)).indexOf(PROPERTIES);
  if (at < 0 || at + 92 > head.byteLength || head.getUint32(at + 88, true) & 1) return "";
  return judge(file, 0, long(head, at + 40, true));
}

// "empty", "cut" or "": of the kinds that are told by these first bytes. `head`: DataView.
export async function promised(file, head) {
  const [first, third] = [letters(head, 0), letters(head, 8)];
  if (["RIFF", "RF64", "BW64"].includes(first) && third === "WAVE") return chunked(file, RIFF, 12, "data");
  if (first === "RIFF" && third.startsWith("AVI")) return avi(file);
  if (first === "FORM" && third.startsWith("AIF")) return chunked(file, IFF, 12, "SSND");
  if (first === "caff") return chunked(file, CAF, 8, "data");
  if (first === "riff") return chunked(file, WAVE64, 40, "data");
  if (first === ".snd") return au(file, head);
  if (head.getUint32(0) === 0x1a45dfa3) return matroska(file, head);
  if (head.getUint32(0) === 0x3026b275) return asf(file, head);
  return mp3(file);
}

// FLAC says in front how many seconds it has (RFC 9639, 8.2), or 0: whether these are all of them.
export function isShort(head, seconds) {
  const facts = new DataView(head.buffer, head.byteOffset);
  if (head.length < 26 || letters(facts, 0) !== "fLaC") return false;
  const rate = facts.getUint32(18) >>> 12;
  const samples = (facts.getUint8(21) & 0xf) * 2 ** 32 + facts.getUint32(22);
  const whole = rate ? samples / rate : 0;
  return seconds < Math.min(ENOUGH * whole, whole - ENOUGH_S);
}
