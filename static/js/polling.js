// Around htmx's polling of a conversion's state: pauses on hidden tabs, and lets the page follow the state. For who wants
// a notification it goes on slowly. Whoever listens is let listen: the page is loaded anew when nothing plays.

import { keepPlace } from "./arrival.js";

const main = document.querySelector("main");
const announcement = document.querySelector("#announcement");
const SLOWLY_MS = 10_000;
const LEAVING_MS = 10_000;
let words = document.querySelector("#status")?.dataset.words;
let asked = 0;
let left = -Infinity;

// Who sends a form is on the way to another page, which says what became of it: deleted, it can be had back there.
// For a while only: the way there may be given up, or the page come back to.
document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) left = Date.now();
});

function isLeaving() {
  return Date.now() - left < LEAVING_MS;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isLeaving()) return event.preventDefault();
  const wanted = document.querySelector("#notify")?.checked && Date.now() - asked >= SLOWLY_MS;
  if (document.hidden && !wanted) event.preventDefault();
  else asked = Date.now();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  // Signed out meanwhile: the answer came from the sign-in page, which is no fragment.
  const from = new URL(event.detail.xhr.responseURL || location.href);
  if (from.pathname === document.body.dataset.signIn) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

function isPlaying() {
  return [...document.querySelectorAll("audio")].some((player) => !player.paused && !player.ended);
}

document.addEventListener(
  "htmx:beforeOnLoad",
  (event) => {
    const { xhr } = event.detail;
    if (!xhr.getResponseHeader("HX-Refresh") || !isPlaying()) return;
    event.preventDefault(); // it is asked again
    event.stopPropagation();
    document.querySelector("#status .state").textContent = xhr.responseText;
    document.querySelector("#status progress")?.remove();
    if (announcement.textContent !== xhr.responseText) announcement.textContent = xhr.responseText;
  },
  true,
);

document.addEventListener("htmx:responseError", (event) => {
  // Deleted meanwhile, perhaps by someone else: the page itself says so.
  if (event.detail.xhr.status === 404 && !isLeaving()) location.reload();
});

// The page below the state: what is known of the recording, and what happened. Once the recording can be heard, the page
// is loaded anew: its players begin with it.
async function follow() {
  const facts = document.querySelector("#facts");
  const answer = facts && (await fetch(location.href, { redirect: "manual" }).catch(() => null));
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [heard, playing] = [page, document].map((one) => one.querySelectorAll("#compare audio").length);
  const { activeElement: at } = document;
  if (heard > playing && !isPlaying() && (!main.contains(at) || at.tabIndex < 0)) {
    keepPlace();
    return location.reload();
  }
  facts.replaceChildren(...page.querySelector("#facts").childNodes);
  htmx.trigger(facts, "htmx:load");
  for (const name of ["#map-place", "#pieces-place"]) showWhereNothingIs(name, page);
}

function showWhereNothingIs(name, page) {
  const [place, found] = [document, page].map((one) => one.querySelector(name));
  if (!place || place.firstElementChild || !found?.firstElementChild) return;
  place.replaceChildren(...found.childNodes);
  htmx.process(place);
}

document.addEventListener("htmx:afterSettle", () => {
  const status = document.querySelector("#status");
  if (!status) return;
  if (main.dataset.state !== status.dataset.state) follow();
  main.dataset.state = status.dataset.state;
  if (status.dataset.words === words) return; // only the place in the queue changed: nobody needs to hear each one
  words = status.dataset.words;
  announcement.textContent = words;
});
