// Draw: a canvas for a hand; what is drawn is encoded and decoded with every movement.
import { along, outside } from "../../maths/axes";
import { Bars, Plane } from "../../parts/chart";
import { h } from "../../parts/dom";
import "./draw.css";
import { seen } from "../../maths/ink";
import { toPixels } from "../../decode/pixels";
import type { DrawData, Model } from "../../../built/payloads";
import { Screen } from "../../parts/screen";
import { Slider } from "../../parts/slider";
import type { Host, View } from "../../view";
import { type Look, paint, Paper } from "./paper";

const FIELD = 256; // pixels of the longer side of what the model's picture is made from
const PHONE = 600; // CSS pixels: what is narrower has the pictures below the drawing
const NARROW = 760; // CSS pixels: what is narrower has the buttons below the pictures
const BUTTONS = 136; // CSS pixels of the column of buttons, at least: as in draw.css
const GAP = 24; // CSS pixels between neighbours
const TARGET = 512; // pixels of a picture in a download, about
const THICKNESS = 0.09; // of the pen, in parts of the width
const GREY = "rgb(128 128 128)";

export class Draw implements View {
  private readonly paper = new Paper(
    () => ({
      thickness: Number(this.thickness.range.value),
      colour: this.eraser.ariaPressed === "true" ? null : this.colour.value,
    }),
    () => this.later(),
  );
  private readonly field = h("canvas").getContext("2d", { willReadFrequently: true })!;
  private readonly seen = new Screen();
  private readonly rebuilt = new Screen();
  private readonly bars = new Bars();
  private readonly plane = new Plane();
  private readonly said = h("p", { className: "said", role: "status" });
  private readonly pen = h("button", { type: "button" }, "Pen");
  private readonly eraser = h("button", { type: "button" }, "Eraser");
  private readonly thickness = new Slider({ label: "Thickness", low: 0.02, high: 0.3, step: 0.01, nudge: 0.01 });
  private readonly colour = h("input", { type: "color", "aria-label": "Colour of the pen" });
  private readonly centre = h("input", { type: "checkbox" });
  private readonly centring = h(
    "label",
    { title: "As the training data were made: scaled to one size, the ink in the middle" },
    this.centre,
    "Cut out and centred",
  );
  private readonly undo = h("button", { type: "button", title: "Undo the last stroke (Ctrl+Z)" }, "Undo");
  private readonly clear = h("button", { type: "button" }, "Clear");
  private readonly pair = h("div", { className: "pair" }, this.seen.figure, this.rebuilt.figure);
  private readonly boards: HTMLElement;
  private readonly root: HTMLElement;
  private readonly sends: HTMLButtonElement[];
  private data: DrawData | null = null;
  private x: Float32Array | null = null;
  private request = 0;
  private busy = false; // an encoding is under way
  private late = false; // and what is drawn is another by now

  constructor(private readonly host: Host) {
    const slots: [string, string][] = [
      ["Use as A", "a"],
      ["Use as B", "b"],
      ["Traverse from here", "start"],
    ];
    this.sends = slots.map(([text, slot]) => {
      const button = h("button", { type: "button", className: `to-${slot}` }, text);
      button.onclick = () => this.send(slot);
      return button;
    });
    const save = h(
      "button",
      { type: "button", title: "The drawing, what the model sees, and the reconstruction" },
      "Pictures (PNG)",
    );
    save.onclick = () => this.save();
    this.sends.push(save);
    const own = h("figure", {}, this.paper.box, h("figcaption", {}, "Your drawing"));
    const sends = h("div", { className: "tools sends" }, ...this.sends);
    this.boards = h("div", { className: "boards" }, own, this.pair, this.plane.box, sends);
    const width = h("label", { className: "thickness" }, "Thickness", this.thickness.range);
    const tools = h(
      "div",
      { className: "tools" },
      this.pen,
      this.eraser,
      width,
      this.colour,
      this.centring,
      this.undo,
      this.clear,
    );
    this.root = h("div", { className: "draw" }, tools, this.boards, this.said, this.bars.box);
    host.root.replaceChildren(this.root);
    this.listen();
  }

  show(data: DrawData): void {
    const others = this.data?.model.key !== data.model.key;
    this.data = data;
    if (!others) return;
    const [channels, height, width] = data.model.shape;
    for (const screen of [this.seen, this.rebuilt]) screen.arrange({ width, height });
    this.colour.hidden = channels === 1;
    this.colour.value = data.dark ? "#ffffff" : "#000000";
    this.centring.hidden = data.centring === null;
    this.centre.checked = data.centre;
    this.plane.box.hidden = data.plane === null;
    this.bars.box.hidden = data.plane !== null;
    this.root.classList.toggle("flat", data.plane !== null);
    this.use(null);
    if (data.plane) this.plane.show(data.plane);
    else this.bars.show(data.axes);
    this.host.engine.load(data.model.encoder!);
    this.host.engine.load(data.model.decoder);
    const scale = FIELD / Math.max(width, height);
    Object.assign(this.field.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    this.update();
  }

  private listen(): void {
    this.pen.onclick = () => this.use("pen");
    this.eraser.onclick = () => this.use("eraser");
    this.colour.oninput = () => this.use("pen");
    this.centre.onchange = () => this.later();
    this.undo.onclick = () => this.paper.undo();
    this.clear.onclick = () => this.paper.clear();
    this.thickness.put(THICKNESS);
  }

  private use(tool: "pen" | "eraser" | null): void {
    this.pen.ariaPressed = String(tool !== "eraser");
    this.eraser.ariaPressed = String(tool === "eraser");
  }

  private later(): void {
    this.request ||= requestAnimationFrame(() => {
      this.request = 0;
      this.update();
    });
  }

  /** Once a frame: show the drawing, and let the model see it. */
  private update(): void {
    const { drawn, hasPast } = this.paper;
    this.paper.show(this.look);
    this.undo.disabled = !hasPast;
    this.clear.disabled = drawn.length === 0;
    for (const button of this.sends) button.disabled = drawn.length === 0;
    if (!drawn.length) return this.blank();
    const { model, centring, bits } = this.data!;
    paint(this.field, drawn, this.look);
    const { width, height } = this.field.canvas;
    const { data } = this.field.getImageData(0, 0, width, height);
    this.x = seen(data, { width, height }, model.shape, this.centre.checked ? centring : null, bits);
    this.seen.draw(this.pixelsOf(this.x));
    this.encode();
  }

  private get look(): Look {
    const { dark, model } = this.data!;
    return { dark, coloured: model.shape[0] > 1 };
  }

  private pixelsOf(x: Float32Array): Uint8ClampedArray<ArrayBuffer> {
    const [channels, height, width] = this.data!.model.shape;
    return toPixels(x, channels, height * width);
  }

  /** Nothing is drawn. */
  private blank(): void {
    this.x = null;
    this.late = false;
    this.host.engine.cancel(this);
    for (const screen of [this.seen, this.rebuilt]) screen.clear();
    this.put(null);
  }

  /** One encoding at a time; when it is there, that of what is drawn by then. */
  private encode(): void {
    if (this.busy) {
      this.late = true;
      return;
    }
    const { model } = this.data!;
    const asked = performance.now();
    this.busy = true;
    this.late = false;
    this.host.engine.encode(model, this.x!).then(
      (found) => this.encoded(model, found, asked),
      (error: Error) => {
        this.busy = false; // tried again with the next movement
        this.host.fail(error.message);
      },
    );
  }

  private encoded(model: Model, found: Record<string, Float32Array>, asked: number): void {
    this.busy = false;
    this.host.fail("");
    if (this.isOpen(model)) this.decode(model, found, asked);
    if (this.late && this.x) this.encode();
  }

  private decode(model: Model, found: Record<string, Float32Array>, asked: number): void {
    const { mean, std, y } = found;
    this.put({ mean, std, y });
    this.host.engine.decode(this, {
      model,
      z: mean,
      y,
      rows: 1,
      onPixels: (pixels) => this.isOpen(model) && this.rebuilt.draw(pixels, 0, 1, asked),
    });
  }

  /** Whether an answer is still wanted: nothing was cleared, and no other model opened, since it was asked for. */
  private isOpen(model: Model): boolean {
    return this.x !== null && this.data!.model.key === model.key;
  }

  /** Say and show where the drawing lies. */
  private put(found: { mean: Float32Array; std: Float32Array; y?: Float32Array } | null): void {
    const { axes, plane, classes, sees } = this.data!;
    this.pair.classList.toggle("empty", !found);
    this.seen.label(`What the model sees: ${sees}`, "Your drawing as the model sees it");
    this.rebuilt.label(
      found?.y ? `Reconstruction; ${likeliest(found.y, classes)}` : "Reconstruction",
      "Reconstruction of your drawing",
    );
    if (plane) this.plane.put(found);
    else this.bars.put(found);
    if (plane)
      this.said.textContent =
        "Each point is a reference picture; the cross is your drawing, with 1 and 2 standard deviations around it.";
    else if (!found)
      this.said.textContent =
        "Below, every dimension of the latent space; grey is where 95 % of the reference pictures lie.";
    else
      this.said.textContent = outside(
        axes,
        axes.map((axis) => along(axis, found.mean, found.std)[0]),
      );
  }

  /** The picture as the model sees it, for the other pages. */
  private send(slot: string): void {
    const [, height, width] = this.data!.model.shape;
    const picture = h("canvas", { width, height });
    picture.getContext("2d")!.putImageData(new ImageData(this.pixelsOf(this.x!), width, height), 0, 0);
    // Pressed twice, it is sent twice: what is told must differ.
    this.host.tell("sent", { to: slot, png: picture.toDataURL("image/png"), at: Date.now() });
  }

  private save(): void {
    const [, height, width] = this.data!.model.shape;
    const scale = Math.max(1, Math.round(TARGET / Math.max(height, width)));
    const [across, down, gap] = [width * scale, height * scale, scale];
    const context = h("canvas", { width: 3 * across + 4 * gap, height: down + 2 * gap }).getContext("2d")!;
    context.fillStyle = GREY;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    context.imageSmoothingEnabled = false;
    const own = h("canvas", { width: across, height: down }).getContext("2d")!;
    paint(own, this.paper.drawn, this.look);
    [own.canvas, this.seen.canvas, this.rebuilt.canvas].forEach((picture, i) =>
      context.drawImage(picture, gap + i * (across + gap), gap, across, down),
    );
    context.canvas.toBlob((blob) => {
      const address = URL.createObjectURL(blob!);
      h("a", { href: address, download: "drawing.png" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    });
  }

  fit(): void {
    if (!this.data) return;
    const room = this.boards.clientWidth;
    const [, height, width] = this.data.model.shape;
    const [phone, flat, tall] = [room < PHONE, this.data.plane !== null, window.innerHeight];
    const beside = !flat && room >= NARROW;
    this.root.classList.toggle("below", !beside);
    const side = phone
      ? Math.min(room, 0.5 * tall)
      : flat
        ? Math.min((room - 2 * GAP) / 2.6, 0.46 * tall)
        : Math.min((room - 2 * GAP - (beside ? BUTTONS + GAP : 0)) / 3, 0.32 * tall);
    const small = phone ? (room - 16) / 2 : flat ? (side - 40) / 2 : side;
    for (const screen of [this.seen, this.rebuilt]) {
      screen.fit(small, small);
      screen.figure.style.width = screen.canvas.style.width; // a long caption breaks
    }
    const as = phone || flat ? side : parseFloat(this.seen.canvas.style.width); // as large as its neighbours
    const scale = as / (phone || flat ? Math.max(width, height) : width);
    const ratio = window.devicePixelRatio || 1;
    const { canvas } = this.paper;
    Object.assign(canvas.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    Object.assign(canvas, {
      width: Math.round(width * scale * ratio),
      height: Math.round(height * scale * ratio),
    });
    this.paper.show(this.look);
    this.plane.fit(phone ? room : side * 1.15, side);
    if (!flat) this.bars.build();
  }

  dispose(): void {
    cancelAnimationFrame(this.request);
    this.host.engine.cancel(this);
    for (const screen of [this.seen, this.rebuilt]) screen.dispose();
  }
}

/** What the model takes a picture for: weights in words. */
export function likeliest(y: Float32Array, classes: string[]): string {
  const best = y.reduce((at, weight, i) => (weight > y[at] ? i : at), 0);
  return `looks like: ${classes[best] ?? best}, ${Math.round(100 * y[best])} %`;
}
