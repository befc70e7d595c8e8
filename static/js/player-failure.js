// What becomes of a player that reports an error. Firefox without a sound device calls that an error and plays on, unheard:
// a player that moves isn't dead, and one that is dead doesn't go on out of sight.

const LOOK_AGAIN_MS = 1000;

// `dead`: it can't play this file. `unheard`: it does, but no device sounds; load() lets it look for one again.
export function onFailure(player, { dead, unheard = () => {} }) {
  function bury() {
    player.pause();
    dead();
  }
  let asked = !player.paused;
  function judge() {
    if (!player.error) return; // it was loaded again
    if (player.error.code !== MediaError.MEDIA_ERR_DECODE || !asked) return bury();
    // The error came late, of what was playing until just now: that moves or doesn't when it goes on.
    if (player.paused) return player.addEventListener("play", judge, { once: true });
    const from = player.currentTime;
    setTimeout(() => {
      if (player.currentTime !== from) unheard();
      else if (player.paused) judge();
      else bury();
    }, LOOK_AGAIN_MS);
  }
  player.addEventListener("play", () => (asked = true));
  player.addEventListener("error", judge);
  if (player.error) judge(); // before this script ran
}
