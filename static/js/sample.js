// Records what a voice is to be made from, on the page of voices. What is recorded becomes the file of the form, as if it
// had been chosen.

import { clock } from "./amounts.js";
import { Judge, measure } from "./level.js";
import * as microphone from "./microphone.js";
import { onLength } from "./player-length.js";
import { word } from "./words.js";

const form = document.querySelector("#new-voice");

if (form) {
  const [button, stop, elapsed, status, level, problem, player] = [
    "record",
    "stop",
    "elapsed",
    "recording-status",
    "level",
    "microphone-problem",
    "heard",
  ].map((id) => form.querySelector(`#${id}`));
  const input = form.querySelector("input[type=file]");
  let take = null; // { recording, judge, close }

  function say(element, words) {
    if (element.textContent !== words) element.textContent = words; // said once, not each moment
    if (element !== status) element.hidden = !words;
  }

  function show(state) {
    const on = state === "recording";
    [button.hidden, stop.hidden, elapsed.hidden] = [on, !on, !on];
    say(status, state ? word(`sample.${state}`) : "");
  }

  function recorded() {
    const local = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
    const time = `${local.slice(0, 10)} ${local.slice(11, 19).replaceAll(":", ".")}`;
    return take.recording.file(`${word("name", { time })}.${take.recording.extension}`);
  }

  async function record() {
    say(problem, "");
    player.pause();
    player.hidden = true;
    show("asking");
    let stream;
    try {
      stream = await microphone.open();
    } catch (error) {
      console.info("no microphone:", error);
      show("");
      say(problem, word(`microphone.${microphone.reason(error)}`));
      return;
    }
    const judge = new Judge();
    const recording = new microphone.Take(stream, { piece: () => {}, ended: end });
    const close = measure(stream, (moment) => {
      judge.hear(moment);
      say(level, judge.now && word(`level.${judge.now}`));
      elapsed.textContent = clock(Math.floor(recording.seconds));
    });
    take = { recording, judge, close };
    elapsed.textContent = clock(0);
    show("recording");
    stop.focus();
  }

  function end() {
    take.close();
    const chosen = new DataTransfer();
    chosen.items.add(recorded());
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(input.files[0]);
    player.hidden = false;
    say(level, take.judge.whole && word(`level.${take.judge.whole}`));
    take = null;
    const wasHere = document.activeElement === stop;
    show("review");
    if (wasHere) button.focus();
  }

  onLength(player, () => {});
  const why = microphone.obstacle();
  if (why) say(problem, word(`microphone.${why}`));
  else button.hidden = false;
  button.addEventListener("click", record);
  stop.addEventListener("click", () => take?.recording.stop());
  form.addEventListener("submit", (event) => {
    if (!take) return;
    event.preventDefault(); // they hear it first
    take.recording.stop();
  });
}
