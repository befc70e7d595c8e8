// What will happen, before it does: which recordings in which voices, how long, what it costs and when it is ready.

import { listed, roughly, spoken, whole } from "./amounts.js";
import { cutBy } from "./portions.js";
import { changes, entries } from "./recordings.js";
import { counted, word } from "./words.js";

const form = document.querySelector("#studio");

if (form) {
  const format = form.querySelector("select[name=output_format]");
  const sentence = form.querySelector("#sentence");

  // "{recording} in {voice}": words in braces become bold text, whatever order a language needs.
  function fill(place, text, values) {
    place.replaceChildren(
      ...text.split(/(\{\w+\})/).map((part) => {
        const name = part.match(/^\{(\w+)\}$/)?.[1];
        if (!name) return part;
        const bold = document.createElement("b");
        bold.dir = "auto"; // a name may be written from right to left
        bold.textContent = values[name];
        return bold;
      }),
    );
  }

  function lengthOf(chosen) {
    const known = chosen.every(({ seconds }) => seconds);
    return known && chosen.length ? chosen.reduce((sum, { seconds }) => sum + seconds, 0) : null;
  }

  function costOf(voices, seconds) {
    if (voices.some(({ dataset }) => dataset.credits === "")) return [word("sentence.credits_unknown"), {}];
    const perMinute = voices.reduce((sum, { dataset }) => sum + Number(dataset.credits), 0);
    if (!perMinute) return [word("sentence.free"), {}];
    if (seconds === null) return [word("sentence.credits_a_minute"), { credits: whole(perMinute) }];
    return [word("sentence.credits"), { credits: whole((seconds / 60) * perMinute) }];
  }

  // Endpoints work beside each other; an endpoint's own work is counted one after the other.
  function timeOf(voices, seconds) {
    if (seconds === null || !voices.length || voices.some(({ dataset }) => !dataset.pace)) return ["", {}];
    const work = new Map();
    for (const { dataset } of voices) {
      work.set(dataset.endpoint, (work.get(dataset.endpoint) ?? 0) + Number(dataset.pace) * seconds);
    }
    return [word("sentence.time"), { time: roughly(Math.max(...work.values())) }];
  }

  function piecesIn(voices, chosen) {
    const of = (n) => (chosen.length > 1 ? counted("sentence.pieces_of_several", n) : counted("sentence.pieces", n));
    return cutBy(voices, chosen).flatMap(({ name, longest, pieces }) => {
      const place = document.createElement("span");
      fill(place, of(pieces), { endpoint: name, most: spoken(longest) });
      return [place, " "];
    });
  }

  function recordingsIn(chosen, seconds) {
    const words = chosen.length === 1 ? chosen[0].name : counted("sentence.recordings", chosen.length);
    return seconds === null ? words : word("sentence.with_length", { recordings: words, length: spoken(seconds) });
  }

  function say() {
    const chosen = entries.filter(({ never }) => !never);
    const voices = [...form.querySelectorAll("[name=voice]:checked")];
    const seconds = lengthOf(chosen);
    const names = voices.map(({ dataset }) => dataset.name);
    const voice = names.length > 3 ? counted("sentence.voices", names.length) : listed(names);
    const values = { voice, format: (format.selectedOptions[0]?.textContent ?? "").split(",")[0] };
    const full = chosen.length ? word("sentence.full") : word("sentence.empty");
    const text = voices.length ? full : word("sentence.no_voice");
    fill(sentence.querySelector(".what"), text, { ...values, recording: chosen.length ? recordingsIn(chosen, seconds) : "" });
    const results = chosen.length * voices.length;
    sentence.querySelector(".results").textContent = results > 1 ? counted("sentence.results", results) : "";
    const ready = results > 0;
    sentence.querySelector(".pieces").replaceChildren(...(ready ? piecesIn(voices, chosen) : []));
    fill(sentence.querySelector(".cost"), ...(ready ? costOf(voices, seconds) : ["", {}]));
    fill(sentence.querySelector(".time"), ...(ready ? timeOf(voices, seconds) : ["", {}]));
  }

  for (const what of ["add", "remove", "aside", "back", "change"]) changes.addEventListener(what, say);
  form.addEventListener("change", say);
  addEventListener("pageshow", say); // a browser may bring the choices back with the page
}
