// The length of what a player holds. A recording of a browser carries none: who looks for its end finds it.

export function onLength(player, tell) {
  player.addEventListener("durationchange", () => {
    if (player.duration !== Infinity) return tell(player.duration);
    player.addEventListener("durationchange", () => (player.currentTime = 0), { once: true });
    player.currentTime = Number.MAX_SAFE_INTEGER;
  });
}
