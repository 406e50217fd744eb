// The path from A to B: every place on it is decoded in the page, while the hand moves and while it plays.
import { lerp, slerp } from "../maths/blend";
import { h } from "../parts/dom";
import "./path.css";
import type { Model, PathData } from "../../built/payloads";
import { drag } from "../parts/drag";
import { rems, roomBelow } from "../parts/room";
import { Screen, sizes, wholeScale } from "../parts/screen";
import { Slider } from "../parts/slider";
import { Transport } from "../parts/transport";
import { Echo, type Host, type View } from "../view";

const PASS = 3; // seconds from A to B
const STEP = 0.02; // of an arrow key
const DIGITS = 3; // of t
const GAP = 24; // CSS pixels between the pictures
const NARROW = 480; // CSS pixels: in less room the mixture stands below the slider, and the picture is as wide as that
const CAPTION = 2.75; // rem between picture and slider
const NAMES = 5.5; // rem beside the strip
const APART = 1.25; // rem between slider and strip
const KEYS: Record<string, number> = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP };

type Pixels = Uint8ClampedArray<ArrayBuffer>;

export class Path implements View {
  private readonly decoded = new Screen();
  private readonly mixed = new Screen();
  private readonly screens = h("div", { className: "screens" }, this.decoded.figure, this.mixed.figure);
  private readonly output = h("output");
  private readonly echo = new Echo<number>(() => this.host.settled);
  private readonly transport = new Transport({
    title: "There and back; with Shift, backwards first",
    begin: (backwards) => (this.direction = backwards || this.t >= 1 ? -1 : 1),
    step: (seconds) => this.walk(seconds),
    tell: () => this.host.tell("t", this.echo.send(this.time())),
  });
  private readonly slider = new Slider(
    { label: "", step: 10 ** -DIGITS, nudge: STEP },
    (to) => this.go(to),
    this.transport.report,
  );
  private readonly bar: HTMLElement;
  private readonly box: HTMLElement;
  private data: PathData | null = null;
  private ends: [Pixels, Pixels] | null = null;
  private t = 0;
  private direction = 1;

  constructor(private readonly host: Host) {
    const ends = h("div", { className: "ends", "aria-hidden": "true" }, h("span", {}, "A"), h("span", {}, "B"));
    const { range } = this.slider;
    this.bar = h("div", { className: "bar" }, this.transport.button, range, this.output, ends);
    this.box = h("div", { className: "path" }, this.screens, this.bar);
    host.root.replaceChildren(this.box);
    range.className = "place";
    range.onkeydown = (event) => this.press(event);
    const letGo = () => this.transport.report.later();
    for (const { canvas } of [this.decoded, this.mixed]) {
      drag(canvas, (event) => this.go(event.offsetX / canvas.clientWidth), letGo);
    }
  }

  show(data: PathData): void {
    const others = this.data?.about !== data.about;
    const news = this.echo.isNews(data.t);
    const first = this.data?.model.key !== data.model.key;
    this.data = data;
    const [, height, width] = data.model.shape;
    for (const screen of [this.decoded, this.mixed]) screen.arrange({ width, height });
    this.decoded.label(data.captions[0]);
    this.mixed.label(data.captions[1]);
    this.mixed.figure.hidden = !data.fade;
    this.slider.range.setAttribute("aria-label", data.label);
    if (news) {
      this.transport.rest();
      this.t = data.t;
    }
    if (others) {
      this.ends = null;
      void this.read(data);
    }
    if (first) this.host.engine.load(data.model.decoder);
    if (others || news) this.draw();
  }

  /** The pixels of A and B, for the mixture. */
  private async read(data: PathData): Promise<void> {
    const found = await Promise.all(data.pictures.map((src) => pixelsOf(src, data.model.shape)));
    if (this.data?.about !== data.about) return;
    this.ends = [found[0], found[1]];
    this.mix();
  }

  private press(event: KeyboardEvent): void {
    const step = KEYS[event.key];
    if (event.key !== " " && step === undefined) return;
    event.preventDefault();
    if (step === undefined) return this.transport.toggle(event.shiftKey);
    this.go(this.time() + step);
    this.transport.report.later();
  }

  /** The hand goes to a place. */
  private go(to: number): void {
    this.transport.rest();
    this.transport.report.cancel();
    this.t = Math.min(1, Math.max(0, to));
    this.draw();
  }

  private walk(seconds: number): void {
    const next = this.t + (this.direction * seconds) / PASS;
    if (next <= 0 || next >= 1) this.direction = next <= 0 ? 1 : -1;
    this.t = Math.min(1, Math.max(0, next));
    this.draw();
  }

  /** The place as it is shown, decoded and told. */
  private time(): number {
    return Number(this.t.toFixed(DIGITS));
  }

  private draw(): void {
    const t = this.time();
    this.slider.put(t);
    this.slider.range.setAttribute("aria-valuetext", `${t.toFixed(2)} of the way from A to B`);
    this.output.textContent = `t = ${t.toFixed(2)}`;
    this.mix();
    const { model, a, b, classes, path } = this.data!;
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: path === "spherical" ? slerp(a, b, t) : lerp(a, b, t),
      y: classes ? lerp(...classes, t) : undefined,
      rows: 1,
      onPixels: (pixels) => this.decoded.draw(pixels, 0, 1, asked),
    });
  }

  private mix(): void {
    if (!this.ends || this.mixed.figure.hidden) return;
    this.mixed.draw(new Uint8ClampedArray(lerp(...this.ends, this.time())));
  }

  finish(): void {
    this.transport.finish();
  }

  fit(): void {
    if (!this.data) return;
    const room = this.host.root.clientWidth;
    const narrow = room < NARROW;
    const side = this.data.fade && !narrow ? (room - GAP) / 2 : room;
    const below = this.bar.offsetHeight + rems(CAPTION) + (narrow ? 0 : this.strip(room));
    const tall = Math.max(window.innerHeight * this.data.share, roomBelow(this.host.root) - below);
    this.box.classList.toggle("narrow", narrow);
    this.decoded.fit(side, tall);
    this.mixed.fit(narrow ? room / 2 : side, tall);
  }

  /** How high the strip of steps is that stands below and is to be seen as well. */
  private strip(room: number): number {
    const { strip, stripShare } = this.data!;
    const [across, down] = sizes(strip);
    const beside = strip.count > strip.columns ? rems(NAMES) : 0;
    return down * wholeScale(across, down, room - beside, window.innerHeight * stripShare) + rems(APART);
  }

  dispose(): void {
    this.transport.dispose();
    this.host.engine.cancel(this);
    for (const screen of [this.decoded, this.mixed]) screen.dispose();
  }
}

/** RGBA bytes of a picture that came as an address. */
async function pixelsOf(src: string, [, height, width]: Model["shape"]): Promise<Pixels> {
  const image = new Image();
  image.src = src;
  await image.decode();
  const context = h("canvas", { width, height }).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}
