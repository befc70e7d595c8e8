// Whether nothing can be heard in a file: decoded here where it is short, by the measure of the server, which decodes
// the others. One after the other, so that no more than one lies in memory. What a FLAC has less than it says shows here.

import { within } from "./patience.js";
import { isShort } from "./promises.js";

// A minute of stereo at 48 kHz takes 46 MB decoded; the file itself lies beside it.
const MOST_SECONDS = 60;
const MOST_BYTES = 20e6;
// Kinds that hold one track of sound. Of a film the server may choose another one than the browser.
const ONE_TRACK = /^(RIFF....WAVE|ID3|fLaC|OggS|....ftypM4A |\xff[\xe2-\xff])/s;
const MOMENT_S = 0.5; // what was decoded may be that much shorter than the file says; else it wasn't all of it

const PATIENCE_MS = 5000;

let before = Promise.resolve();

// As the browser's player reads it; 0 where it can't say.
function lengthOf(file) {
  const player = new Audio();
  const address = URL.createObjectURL(file);
  return new Promise((resolve) => {
    player.addEventListener("loadedmetadata", () => resolve(player.duration));
    player.addEventListener("error", () => resolve(0));
    player.preload = "metadata";
    player.src = address;
  }).finally(() => {
    player.removeAttribute("src");
    URL.revokeObjectURL(address);
  });
}

// Whether the mean power of one of the channels is above `least`: the server mixes so that each is heard.
function isHeard(sound, least) {
  const enough = least * sound.length;
  return Array.from({ length: sound.numberOfChannels }, (_none, number) => sound.getChannelData(number)).some((samples) => {
    let power = 0;
    for (let at = 0; at < samples.length && power <= enough; at += 1) power += samples[at] ** 2;
    return power > enough;
  });
}

async function measured(file, head, silence) {
  const seconds = await within(PATIENCE_MS, lengthOf(file));
  if (!(seconds > 0 && seconds <= MOST_SECONDS)) return "";
  const sound = await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(await file.arrayBuffer());
  if (isShort(head, sound.duration)) return "cut";
  return sound.duration >= seconds - MOMENT_S && !isHeard(sound, 10 ** (silence / 10)) ? "silent" : "";
}

// `head`: its first bytes; `silence` in dBFS, as root mean square. "silent", "cut", or "" for all that is well or isn't known.
export function heard(file, head, silence) {
  if (file.size > MOST_BYTES || !ONE_TRACK.test(String.fromCharCode(...head.subarray(0, 12)))) return "";
  const found = before.then(() => measured(file, head, silence)).catch(() => ""); // another kind than this browser reads
  before = found;
  return found;
}
