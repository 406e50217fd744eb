// A photograph with the rectangle that is cut out of it. Hand, finger or arrow keys move and size it; sliders turn it and
// set the threshold. Python hears of a change when the hand lets go, when the keys have rested, or when a person presses
// something else; and what Python has not heard of yet stays as the hand left it.

const REST = 250; // milliseconds
const LATE = 5000; // milliseconds after which Python has not heard, and what it says counts
const SMALL = 40; // CSS pixels: a rectangle's shorter side
const FILLED = 0.6; // of the photograph's sides, which the rectangle's longer side takes once zoomed in
const MOST = 6; // times, zoomed in
const STEP = 0.01; // of the photograph, a press of an arrow key
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const memory = new WeakMap(); // Streamlit calls the default export again with every change of data or theme

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cutout");
  const part = (selector) => root.querySelector(selector);
  const photograph = part(".photograph");
  const picture = part(".photograph img");
  const frame = part(".frame");
  const plane = part(".plane");
  const [turn, threshold] = root.querySelectorAll("input");
  const given = { crop: data.crop, turn: data.turn, threshold: data.threshold };
  const kept = memory.get(root) ?? { own: given, waiting: new Set(), timer: 0, last: null };
  memory.set(root, kept);
  const isAnother = picture.getAttribute("src") !== data.photograph;
  if (isAnother) Object.assign(kept, { waiting: new Set(), last: null });
  if (kept.last === null || data.heard === kept.last || Date.now() - kept.last > LATE)
    for (const name of Object.keys(given)) if (!kept.waiting.has(name)) kept.own[name] = given[name];
  const { own } = kept;

  root.setAttribute("aria-label", `Cut out for ${data.name}`);
  part(".said").textContent = "Cut out of your photograph. Drag the rectangle to correct it.";
  part(".doubts").textContent = data.doubts;
  Object.assign(picture, { src: data.photograph, alt: data.alt });
  Object.assign(part(".ink"), { src: data.ink, alt: data.inkAlt });
  Object.assign(turn, { min: -data.turns, max: data.turns, value: own.turn });
  Object.assign(threshold, { min: data.thresholds[0], max: data.thresholds[1], value: own.threshold });
  threshold.title = "How much darker than the paper a pixel must be to be ink: 0 is paper, 1 is black.";
  turn.title = "Degrees that the rectangle is turned by in the photograph.";
  frame.setAttribute(
    "aria-label",
    "Rectangle that is cut out: arrow keys move it, with Shift they change its width and height",
  );
  const [reset, closer] = root.querySelectorAll("button");
  reset.disabled = !data.changed;

  const middle = ([left, top, right, bottom]) => [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top];
  const isZoomed = () => photograph.classList.contains("zoomed");
  const closeness = () => Math.min(MOST, FILLED / Math.max(...middle(own.crop).slice(2)));

  const draw = () => {
    closer.disabled = !isZoomed() && closeness() < 1.2;
    closer.textContent = isZoomed() ? "Zoom out" : "Zoom in";
    closer.setAttribute("aria-pressed", isZoomed());
    const [left, top, right, bottom] = own.crop.map((share) => 100 * share);
    for (const rectangle of [frame, part(".shade i")])
      Object.assign(rectangle.style, {
        left: `${left}%`,
        top: `${top}%`,
        width: `${right - left}%`,
        height: `${bottom - top}%`,
        transform: `rotate(${own.turn}deg)`,
      });
    frame.classList.toggle("small", Math.min(frame.offsetWidth, frame.offsetHeight) < SMALL);
    for (const [slider, text] of [
      [turn, `${(Math.round(10 * own.turn) / 10 + 0).toFixed(1)}°`], // + 0: no -0.0
      [threshold, own.threshold.toFixed(2)],
    ]) {
      slider.closest("label").querySelector("b").textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }
  };
  const tell = () => {
    clearTimeout(kept.timer);
    if (kept.waiting.size === 0 || !root.isConnected) return;
    const values = Object.fromEntries([...kept.waiting].map((name) => [name, own[name] ?? null]));
    kept.waiting.clear();
    kept.last = Date.now();
    setTriggerValue("changed", { values, count: kept.last });
  };
  const later = (name) => {
    kept.waiting.add(name);
    clearTimeout(kept.timer);
    kept.timer = setTimeout(tell, REST);
  };
  const now = (name) => {
    kept.waiting.add(name);
    tell();
  };

  // A rectangle by its middle and sides, in parts of the photograph, kept inside.
  const put = (x, y, width, height) => {
    width = Math.min(1, Math.max(data.smallest, Math.abs(width)));
    height = Math.min(1, Math.max(data.smallest, Math.abs(height)));
    x = Math.min(1 - width / 2, Math.max(width / 2, x));
    y = Math.min(1 - height / 2, Math.max(height / 2, y));
    own.crop = [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    draw();
  };
  // Towards the rectangle, or back to the whole photograph.
  const zoom = (isWanted) => {
    for (const element of [photograph, plane]) element.removeAttribute("style");
    photograph.classList.remove("zoomed");
    if (isWanted) {
      const { width, height } = picture.getBoundingClientRect();
      const [x, y] = middle(own.crop);
      const scale = closeness();
      const start = (share) => `${100 * Math.min(0, Math.max(1 - scale, 0.5 - scale * share))}%`;
      Object.assign(photograph.style, { width: `${width}px`, height: `${height}px` });
      Object.assign(plane.style, { width: `${100 * scale}%`, height: `${100 * scale}%`, left: start(x), top: start(y) });
      photograph.classList.add("zoomed");
    }
    draw();
  };

  const grab = (event) => {
    if (event.button || (event.pointerType === "touch" && event.target === picture)) return; // a finger scrolls there
    event.preventDefault();
    const box = picture.getBoundingClientRect();
    const from = [event.clientX, event.clientY];
    const before = own.crop;
    const [x, y, width, height] = middle(before);
    const corner = event.target.dataset?.x ? [Number(event.target.dataset.x), Number(event.target.dataset.y)] : null;
    const angle = (own.turn * Math.PI) / 180;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    frame.focus({ preventScroll: true });
    photograph.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const [dx, dy] = [moved.clientX - from[0], moved.clientY - from[1]];
      if (corner) {
        // Along the sides of the turned rectangle; the corner across stays where it is.
        const [along, down] = [dx * cos + dy * sin, dy * cos - dx * sin];
        const least = data.smallest;
        const w = Math.max(least, width + (corner[0] * along) / box.width) - width;
        const h = Math.max(least, height + (corner[1] * down) / box.height) - height;
        const [a, d] = [(corner[0] * w * box.width) / 2, (corner[1] * h * box.height) / 2];
        put(x + (a * cos - d * sin) / box.width, y + (a * sin + d * cos) / box.height, width + w, height + h);
      } else if (event.target === picture) {
        const start = [(from[0] - box.left) / box.width, (from[1] - box.top) / box.height];
        put(start[0] + dx / box.width / 2, start[1] + dy / box.height / 2, dx / box.width, dy / box.height);
      } else {
        put(x + dx / box.width, y + dy / box.height, width, height);
      }
    };
    const drop = (dropped) => {
      photograph.removeEventListener("pointermove", move);
      for (const end of ["pointerup", "pointercancel"]) photograph.removeEventListener(end, drop);
      const far = Math.hypot(dropped.clientX - from[0], dropped.clientY - from[1]) > 3;
      if (dropped.type === "pointerup" && far) {
        now("crop");
      } else {
        own.crop = before;
        draw();
      }
    };
    photograph.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) photograph.addEventListener(end, drop);
  };
  const press = (event) => {
    const by = KEYS[event.key];
    if (!by) return;
    event.preventDefault();
    const [x, y, width, height] = middle(own.crop);
    const [dx, dy] = by.map((way) => way * STEP);
    if (event.shiftKey) put(x + dx / 2, y + dy / 2, Math.max(data.smallest, width + dx), Math.max(data.smallest, height + dy));
    else put(x + dx, y + dy, width, height);
    later("crop");
  };
  const slide = (event) => {
    own[event.target.name] = Number(event.target.value);
    draw();
    later(event.target.name);
  };

  kept.control?.abort();
  const control = new AbortController();
  kept.control = control;
  const { signal } = control;
  const finish = (event) => {
    if (!event.composedPath().includes(root)) tell();
  };
  for (const pressed of ["pointerdown", "keydown"]) addEventListener(pressed, finish, { signal, capture: true });
  // What a step back leaves has been told, or is left.
  const leave = () => {
    kept.waiting.clear();
    kept.last = null;
  };
  addEventListener("popstate", leave, { signal, capture: true });
  photograph.addEventListener("pointerdown", grab, { signal });
  frame.addEventListener("keydown", press, { signal });
  for (const slider of [turn, threshold]) slider.addEventListener("input", slide, { signal });
  reset.addEventListener("click", () => now("reset"), { signal });
  closer.addEventListener("click", () => zoom(!isZoomed()), { signal });
  addEventListener("resize", () => isZoomed() && zoom(false), { signal });
  if (isAnother) zoom(false);
  draw();
  picture.decode().then(draw, () => undefined); // its size is known only now
  return () => control.abort();
}
