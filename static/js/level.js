// How loud the microphone is, drawn and judged: too loud to be clean, or too quiet to be clear.

const EVERY_MS = 50;
const WINDOW = 3000 / EVERY_MS; // what is said is about the last three seconds
const CLIPPED = 0.99;
const [SILENT_DB, QUIET_DB] = [-70, -45]; // the loudest moment; speech near a microphone has -20 and more

export class Judge {
  #moments = [];
  #clipped = 0;
  #loudest = -Infinity;

  hear({ peak, loudness }) {
    this.#moments = [...this.#moments, { peak, loudness }].slice(-WINDOW);
    this.#clipped += peak >= CLIPPED;
    this.#loudest = Math.max(this.#loudest, loudness);
  }

  // "loud", "silent", "quiet" or "", about now
  get now() {
    const clipped = this.#moments.filter(({ peak }) => peak >= CLIPPED).length;
    if (clipped > 2) return "loud";
    if (this.#moments.length < WINDOW) return "";
    return Judge.#low(Math.max(...this.#moments.map(({ loudness }) => loudness)));
  }

  // the same about all of it
  get whole() {
    return this.#clipped > 2 ? "loud" : Judge.#low(this.#loudest);
  }

  static #low(loudest) {
    return loudest < SILENT_DB ? "silent" : loudest < QUIET_DB ? "quiet" : "";
  }
}

// Calls `hear` with { peak, loudness } (dBFS) until the function that it returns is called.
export function measure(stream, hear) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let [peak, power] = [0, 0];
    for (const sample of samples) {
      peak = Math.max(peak, Math.abs(sample));
      power += sample * sample;
    }
    hear({ peak, loudness: 10 * Math.log10(power / samples.length + 1e-12) });
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    if (context.state !== "closed") context.close();
  };
}

// The last moments as bars; who asked for less motion sees one bar that grows and shrinks.
export class Meter {
  #bars = [];
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas) {
    this.canvas = canvas;
  }

  clear() {
    this.#bars = [];
    this.#draw();
  }

  show({ peak, loudness }) {
    this.#bars.push({ height: Math.max(0.03, 1 + Math.max(-60, loudness) / 60), clipped: peak >= CLIPPED });
    this.#draw();
  }

  #draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio;
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    const { color, borderColor } = getComputedStyle(canvas); // the second is of what is too loud
    pen.clearRect(0, 0, width, height);
    const step = 5 * ratio;
    this.#bars = this.#bars.slice(-Math.ceil(width / step));
    if (this.#still.matches) {
      const { height: level = 0, clipped } = this.#bars.at(-1) ?? {};
      pen.fillStyle = clipped ? borderColor : color;
      return pen.fillRect(0, height * 0.3, width * level, height * 0.4);
    }
    this.#bars.forEach(({ height: level, clipped }, place) => {
      pen.fillStyle = clipped ? borderColor : color;
      pen.beginPath();
      pen.roundRect(width - (this.#bars.length - place) * step, (height * (1 - level)) / 2, 3 * ratio, height * level, 1.5 * ratio);
      pen.fill();
    });
  }
}
