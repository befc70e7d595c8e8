// On every page of someone who is signed in: nothing lies on the shelf longer than a day, nor do marks of parts, and who
// signs out leaves nothing.

import { forgetOldMarks } from "./marks.js";
import { within } from "./patience.js";
import { clear, expire } from "./shelf.js";

const PATIENCE_MS = 3000; // nobody stays signed in because a browser's storage doesn't answer

const trying = (work) => work().catch((error) => console.info("the shelf can't be reached:", error));

trying(expire);
forgetOldMarks();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-signs-out")) return;
  event.preventDefault();
  forgetOldMarks({ all: true });
  await trying(() => within(PATIENCE_MS, clear()));
  form.submit();
});
