// What is marked on the page of parts outlives a reload: it is kept in this browser (marks.js), and had back from there.

import { forgetMarks, keepMarks, marksOf } from "./marks.js";
import { word } from "./words.js";

const OF_THE_PAGE = ["csrfmiddlewaretoken", "once"];

// `bringBack(fields)` fills the form in. Returns what keeps it as it is now.
export function keeping(form, bringBack) {
  const { pathname, search } = location;
  const said = document.querySelector("#kept-words");
  const [undo, anew] = ["#kept-back", "#kept-away"].map((name) => document.querySelector(name));
  const mayKeep = "keeps" in form.dataset; // nothing of what is to leave no trace
  const wasSent = "wasSent" in form.dataset; // and came back: what is marked stands there
  const asksForFound = new URLSearchParams(search).has("speakers");

  function fieldsNow() {
    const fields = new URLSearchParams(new FormData(form));
    for (const name of OF_THE_PAGE) fields.delete(name);
    return fields.toString();
  }

  function keep({ sent = false } = {}) {
    const isKept = mayKeep && keepMarks(pathname, fieldsNow(), sent);
    const words = document.querySelector("#marks-kept");
    if (isKept && words) words.textContent = word("parts.kept");
  }

  function say(words, button) {
    said.textContent = words;
    for (const each of [undo, anew]) each.hidden = each !== button;
  }

  // A page that was asked for anew shows what was marked before; one that is to show what was found offers it.
  async function begin() {
    const kept = marksOf(pathname);
    if (asksForFound) history.replaceState(null, "", pathname); // a reload shows what is marked by then
    const isOver = kept?.sent && !("unordered" in form.dataset); // it has become a take
    const isOther = kept && !isOver && !wasSent && kept.fields !== fieldsNow();
    if (!isOther || asksForFound) keep();
    if (!isOther) return;
    if (asksForFound) return say(word("parts.replaced"), undo);
    await bringBack(kept.fields);
    say(word("parts.back"), anew);
  }

  async function takeBack(fields) {
    await bringBack(fields);
    say(word("parts.back"), null);
    said.focus();
  }

  const before = marksOf(pathname);
  undo.addEventListener("click", () => takeBack(before.fields));
  anew.addEventListener("click", () => {
    forgetMarks(pathname);
    location.assign(pathname);
  });
  form.addEventListener("submit", ({ submitter }) => submitter?.value === "convert" && keep({ sent: true }));
  begin();
  return keep;
}
