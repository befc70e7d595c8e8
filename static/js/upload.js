// Sends the Studio's form in the background, to say how much has arrived, and to keep the chosen file when it is refused.

const form = document.querySelector("#studio");

if (form) {
  const input = form.querySelector("input[type=file]");
  const sending = form.querySelector("#sending");
  const status = sending.querySelector("[role=status]");
  const percent = sending.querySelector(".percent");
  const bar = sending.querySelector("progress");
  const before = form.querySelector(".before");
  let request = null;

  const warn = (event) => event.preventDefault(); // leaving now would lose the upload

  // What is on its way can't be changed any more.
  function freeze(frozen) {
    for (const section of form.querySelectorAll("section")) section.inert = frozen;
  }

  function begin() {
    freeze(true);
    show(0);
    status.textContent = status.dataset.sending;
    before.hidden = true;
    sending.hidden = false;
    sending.querySelector("button").focus();
    addEventListener("beforeunload", warn);
  }

  function end() {
    request = null;
    freeze(false);
    before.hidden = false;
    sending.hidden = true;
    removeEventListener("beforeunload", warn);
  }

  function show(value) {
    bar.value = value;
    percent.textContent = `${value} %`;
  }

  function complain(words) {
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.tabIndex = -1;
    notice.textContent = words;
    document.querySelector("#problem").replaceChildren(notice);
    notice.focus();
  }

  // The errors of the page that came back move into this one: nothing that was chosen is lost.
  function takeErrors(page) {
    const problem = page.querySelector("#problem");
    if (!problem) return complain(sending.dataset.refused);
    document.querySelector("#problem").replaceChildren(...problem.childNodes);
    for (const place of form.querySelectorAll(".errors")) {
      const came = page.getElementById(place.id);
      place.replaceChildren(...(came ? came.childNodes : []));
      const fields = [...form.querySelectorAll(`[aria-describedby~="${place.id}"], [id="${place.id.replace(/_error$/, "")}"]`)];
      for (const field of fields) {
        if (place.childElementCount) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
      }
    }
    const notice = document.querySelector("#problem .notice");
    const first = form.querySelector("[aria-invalid=true]");
    for (const place of form.querySelectorAll(".errors:not(:empty)")) {
      for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    }
    (notice ?? first?.querySelector("input:checked, input") ?? first)?.focus();
  }

  function answered() {
    const { status: code, responseURL, responseText } = request;
    const address = new URL(responseURL || location.href);
    end();
    if (code < 300 && address.pathname !== form.getAttribute("action")) {
      location.assign(address); // the conversion's page; or the sign-in, when the session has ended meanwhile
    } else if (code) {
      takeErrors(new DOMParser().parseFromString(responseText, "text/html"));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request) return;
    document.querySelector("#problem").replaceChildren();
    const file = input.files[0];
    if (file && file.size > Number(sending.dataset.limit)) return complain(sending.dataset.tooLarge);
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", ({ loaded, total }) => show(Math.floor((loaded / total) * 100)));
    request.upload.addEventListener("load", () => (status.textContent = status.dataset.storing));
    request.addEventListener("load", answered);
    request.addEventListener("error", () => {
      end();
      complain(sending.dataset.lost);
    });
    request.addEventListener("abort", () => {
      end();
      complain(sending.dataset.stopped);
    });
    request.send(new FormData(form));
    begin();
  });

  sending.querySelector("button").addEventListener("click", () => request?.abort());
  addEventListener("pageshow", (event) => event.persisted && end());
}
