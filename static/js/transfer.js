// One file on its way: a request that tells how far it is, how fast, and how long it will still take.

import { roughly, size } from "./amounts.js";
import { word } from "./words.js";

const WINDOW_MS = 4000; // the speed of the last seconds, not of the whole

export class Pace {
  #moments = [];

  // "1.2 MB/s · 10 sec left"; nothing while it can't be told yet.
  of(loaded, total) {
    const now = performance.now();
    this.#moments = [...this.#moments.filter(([then]) => now - then < WINDOW_MS), [now, loaded]];
    const [then, before] = this.#moments[0];
    const perSecond = ((loaded - before) / (now - then)) * 1000;
    if (now - then < 500 || !(perSecond > 0)) return "";
    return [size(perSecond, "-per-second"), word("sending.left", { time: roughly((total - loaded) / perSecond) })].join(" · ");
  }
}

// Ends with { status, address, page }, or with { lost } or { stopped }. `told` hears how much has arrived, and when all has.
export function send(address, body, told) {
  const request = new XMLHttpRequest();
  const ended = new Promise((resolve) => {
    request.addEventListener("load", () => {
      const came = new URL(request.getResponseHeader("Location") ?? request.responseURL, location.href);
      resolve({ status: request.status, address: came, page: new DOMParser().parseFromString(request.responseText, "text/html") });
    });
    request.addEventListener("error", () => resolve({ lost: true }));
    request.addEventListener("abort", () => resolve({ stopped: true }));
  });
  request.upload.addEventListener("progress", ({ loaded, total }) => told(loaded, total));
  request.upload.addEventListener("load", ({ loaded, total }) => told(loaded, total, true));
  request.open("POST", address);
  request.setRequestHeader("X-Requested-With", "XMLHttpRequest"); // the address of the result is enough
  request.send(body);
  return { ended, stop: () => request.abort() };
}
