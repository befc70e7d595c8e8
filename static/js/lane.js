// The strip below a waveform on which parts are drawn: a new one where there is none, the edges of those that there are.
// It is seen through the same window as the waveform: waveforms.js moves its viewBox, in thousandths of the recording.

const NAMESPACE = "http://www.w3.org/2000/svg";
const EDGE_PX = 10;
const LEAST_PX = 4; // less was a click

// `parts()` are what is drawn, each with a title for who points at it; `make`, `move` and `choose` are told what the pointer does. Returns what draws anew.
export function laneOf({ svg, length, parts, titleOf, colourOf, make, move, choose }) {
  let drag = null;

  function draw() {
    const { y, height } = svg.viewBox.baseVal;
    const marked = parts().map((part) => {
      const rect = document.createElementNS(NAMESPACE, "rect");
      rect.setAttribute("class", `who-${colourOf(part.who)}`);
      rect.setAttribute("x", (part.from / length) * 1000);
      rect.setAttribute("width", ((part.until - part.from) / length) * 1000);
      rect.setAttribute("y", y);
      rect.setAttribute("height", height);
      const title = document.createElementNS(NAMESPACE, "title");
      title.textContent = titleOf(part);
      rect.append(title);
      return rect;
    });
    svg.replaceChildren(...marked);
  }

  const secondsAPixel = () => ((svg.viewBox.baseVal.width / 1000) * length) / svg.getBoundingClientRect().width;

  function secondsAt(clientX) {
    const begin = (svg.viewBox.baseVal.x / 1000) * length;
    const seconds = begin + (clientX - svg.getBoundingClientRect().left) * secondsAPixel();
    return Math.min(Math.max(seconds, 0), length);
  }

  function grasp(at) {
    const near = EDGE_PX * secondsAPixel();
    const known = parts();
    for (const part of known) {
      const reach = Math.min(near, (part.until - part.from) / 3); // the middle of a short one can be pressed too
      if (Math.abs(at - part.until) <= (at > part.until ? near / 2 : reach)) return { part, edge: "until" };
      if (Math.abs(at - part.from) <= (at < part.from ? near / 2 : reach)) return { part, edge: "from" };
    }
    const part = known.find(({ from, until }) => at >= from && at <= until);
    return part ? { part, edge: null } : { part: null, edge: null };
  }

  // Where the others leave room for what is dragged.
  function room(at, but) {
    const others = parts().filter(({ row }) => row !== but);
    const before = others.filter(({ until }) => until <= at).map(({ until }) => until);
    const after = others.filter(({ from }) => from >= at).map(({ from }) => from);
    return [Math.max(0, ...before), Math.min(length, ...after)];
  }

  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    const at = secondsAt(event.clientX);
    const grasped = grasp(at);
    const [least, most] = grasped.part
      ? room((grasped.part.from + grasped.part.until) / 2, grasped.part.row)
      : room(at, null);
    drag = { ...grasped, at, x: event.clientX, least, most, row: grasped.part?.row };
  });

  svg.addEventListener("pointermove", (event) => {
    if (!drag) {
      svg.classList.toggle("on-edge", Boolean(grasp(secondsAt(event.clientX)).edge));
      return;
    }
    const here = Math.min(Math.max(secondsAt(event.clientX), drag.least), drag.most);
    if (drag.part && !drag.edge) return;
    if (!drag.part) {
      if (Math.abs(event.clientX - drag.x) < LEAST_PX) return;
      const [from, until] = here < drag.at ? [here, drag.at] : [drag.at, here];
      if (drag.row) move({ row: drag.row }, from, until);
      else drag.row = make(from, until);
      return;
    }
    const { from, until } = drag.part;
    const least = 2 * secondsAPixel();
    if (drag.edge === "from") move(drag.part, Math.min(here, until - least), until);
    else move(drag.part, from, Math.max(here, from + least));
  });

  svg.addEventListener("pointerup", () => {
    if (drag?.part && !drag.edge) choose(drag.part);
    drag = null;
  });
  svg.addEventListener("pointercancel", () => (drag = null));
  return draw;
}
