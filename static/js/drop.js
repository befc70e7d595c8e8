// A file may be dropped anywhere on the Studio, not only into its zone.

const input = document.querySelector("#studio input[type=file]");
const zone = document.querySelector("#studio .drop");

if (input) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // enter and leave come for every element on the way

  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) zone.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    depth = 0;
    zone.classList.remove("over");
    if (!carriesFiles(event) || input.disabled) return;
    event.preventDefault();
    const [first] = event.dataTransfer.files;
    if (!first) return;
    const one = new DataTransfer(); // the form takes one recording
    one.items.add(first);
    input.files = one.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
