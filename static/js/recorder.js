// The Record button and what it opens: record, pause, stop, listen, and use it or record again.

import { focusUndo } from "./aside.js";
import { clock } from "./amounts.js";
import { mayKeep, storing, trying } from "./keeping.js";
import { Judge, Meter, measure } from "./level.js";
import * as microphone from "./microphone.js";
import { oneStop } from "./one-stop.js";
import { onLength } from "./player-length.js";
import { add, made, setAside } from "./recordings.js";
import * as shelf from "./shelf.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");

if (form) {
  const panel = form.querySelector("#recorder");
  const button = form.querySelector("#record");
  const title = panel.querySelector("#recorder-title");
  const status = form.querySelector("#recording-status");
  const warning = panel.querySelector(".level");
  const problem = form.querySelector("#microphone-problem");
  const player = panel.querySelector("audio");
  const meter = new Meter(panel.querySelector("canvas"));
  let take = null; // { recording, judge, id, name, kept, file, close }
  let state = "";
  let wake = null;

  function go(next) {
    state = next;
    panel.hidden = !next;
    panel.dataset.state = next;
    form.querySelector(".drop").hidden = Boolean(next);
    for (const part of panel.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(next);
    const words = next ? word(`recorder.${next}`) : "";
    title.textContent = words;
    status.textContent = words;
  }

  function warn(what) {
    const words = what ? word(`level.${what}`) : "";
    if (warning.textContent === words) return; // said once, not each moment
    warning.textContent = words;
    warning.hidden = !words;
  }

  function fail(what) {
    go("");
    problem.hidden = false;
    problem.textContent = word(`microphone.${what}`);
    button.focus();
  }

  // "2026-11-25 15.40": no sign that a file's name can't have
  function now() {
    const local = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
    return `${local.slice(0, 10)} ${local.slice(11, 19).replaceAll(":", ".")}`;
  }

  async function record() {
    problem.hidden = true;
    giveUp();
    go("asking");
    panel.querySelector("[data-when~=asking]").focus();
    let stream;
    try {
      stream = await microphone.open();
    } catch (error) {
      console.info("no microphone:", error);
      if (state === "asking") fail(microphone.reason(error));
      return;
    }
    if (state !== "asking") return stream.getTracks().forEach((track) => track.stop()); // given up meanwhile
    begin(stream);
  }

  function begin(stream) {
    const mine = { id: crypto.randomUUID(), judge: new Judge(), kept: false };
    const recording = new microphone.Take(stream, { piece: (blob, number) => keep(mine, blob, number), ended: () => end(mine) });
    mine.recording = recording;
    mine.name = `${word("recording.name", { time: now() })}.${recording.extension}`;
    mine.close = measure(stream, (moment) => hear(mine, moment));
    take = mine;
    warn("");
    panel.querySelector(".elapsed").textContent = clock(0); // not that of the one before
    go("recording");
    meter.clear();
    navigator.wakeLock?.request("screen").then((lock) => (wake = lock), () => {}); // a phone that sleeps stops recording
    panel.querySelector(".stop").focus();
  }

  // The first piece brings the row, so that there is never one without sound.
  function keep(mine, blob, number) {
    mine.turn = (mine.turn ?? Promise.resolve()).then(async () => {
      if (number && !mine.kept) return;
      if (!mayKeep()) return drop(mine);
      const row = { id: mine.id, name: mine.name, type: mine.recording.type, recorded: true, running: true };
      const before = mine.kept;
      mine.kept = await storing(() => (number ? shelf.keepPiece(mine.id, number, blob) : shelf.keep(row, blob)));
      if (before && !mine.kept) await trying(() => shelf.forget(mine.id)); // half of it is no recording
    });
  }

  // While it is paused or listened to no piece comes, and still it may have to go.
  function follow(mine) {
    mine.turn = (mine.turn ?? Promise.resolve()).then(() => mayKeep() || drop(mine));
  }

  async function drop(mine) {
    if (mine.kept) await trying(() => shelf.forget(mine.id));
    mine.kept = false;
  }

  function hear(mine, moment) {
    if (mine !== take || state !== "recording") return;
    mine.judge.hear(moment);
    meter.show(moment);
    warn(mine.judge.now);
    const { seconds } = mine.recording;
    panel.querySelector(".elapsed").textContent = clock(Math.floor(seconds));
    if (seconds >= Number(panel.dataset.limit)) mine.recording.stop();
  }

  function end(mine) {
    mine.close();
    wake?.release();
    wake = null;
    mine.file = mine.recording.file(mine.name);
    if (mine !== take) return layAside(mine);
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(mine.file);
    const at = document.activeElement;
    go("review");
    warn(mine.judge.whole);
    // Who is at Discard already, or elsewhere on the page, stays there.
    if (at === document.body || at.closest("[hidden]")) panel.querySelector(".use").focus();
  }

  // What is given up can be had back, as if it had been used and removed then.
  function giveUp() {
    const old = take;
    take = null;
    if (old?.file) layAside(old);
    else old?.recording.stop(); // and `end` goes on
  }

  function layAside(mine) {
    if (mine.file.size) list(mine, (file, facts) => setAside(made(file, facts)));
    if (document.activeElement === button || document.activeElement === document.body) focusUndo();
  }

  function list(mine, put) {
    follow(mine);
    const { id, file, recording, turn } = mine;
    const kept = mine.kept && mayKeep();
    const entry = put(file, { id, recorded: true, seconds: recording.seconds, turn, kept });
    turn.then(() => (entry.kept &&= mine.kept)); // its last second may have had no room
    if (kept) trying(() => shelf.mark(id, { running: false }));
  }

  function use() {
    const mine = take;
    take = null;
    go("");
    list(mine, add);
    form.querySelector("#files > :last-child").focus(); // not at what destroys it
  }

  const acts = {
    pause: () => (take.recording.pause(), go("paused"), panel.querySelector(".resume").focus()),
    resume: () => (take.recording.resume(), go("recording"), panel.querySelector(".pause").focus()),
    stop: () => take.recording.stop(),
    use,
    anew: record,
    discard: () => (go(""), button.focus(), giveUp()),
  };

  oneStop(panel.querySelector(".play"), player);
  onLength(player, () => {});
  const why = microphone.obstacle();
  if (why) {
    problem.hidden = false;
    problem.classList.remove("bad");
    problem.textContent = word(`microphone.${why}`);
  } else {
    button.hidden = false;
  }
  button.addEventListener("click", record);
  for (const [name, act] of Object.entries(acts)) panel.querySelector(`.${name}`).addEventListener("click", act);
  // Another voice may move the box, once those who look after it have heard of it.
  form.addEventListener("change", () => setTimeout(() => take && follow(take)));
  form.addEventListener("submit", (event) => {
    if (state === "review") use(); // it is what they want to convert
    if (state === "asking") acts.discard();
    if (!take) return;
    event.preventDefault(); // they hear it first
    take.recording.stop();
  });
  addEventListener("beforeunload", (event) => {
    if (take && !take.kept) event.preventDefault(); // nobody has it but this page
  });
}
