// A voice's preview plays in place, one at a time; without this module its link opens the clip.

const player = new Audio();
let playing = null;

function stop() {
  player.pause();
  if (playing) playing.setAttribute("aria-pressed", "false");
  playing = null;
}

player.addEventListener("ended", stop);
player.addEventListener("error", stop);

for (const link of document.querySelectorAll("a[data-preview]")) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-pressed", "false");
  link.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      link.click();
    }
  });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const again = link === playing;
    stop();
    if (again) return;
    playing = link;
    link.setAttribute("aria-pressed", "true");
    player.src = link.href;
    player.play().catch(() => {
      if (playing === link) stop(); // interrupted by the next one, or not playable
    });
  });
}
