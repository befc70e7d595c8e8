// What the server says to a form that it doesn't take: its words move into this page, so that nothing that was chosen is lost.

const form = document.querySelector("#studio");
const place = document.querySelector("#problem");
const ofFile = "id_audio_error";

// Words above the form; `link` leads on.
export function complain(words, link) {
  const notice = document.createElement("p");
  notice.className = link ? "notice" : "notice bad";
  notice.setAttribute("role", "alert");
  notice.tabIndex = -1;
  notice.append(words, ...(link ? [" ", link] : []));
  place.replaceChildren(notice);
  notice.focus();
}

// What stands against this one file, or against all of them: in words. Empty if it is about the other fields only.
export function problemOf(page) {
  const words = [page.querySelector("#problem"), page.getElementById(ofFile)].map((part) => part?.textContent.trim());
  return words.filter(Boolean).join(" ");
}

// The field of these errors says whether it has any.
function show(errors) {
  const named = form.querySelectorAll(`[aria-describedby~="${errors.id}"], [id="${errors.id.replace(/_error$/, "")}"]`);
  for (const field of named) {
    if (errors.childElementCount) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

// The errors of the other fields stand at their fields; whether there are any.
export function takeErrors(page, { withFile }) {
  for (const errors of form.querySelectorAll(".errors")) {
    if (errors.id === ofFile && !withFile) continue;
    const came = page?.getElementById(errors.id);
    errors.replaceChildren(...(came ? came.childNodes : []));
    show(errors);
  }
  const wrong = [...form.querySelectorAll(".errors:not(:empty)")];
  for (const errors of wrong) {
    for (let fold = errors.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }
  return wrong.length > 0;
}

// The same error as the server would say, at its field, before anything is sent.
export function wrong(field, words) {
  const errors = document.getElementById(`id_${field}_error`);
  const error = form.querySelector("#file-row").content.querySelector(".error").cloneNode(true); // a row's looks the same
  error.hidden = false;
  error.removeAttribute("role"); // the focus goes to its field, which is described by it
  error.querySelector("span").textContent = words;
  errors.replaceChildren(error);
  show(errors);
}

export function focusFirst() {
  const first = form.querySelector("[aria-invalid=true]");
  const refused = form.querySelector(".refused :is(.again, .remove):not([hidden])");
  (first?.querySelector("input:checked, input") ?? first ?? refused)?.focus();
  form.querySelector(".errors:not(:empty)")?.scrollIntoView({ block: "nearest" }); // what is wrong stands above the voices
}
