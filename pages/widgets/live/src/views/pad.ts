// The pad: three or four pictures at its corners; the picture at the handle is decoded while the hand moves it.
import { blend, centre, clamp, corners, type Place, walk, weights } from "../maths/blend";
import { h } from "../parts/dom";
import "./pad.css";
import type { PadData } from "../../built/payloads";
import { drag } from "../parts/drag";
import { rems, roomBelow } from "../parts/room";
import { Screen } from "../parts/screen";
import { Transport } from "../parts/transport";
import { Echo, type Host, type View } from "../view";

const PACE = 1 / 4; // sides of the pad a second
const STEP = 0.02; // of an arrow key; five times as far with Shift
const DIGITS = 3; // of a place
const NARROW = 480; // CSS pixels: in less room the plane stands below the picture, and the buttons beside it
const BESIDE = 150; // CSS pixels of those buttons
const TOOLS = 6; // rem of caption and buttons below the picture
const GAP = 24; // CSS pixels between picture and plane
const THUMBS = { wide: 64, narrow: 40 }; // CSS pixels: a picture at a corner
const MARGIN = 8; // between it and the plane
const PART = 0.35; // of the height, for a picture above the plane
const MIN_PLANE = 120;
const MOVES: Record<string, Place> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

interface Corner {
  screen: Screen;
  weight: HTMLElement;
  box: HTMLElement;
}

export class Pad implements View {
  private readonly now = new Screen();
  private readonly echo = new Echo<Place>(() => this.host.settled);
  private readonly transport = new Transport({
    title: "Walk slowly from corner to corner, and back",
    begin: () => this.begin(),
    step: (seconds) => this.walk(seconds),
    tell: () => this.host.tell("at", this.echo.send(this.place())),
  });
  private readonly middle = h(
    "button",
    { type: "button", title: "All corners weigh the same; or double-click" },
    "Centre",
  );
  private readonly handle = h("div", { className: "handle" });
  private readonly plane = h(
    "div",
    {
      className: "plane",
      tabIndex: 0,
      role: "slider",
      "aria-label": "Place in the pad",
      "aria-valuemin": 0,
      "aria-valuemax": 1,
    },
    h("div", { className: "ground" }),
    this.handle,
  );
  private readonly frame = h("div", { className: "frame" });
  private readonly pad = h(
    "div",
    { className: "pad" },
    h(
      "div",
      { className: "seen" },
      this.now.figure,
      h("div", { className: "tools" }, this.transport.button, this.middle),
    ),
    this.frame,
  );
  private found: Corner[] = [];
  private data: PadData | null = null;
  private at: Place = [0.5, 0.5];
  private stops: Place[] = [];
  private walked = 0;

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.pad);
    this.middle.onclick = () => this.put(centre(this.count));
    this.plane.ondblclick = () => this.put(centre(this.count));
    this.plane.onkeydown = (event) => this.press(event);
    drag(
      this.plane,
      (event) => this.follow(event),
      () => this.transport.report.later(),
    );
  }

  private get count(): number {
    return this.data!.names.length;
  }

  show(data: PadData): void {
    const others = this.data?.about !== data.about;
    const news = this.echo.isNews(data.at);
    const first = this.data?.model.key !== data.model.key;
    const shape = this.data?.names.length !== data.names.length || first;
    this.data = data;
    const [, height, width] = data.model.shape;
    this.now.arrange({ width, height });
    this.now.label(data.caption);
    if (shape) this.build();
    if (news || shape) {
      this.transport.rest();
      this.at = data.at;
    }
    if (first) this.host.engine.load(data.model.decoder);
    if (others) this.decodeCorners();
    if (others || news || shape) this.draw();
  }

  /** Corners for another number of pictures, or for pictures of another size. */
  private build(): void {
    const [, height, width] = this.data!.model.shape;
    this.found = this.data!.names.map((name, k) => {
      const screen = new Screen();
      screen.arrange({ width, height });
      const weight = h("span");
      const box = h(
        "button",
        { type: "button", className: `corner ${name.toLowerCase()}`, title: `Go to ${name}` },
        screen.canvas,
        h("span", { className: "share" }, h("b", {}, name), weight),
      );
      screen.label("", `Picture ${name} decoded`);
      box.onclick = () => this.put(corners(this.count)[k]);
      return { screen, weight, box };
    });
    this.frame.className = `frame ${this.count === 3 ? "three" : "four"}`;
    this.frame.replaceChildren(this.plane, ...this.found.map(({ box }) => box));
  }

  private follow({ clientX, clientY }: PointerEvent): void {
    const { left, top, width, height } = this.plane.getBoundingClientRect();
    this.go([(clientX - left) / width, (clientY - top) / height]);
  }

  private press(event: KeyboardEvent): void {
    const move = MOVES[event.key];
    if (event.key !== " " && move === undefined) return;
    event.preventDefault();
    if (move === undefined) return this.transport.toggle();
    const far = event.shiftKey ? 5 * STEP : STEP;
    this.go([this.at[0] + far * move[0], this.at[1] + far * move[1]]);
    this.transport.report.later();
  }

  /** The hand goes to a place. */
  private go(to: Place): void {
    this.transport.rest();
    this.transport.report.cancel();
    this.at = clamp(to, this.count);
    this.draw();
  }

  /** Go there and say so. */
  private put(to: Place): void {
    this.go(to);
    this.transport.report.now();
  }

  /** Walk around the pad, from the place where the handle stands. */
  private begin(): void {
    const [a, b, c, d] = corners(this.count);
    this.stops = [this.at, a, b, ...(d ? [d] : []), c];
    this.walked = 0;
  }

  private walk(seconds: number): void {
    this.walked += seconds * PACE;
    this.at = walk(this.stops, this.walked);
    this.draw();
  }

  /** The place as it is shown, decoded and told. */
  private place(): Place {
    return [Number(this.at[0].toFixed(DIGITS)), Number(this.at[1].toFixed(DIGITS))];
  }

  private draw(): void {
    const { model, names, classes, corners: codes } = this.data!;
    const [u, v] = this.place();
    const shares = weights([u, v], names.length);
    Object.assign(this.handle.style, { left: `${100 * u}%`, top: `${100 * v}%` });
    const numbers = shares.map((share) => Math.abs(share).toFixed(2)); // rounding may leave a hair below zero
    this.found.forEach(({ weight }, k) => (weight.textContent = numbers[k]));
    this.plane.setAttribute("aria-valuenow", String(u));
    this.plane.setAttribute("aria-valuetext", names.map((name, k) => `${name} ${numbers[k]}`).join(", "));
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: blend(codes, shares),
      y: classes ? blend(classes, shares) : undefined,
      rows: 1,
      onPixels: (pixels) => this.now.draw(pixels, 0, 1, asked),
    });
  }

  private decodeCorners(): void {
    const { model, classes, corners: codes } = this.data!;
    this.host.engine.decode(this.frame, {
      model,
      z: Float32Array.from(codes.flat()),
      y: classes ? Float32Array.from(classes.flat()) : undefined,
      rows: codes.length,
      onPixels: (pixels, first, count) => {
        const size = pixels.length / count;
        for (let i = 0; i < count; i++) this.found[first + i]?.screen.draw(pixels.subarray(i * size, (i + 1) * size));
      },
    });
  }

  finish(): void {
    this.transport.finish();
  }

  fit(): void {
    if (!this.data) return;
    const room = this.pad.clientWidth;
    const narrow = room < NARROW;
    const thumb = narrow ? THUMBS.narrow : THUMBS.wide;
    const below = roomBelow(this.host.root) - (narrow ? 0 : rems(this.data.rest));
    const tall = Math.max(window.innerHeight * this.data.share, below);
    this.pad.classList.toggle("narrow", narrow);
    const beside = narrow ? room : (room - GAP) / 2;
    const high = (narrow ? (1 - PART) * tall - GAP : tall) - 2 * (thumb + MARGIN);
    const side = Math.max(MIN_PLANE, Math.min(beside, high));
    this.now.fit(room - (narrow ? BESIDE : side + GAP), narrow ? PART * tall : tall - rems(TOOLS));
    Object.assign(this.plane.style, { width: `${side}px`, height: `${side}px` });
    for (const { screen } of this.found) screen.fit(thumb, thumb);
  }

  dispose(): void {
    this.transport.dispose();
    this.host.engine.cancel(this);
    this.host.engine.cancel(this.frame);
    for (const { screen } of [{ screen: this.now }, ...this.found]) screen.dispose();
  }
}
