// SPDX-License-Identifier: GPL-3.0-or-later
// Fingers, wheel and keys on the chart. Dragging with a mouse chooses a stretch (uPlot does that);
// dragging with shift, or with a finger, moves the window.

const ZOOM = 1.5;
const TAP_PX = 8;
const DOUBLE_TAP_MS = 300;
const PAN_SHARE = 0.25; // of the window, by a key

// window() -> {start, end}; move(start, end); reset(); step(by); at(px) -> unix s; point(unix s)
export function listen(place, { window, move, reset, step, at, point }) {
  fingers(place, { window, move, reset, at, point });
  wheel(place, { window, move, at });
  keys(place, { window, move, reset, step });
}

export function zoomed({ start, end }, factor, around) {
  const middle = around ?? (start + end) / 2;
  return [middle - (middle - start) * factor, middle + (end - middle) * factor];
}

// Returns the element over the lines, null before the first drawing.
const drawing = (place) => place.querySelector(".u-over");

function fingers(place, { window, move, reset, at, point }) {
  const down = new Map();
  let from = null;
  let moved = false;
  let tapped = 0;

  const anchor = () => {
    const xs = [...down.values()];
    from = { ...window(), xs, width: (drawing(place) ?? place).clientWidth };
  };
  const inside = (event) => event.clientX - (drawing(place) ?? place).getBoundingClientRect().left;
  const drags = (event) => event.pointerType !== "mouse" || event.shiftKey;

  place.addEventListener("pointerdown", (event) => {
    if (!drags(event) || !event.target.closest(".u-over")) {
      return;
    }
    if (event.pointerType === "mouse") {
      event.stopPropagation(); // uPlot would choose a stretch
    }
    down.set(event.pointerId, inside(event));
    moved = false;
    anchor();
  }, true);
  place.addEventListener("mousedown", (event) => event.shiftKey && event.stopPropagation(), true);
  addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) {
      return;
    }
    down.set(event.pointerId, inside(event));
    const xs = [...down.values()];
    if (!moved && xs.every((x, i) => Math.abs(x - from.xs[i]) < TAP_PX)) {
      return;
    }
    moved = true;
    move(...dragged(from, xs));
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) {
      return;
    }
    if (down.size) {
      anchor();
    } else if (!moved && event.type === "pointerup" && event.pointerType !== "mouse") {
      if (event.timeStamp - tapped < DOUBLE_TAP_MS) {
        reset();
      } else {
        point(at(inside(event)));
      }
      tapped = event.timeStamp;
    }
  };
  addEventListener("pointerup", up);
  addEventListener("pointercancel", up);
}

// Returns the window after one or two fingers have moved: the times under them stay under them.
export function dragged({ start, end, xs: before, width }, xs) {
  const perPixel = (end - start) / width;
  const apart = (pair) => pair.length > 1 && Math.abs(pair[0] - pair[1]) >= 10;
  if (!apart(xs) || !apart(before)) {
    const shift = (before[0] - xs[0]) * perPixel;
    return [start + shift, end + shift];
  }
  const [a, b] = before.map((x) => start + x * perPixel);
  const scale = (b - a) / (xs[1] - xs[0]);
  const first = a - xs[0] * scale;
  return [first, first + width * scale];
}

// A pinch on a touchpad, which browsers send as ctrl and wheel, zooms. Sideways moves the window,
// up and down scrolls the page.
function wheel(place, { window, move, at }) {
  place.addEventListener("wheel", (event) => {
    const { start, end } = window();
    const over = drawing(place);
    if (!over) {
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const around = at(event.clientX - over.getBoundingClientRect().left);
      move(...zoomed({ start, end }, Math.exp(event.deltaY * 0.005), around));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const shift = (event.deltaX / over.clientWidth) * (end - start);
      move(start + shift, end + shift);
    }
  }, { passive: false });
}

function keys(place, { window, move, reset, step }) {
  place.addEventListener("keydown", (event) => {
    const { start, end } = window();
    const pan = (end - start) * PAN_SHARE;
    const actions = {
      ArrowLeft: () => (event.shiftKey ? move(start - pan, end - pan) : step(-1)),
      ArrowRight: () => (event.shiftKey ? move(start + pan, end + pan) : step(1)),
      PageUp: () => move(start - 4 * pan, end - 4 * pan),
      PageDown: () => move(start + 4 * pan, end + 4 * pan),
      Home: () => step(-Infinity),
      End: () => step(Infinity),
      "+": () => move(...zoomed({ start, end }, 1 / ZOOM)),
      "-": () => move(...zoomed({ start, end }, ZOOM)),
      0: () => reset(),
      Escape: () => step(null),
    };
    if (actions[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      actions[event.key]();
    }
  });
}

export { ZOOM };
