// What will happen, in one sentence: the chosen recording, voice, format and price. And the recording itself, to hear.

const form = document.querySelector("#studio");

if (form) {
  const input = form.querySelector("input[type=file]");
  const format = form.querySelector("select[name=output_format]");
  const chosen = form.querySelector("#chosen");
  const player = chosen.querySelector("audio");
  const sentence = form.querySelector("#sentence");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  let address = "";

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

  function costOf(voice) {
    const perMinute = Number(voice?.dataset.credits || 0);
    if (!perMinute) return [sentence.dataset.free, {}];
    if (!Number.isFinite(player.duration)) return [sentence.dataset.creditsUnknown, { credits: number.format(perMinute) }];
    return [sentence.dataset.credits, { credits: number.format(Math.ceil((player.duration / 60) * perMinute)) }];
  }

  function say() {
    const file = input.files[0];
    const voice = form.querySelector("input[name=voice]:checked");
    const words = format.selectedOptions[0]?.textContent ?? "";
    const values = { recording: file?.name, voice: voice?.dataset.name ?? "", format: words.split(",")[0] };
    fill(sentence.querySelector(".what"), file ? sentence.dataset.full : sentence.dataset.empty, values);
    fill(sentence.querySelector(".cost"), ...(file ? costOf(voice) : ["", {}]));
  }

  function size(bytes) {
    const [unit, divisor] = bytes >= 1e9 ? ["gigabyte", 1e9] : bytes >= 1e6 ? ["megabyte", 1e6] : ["kilobyte", 1e3];
    const style = { style: "unit", unit, maximumFractionDigits: bytes / divisor < 10 ? 1 : 0 };
    return new Intl.NumberFormat(document.documentElement.lang, style).format(bytes / divisor);
  }

  function clock(seconds) {
    const total = Math.round(seconds);
    const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, String(total % 60).padStart(2, "0")];
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  }

  function facts() {
    const file = input.files[0];
    const known = Number.isFinite(player.duration);
    const parts = file ? [known ? clock(player.duration) : null, size(file.size)] : [];
    chosen.querySelector(".numbers").textContent = parts.filter(Boolean).join(" · ");
    say();
  }

  function choose() {
    URL.revokeObjectURL(address);
    const file = input.files[0];
    chosen.hidden = !file;
    player.hidden = false;
    address = file ? URL.createObjectURL(file) : "";
    if (file) player.src = address;
    else player.removeAttribute("src");
    facts();
  }

  player.addEventListener("loadedmetadata", facts);
  // What this browser can't play may still be converted: only the player goes.
  player.addEventListener("error", () => {
    player.hidden = true;
    facts();
  });
  input.addEventListener("change", choose);
  form.addEventListener("change", say);
  addEventListener("pageshow", choose); // a browser may bring the choices back with the page
}
