// A recording with the microphone: asked for only when somebody presses Record, and told piece by piece.

const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
// As it sounds: what makes a call clearer takes away from a performance.
const ASKED = { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false } };
const PIECE_MS = 1000;

// Why there is no microphone: "insecure", "unable", or "" if there may be one.
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  return navigator.mediaDevices?.getUserMedia && window.MediaRecorder ? "" : "unable";
}

// Why it could not be had, from what the browser says: "refused", "missing", "busy".
export function reason({ name }) {
  const reasons = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing", OverconstrainedError: "missing" };
  return reasons[name] ?? "busy";
}

export const open = () => navigator.mediaDevices.getUserMedia(ASKED);

export class Take {
  #recorder;
  #stream;
  #pieces = [];
  #ran = 0; // ms, without the pauses
  #since = 0;

  // `piece` hears each second of it, with its number; `ended` that it is over, also when the microphone was pulled out.
  constructor(stream, { piece, ended }) {
    this.#stream = stream;
    this.#recorder = new MediaRecorder(stream, {
      mimeType: KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)),
      audioBitsPerSecond: 128_000,
    });
    this.#recorder.addEventListener("dataavailable", ({ data }) => {
      if (data.size) piece(data, this.#pieces.push(data) - 1);
    });
    this.#recorder.addEventListener("stop", ended);
    stream.getAudioTracks()[0].addEventListener("ended", () => this.stop());
    this.#recorder.start(PIECE_MS);
    this.#since = performance.now();
  }

  get type() {
    return this.#recorder.mimeType.split(";")[0];
  }

  get extension() {
    return { "audio/mp4": "m4a", "audio/ogg": "ogg" }[this.type] ?? "webm";
  }

  get paused() {
    return this.#recorder.state === "paused";
  }

  get seconds() {
    return (this.#ran + (this.#recorder.state === "recording" ? performance.now() - this.#since : 0)) / 1000;
  }

  pause() {
    this.#ran = this.seconds * 1000;
    this.#recorder.pause();
  }

  resume() {
    this.#recorder.resume();
    this.#since = performance.now();
  }

  stop() {
    if (this.#recorder.state === "inactive") return;
    this.#ran = this.seconds * 1000;
    this.#recorder.stop();
    for (const track of this.#stream.getTracks()) track.stop();
  }

  file(name) {
    return new File(this.#pieces, name, { type: this.type });
  }
}
