// A person's choices: a ticked box is kept for them at once, on every browser they use.

document.addEventListener("change", async (event) => {
  const box = event.target.closest("input[data-choice]");
  if (!box) return;
  const body = new URLSearchParams({ name: box.dataset.choice, value: box.checked ? "on" : "off" });
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  const kept = await fetch(document.body.dataset.choices, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (!kept?.ok) box.checked = !box.checked; // what isn't kept isn't shown as chosen
});
