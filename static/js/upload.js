// Sends the Studio's recordings in the background, each in a request of its own and two at once: what goes wrong with
// one stands at that one, and doesn't stop the others.

import { percent, spoken } from "./amounts.js";
import { complain, focusFirst, problemOf, takeErrors, wrong } from "./answers.js";
import { forget, mark } from "./keeping.js";
import { within } from "./patience.js";
import { isTooLong } from "./portions.js";
import { change, changes, entries, remove } from "./recordings.js";
import { Pace, send } from "./transfer.js";
import { counted, word } from "./words.js";

const AT_ONCE = 2;
const MOMENT_MS = 1000; // what a reload would say, and what a file's first bytes say, is worth a moment and no more
const form = document.querySelector("#studio");

if (form) {
  const sending = form.querySelector("#sending");
  const status = sending.querySelector("[role=status]");
  const before = form.querySelector(".before");
  const queued = { state: "queued", problem: "", loaded: 0, part: 0 };
  let run = null;
  let batched = false; // what follows belongs to those that were accepted before
  let accepted = 0;
  let leadsTo = null;
  let signedOut = false; // until it is known that the same person is signed in again

  const isAudition = (submitter) => submitter?.value === "audition";
  const isForParts = (submitter) => submitter?.value === "parts";
  const takesOne = (submitter) => isAudition(submitter) || isForParts(submitter);
  const warn = (event) => event.preventDefault(); // leaving now would lose the upload

  // What is on its way can't be changed any more; but what is in the list can be stopped.
  function freeze(frozen) {
    for (const part of form.querySelectorAll("section:not(#recording), #recording [data-freezes]")) part.inert = frozen;
  }

  function bodyOf(entry) {
    const body = new FormData(form, entry.submitter);
    body.delete("audio");
    if (!entry.take) body.delete("take");
    if (entry.once) body.set("once", entry.once); // sent again, it isn't made again
    if (entry.place) body.set("place", entry.place);
    if (batched && form.dataset.batch) body.set("batch", form.dataset.batch);
    if (entry.file) {
      body.set("last", "audio"); // nothing comes after it: the server needn't look for its end (forms/formdata.py)
      body.append("audio", entry.file);
    }
    return body;
  }

  function tellAll() {
    const all = [...run.all];
    const loaded = all.reduce((sum, entry) => sum + (entry.loaded ?? 0), 0);
    const total = all.reduce((sum, entry) => sum + (entry.total ?? entry.size ?? 0), 0) || 1;
    sending.querySelector("progress").value = loaded / total;
    sending.querySelector(".percent").textContent = percent(Math.min(1, loaded / total));
    sending.querySelector(".pace").textContent = run.pace.of(loaded, total);
  }

  const noLonger = (work) => within(MOMENT_MS, work).catch(() => {}); // who did the work has said what there is to say

  async function launch(entry) {
    const pace = new Pace();
    const early = { stop: () => (early.stopped = true) };
    run.active.set(entry, early);
    change(entry, { state: "sending", part: 0 });
    await noLonger(mark(entry, "sending"));
    if (early.stopped) return answered(entry, { stopped: true });
    const request = send(form.action, bodyOf(entry), (loaded, total, all) => {
      change(entry, { loaded, total, part: loaded / total, pace: pace.of(loaded, total), state: all ? "storing" : "sending" });
      tellAll();
      if (!all) return;
      mark(entry, "arrived");
      if (run.all.size === 1) status.textContent = word("sending.storing");
    });
    run.active.set(entry, request);
    answered(entry, await request.ended);
  }

  const sayAt = (entry, problem) => change(entry, { state: "", problem, loaded: 0 });

  // It is on the shelf before it is said: who reads it and leaves the page at once is told the same when they come back.
  async function refuse(refused, problem, left = "") {
    await noLonger(Promise.all(refused.map((entry) => mark(entry, left))));
    for (const entry of refused) sayAt(entry, problem);
  }

  // No answer came. Where all of it had arrived it may have been accepted: a reload says so too.
  const unanswered = (entry, problem) =>
    entry.state === "storing" ? refuse([entry], word("unsent.unclear"), "arrived") : refuse([entry], problem);

  // Nothing of it was taken, though all of it may have been sent; and nothing is until someone has signed in again.
  function endSession(entry) {
    signedOut = true;
    return refuse([entry, ...run.waiting.splice(0)], word("unsent.signed_out"), "untaken");
  }

  async function accept(entry, address) {
    accepted += 1;
    leadsTo = address;
    if (run.all.size > 1) status.textContent = word("sending.arrived", { n: accepted, all: run.all.size });
    await noLonger(forget(entry));
    change(entry, { state: "accepted", recorded: false });
  }

  async function answered(entry, { status: code, address, page, lost, stopped }) {
    if (stopped || lost) await unanswered(entry, stopped ? word("unsent.stopped") : word("unsent.lost"));
    else if (address.pathname === sending.dataset.signIn) await endSession(entry);
    else if (code < 300 && address.pathname !== form.getAttribute("action")) await accept(entry, address);
    else {
      const problem = page.querySelector("#problem") ? problemOf(page) : word("unsent.refused");
      const fields = takeErrors(page, { withFile: false });
      const others = fields ? run.waiting.splice(0) : []; // it is wrong for all of them
      await refuse([entry], problem || (fields ? word("unsent.first") : word("unsent.refused")));
      for (const other of others) sayAt(other, word("unsent.first"));
    }
    run.active.delete(entry);
    goOn();
  }

  function goOn() {
    for (const entry of run.waiting.splice(0, AT_ONCE - run.active.size)) launch(entry);
    if (!run.active.size) finish();
  }

  function leave(address) {
    removeEventListener("beforeunload", warn);
    location.assign(address);
  }

  function finish() {
    const tookOne = [...run.all].every(({ submitter }) => takesOne(submitter));
    run = null;
    if (leadsTo && (tookOne || !entries.some(({ problem }) => problem))) return leave(leadsTo);
    for (const entry of entries.filter(({ state }) => state === "accepted")) remove(entry);
    freeze(false);
    before.hidden = false;
    sending.hidden = true;
    removeEventListener("beforeunload", warn);
    if (signedOut) return askToSignIn();
    if (!accepted) return focusFirst();
    const link = document.createElement("a");
    link.href = leadsTo;
    link.textContent = word("sending.see");
    complain(`${counted("sending.accepted", accepted)} ${word("sending.rest")}`, link);
  }

  // In another tab, so that this page with all that was chosen stays as it is.
  function askToSignIn() {
    const link = document.createElement("a");
    Object.assign(link, { href: sending.dataset.signInAgain, target: "_blank", textContent: word("sending.sign_in") });
    const words = [...(accepted ? [counted("sending.accepted", accepted)] : []), word("sending.signed_out")];
    complain(words.join(" "), link);
  }

  // The Studio as the server would show it now; null for who is signed out.
  async function pageNow() {
    const answer = await fetch(form.action, { redirect: "manual" }).catch(() => null);
    return answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  }

  // Whether it goes on: who has signed in meanwhile is the same person. Forms need the token of the new session.
  async function backAgain() {
    const page = await pageNow();
    if (!page) return false;
    if (page.body.dataset.user !== document.body.dataset.user) return false;
    const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    signedOut = false;
    return true;
  }

  async function takeUpAgain() {
    if (!signedOut || run || document.hidden || !(await backAgain()) || run) return;
    const left = entries.filter(({ problem }) => problem === word("unsent.signed_out"));
    document.querySelector("#problem").replaceChildren();
    if (left.length && (await mayBegin(left, left[0].submitter))) begin(left, left[0].submitter);
  }

  // `submitter`: the button that was pressed. Each keeps its own, so that sending it again asks for no more than before.
  function begin(chosen, submitter) {
    run = { all: new Set(chosen), waiting: [...chosen], active: new Map(), pace: new Pace() };
    for (const entry of chosen) change(entry, { ...queued, submitter, note: "" });
    freeze(true);
    before.hidden = true;
    sending.hidden = false;
    sending.classList.toggle("several", chosen.length > 1);
    status.textContent = counted("sending.sending", chosen.length);
    if (entries.length > 1 && isAudition(submitter)) status.textContent = word("sending.trying", chosen[0]);
    if (entries.length > 1 && isForParts(submitter)) status.textContent = word("sending.for_parts", chosen[0]);
    sending.querySelector("button").focus();
    if (chosen.length > 1) form.querySelector("#files").scrollIntoView({ block: "nearest" });
    addEventListener("beforeunload", warn);
    tellAll();
    goOn();
  }

  // An audition takes one, and so does the page of parts: the first. The others stay where they are.
  function chosenFor(submitter) {
    const sendable = entries.filter(({ never }) => !never);
    return takesOne(submitter) ? sendable.slice(0, 1) : sendable;
  }

  function refuseTooLong(chosen, voice, most) {
    const tooLong = chosen.find((entry) => isTooLong(entry, voice));
    if (!tooLong) return;
    const values = { name: tooLong.name, endpoint: voice.dataset.madeBy, length: spoken(Number(voice.dataset.longest)), most };
    wrong("voice", word("unsent.too_many_pieces", values));
  }

  // What can be known here is said before anything is sent. A quota may have been raised since the page was opened.
  async function mayBegin(chosen, submitter) {
    const { dataset } = sending;
    if (dataset.over) dataset.over = (await pageNow())?.querySelector("#sending")?.dataset.over ?? dataset.over;
    if (run) return false;
    const { over, most, mostPieces } = dataset;
    document.querySelector("#problem").replaceChildren();
    takeErrors(null, { withFile: true });
    const voices = [...form.querySelectorAll("[name=voice]:checked")];
    if (over) complain(over);
    else if (!entries.length) wrong("audio", word("unsent.no_recording"));
    if (isForParts(submitter)) return settle(over);
    if (!voices.length) wrong("voice", word("sentence.no_voice"));
    else if (chosen.length * voices.length > Number(most)) wrong("voice", word("unsent.too_many", { most }));
    else if (!isAudition(submitter)) for (const voice of voices) refuseTooLong(chosen, voice, mostPieces);
    return settle(over);
  }

  // Whether nothing was found that is wrong.
  function settle(over) {
    if (!over && !form.querySelector(".errors:not(:empty)")) return true;
    if (!over) focusFirst();
    return false;
  }

  form.addEventListener("submit", async (event) => {
    const { submitter } = event;
    if (event.defaultPrevented) return; // recorder.js has something to say first
    if (submitter?.hasAttribute("formaction")) return; // what it sends goes elsewhere
    event.preventDefault();
    if (run) return;
    if (signedOut && !(await backAgain())) return askToSignIn();
    await noLonger(Promise.all(entries.map(({ looked }) => looked)));
    const chosen = chosenFor(submitter);
    if (!(await mayBegin(chosen, submitter))) return;
    const several = entries.length > 1 || form.querySelectorAll("[name=voice]:checked").length > 1;
    batched ||= several && !takesOne(submitter);
    if (chosen.length) begin(chosen, submitter);
    else focusFirst(); // at each of them stands why
  });

  changes.addEventListener("stop", ({ detail: entry }) => {
    const place = run.waiting.indexOf(entry);
    if (place < 0) return run.active.get(entry)?.stop();
    run.waiting.splice(place, 1);
    sayAt(entry, word("unsent.stopped"));
  });
  changes.addEventListener("again", async ({ detail: entry }) => {
    if (signedOut && !(await backAgain())) return askToSignIn();
    if (!run) {
      if (await mayBegin([entry], entry.submitter)) begin([entry], entry.submitter);
      return;
    }
    run.all.add(entry);
    run.waiting.push(entry);
    change(entry, queued);
    goOn();
  });
  sending.querySelector("button").addEventListener("click", () => {
    for (const entry of run.waiting.splice(0)) sayAt(entry, word("unsent.stopped"));
    for (const request of run.active.values()) request.stop();
  });
  for (const [target, what] of [[window, "focus"], [document, "visibilitychange"]]) target.addEventListener(what, takeUpAgain);
  addEventListener("pageshow", (event) => event.persisted && location.reload()); // what was sent is history
}
