// A frame player: T pictures that came as one sheet, drawn on a canvas; the server hears of a place only when the hand lets go.

const PASS_SECONDS = 3; // once from A to B
const MIN_SIDE = 120; // CSS pixels: two pictures narrower than this stand one below the other
const SETTLE_MS = 250; // arrow keys held down end in one message

const players = new WeakMap(); // Streamlit calls the default export again with every change of data or theme

export default function ({ data, parentElement, setStateValue }) {
  const player = players.get(parentElement) ?? create(parentElement, data);
  players.set(parentElement, player);
  player.send = (t) => setStateValue("t", t);
  player.show(data);
  return player.dispose;
}

function create(parent, first) {
  const root = parent.querySelector(".player");
  const slider = root.querySelector("input");
  const button = root.querySelector("button");
  const output = root.querySelector("output");
  const screens = [...root.querySelectorAll("figure")].map((figure) => ({
    figure,
    canvas: figure.querySelector("canvas"),
    caption: figure.querySelector("figcaption"),
    sheet: new Image(),
  }));
  let { frames, width, height } = first;
  let data = first;
  let place = first.t * (frames - 1); // in frames, fractional while playing
  let request = 0; // of the animation, 0 while it stands still
  let pending = 0; // timer of the message to the server

  const index = () => Math.min(frames - 1, Math.max(0, Math.round(place)));
  const time = () => (frames > 1 ? index() / (frames - 1) : 0);
  const shown = () => screens.filter(({ figure }) => !figure.hidden);

  function draw() {
    for (const { canvas, sheet } of shown()) {
      if (!sheet.complete || !sheet.naturalWidth) continue;
      const columns = sheet.naturalWidth / width;
      const x = (index() % columns) * width;
      const y = Math.floor(index() / columns) * height;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, width, height);
      context.drawImage(sheet, x, y, width, height, 0, 0, width, height);
    }
    slider.value = index();
    output.textContent = `t = ${time().toFixed(2)}`;
    slider.setAttribute("aria-valuetext", `${time().toFixed(2)} of the way from A to B`);
  }

  // Whole numbers of device pixels: a projector's laptop often runs at 125 or 150 per cent.
  function fit() {
    const ratio = window.devicePixelRatio || 1;
    const gap = 24;
    const count = shown().length;
    const room = root.clientWidth;
    const tall = window.innerHeight * data.share;
    const side = (room - gap * (count - 1)) / count;
    const scale = (available) => Math.floor(Math.min(available / width, tall / height) * ratio);
    const best = scale(side >= MIN_SIDE ? side : room);
    for (const { canvas } of screens) {
      canvas.style.width = `${(width * Math.max(1, best)) / ratio}px`;
      canvas.style.height = `${(height * Math.max(1, best)) / ratio}px`;
    }
  }

  function report() {
    clearTimeout(pending);
    pending = setTimeout(() => player.send(time()), SETTLE_MS);
  }

  function pause() {
    if (!request) return;
    cancelAnimationFrame(request);
    request = 0;
    button.textContent = "Play";
    report();
  }

  function play() {
    let direction = place >= frames - 1 ? -1 : 1;
    let before = performance.now();
    const tick = (now) => {
      place += (direction * (now - before) * (frames - 1)) / (1000 * PASS_SECONDS);
      before = now;
      if (place >= frames - 1 || place <= 0) {
        direction = place <= 0 ? 1 : -1;
        place = Math.min(frames - 1, Math.max(0, place));
      }
      draw();
      request = requestAnimationFrame(tick);
    };
    button.textContent = "Pause";
    request = requestAnimationFrame(tick);
  }

  function go(to) {
    pause();
    clearTimeout(pending);
    place = Math.min(frames - 1, Math.max(0, to));
    draw();
  }

  const toggle = () => (request ? pause() : play());
  button.onclick = toggle;
  slider.oninput = () => go(Number(slider.value));
  slider.onchange = report;
  slider.onkeydown = (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  };
  for (const { canvas } of screens) {
    const scrub = (event) => go((event.offsetX / canvas.clientWidth) * (frames - 1));
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      scrub(event);
    };
    canvas.onpointermove = (event) => canvas.hasPointerCapture(event.pointerId) && scrub(event);
    canvas.onpointerup = report;
  }

  const observer = new ResizeObserver(fit);
  observer.observe(root);
  window.addEventListener("resize", fit);

  const player = {
    show(next) {
      if (next.frames !== frames) place = frames > 1 ? (place * (next.frames - 1)) / (frames - 1) : 0;
      ({ frames, width, height } = next);
      data = next;
      slider.max = frames - 1;
      slider.disabled = button.disabled = frames < 2;
      slider.setAttribute("aria-label", next.label);
      screens.forEach(({ figure, canvas, caption, sheet }, i) => {
        figure.hidden = !next.sheets[i];
        if (figure.hidden) return;
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
        canvas.setAttribute("aria-label", next.captions[i]);
        caption.textContent = next.captions[i];
        sheet.onload = draw;
        if (sheet.src !== next.sheets[i]) sheet.src = next.sheets[i];
      });
      fit();
      draw();
    },
    dispose() {
      cancelAnimationFrame(request);
      clearTimeout(pending);
      observer.disconnect();
      window.removeEventListener("resize", fit);
      players.delete(parent);
    },
  };
  return player;
}
