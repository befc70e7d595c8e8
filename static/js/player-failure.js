// What becomes of a player that reports an error. Firefox without a sound device calls that an error and plays on, unheard:
// a player that moves isn't dead, and one that is dead doesn't go on out of sight.

const LOOK_AGAIN_MS = 1000;

// `dead`: it can't play this file. `unheard`: it does, but no device sounds; load() lets it look for one again.
export function onFailure(player, { dead, unheard = () => {} }) {
  function bury() {
    player.pause();
    dead();
  }
  function judge() {
    const from = player.currentTime;
    if (player.paused || player.error.code !== MediaError.MEDIA_ERR_DECODE) return bury();
    setTimeout(() => (player.currentTime === from ? bury() : unheard()), LOOK_AGAIN_MS);
  }
  player.addEventListener("error", judge);
  if (player.error) judge(); // before this script ran
}
