// A recording's player is one stop of the Tab key: a button that plays and pauses it, and whose arrow keys go back and on.
// The browser's own player beside it, which would be six, is for the pointer and for who reads the page.

const STEPS_S = { ArrowLeft: -5, ArrowRight: 5 };

export function oneStop(button, player) {
  player.tabIndex = -1;
  button.hidden = false;
  const show = () => button.setAttribute("aria-pressed", String(!player.paused));
  for (const what of ["play", "pause", "ended"]) player.addEventListener(what, show);
  button.addEventListener("click", () => {
    if (player.paused) player.play().catch(() => {}); // interrupted by another one, or its error says what becomes of it
    else player.pause();
  });
  button.addEventListener("keydown", (event) => {
    const step = STEPS_S[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // on some pages they are for another player
    player.currentTime = Math.max(0, player.currentTime + step);
  });
}
