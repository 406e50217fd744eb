// Traverse: one slider a dimension or direction; every movement of one decodes.
import { moved } from "../maths/axes";
import { h } from "../parts/dom";
import { rems, roomBelow } from "../parts/room";
import { Screen } from "../parts/screen";
import { Sliders } from "../parts/sliders";
import { Transport } from "../parts/transport";
import type { Slide, TraverseData } from "../../built/payloads";
import { Echo, type Host, type View } from "../view";
import "./traverse.css";

const BREATH = 6; // seconds there and back
const WIDE = 0.6; // share of its range that each goes through when all breathe
const GAPS = { wide: 24, narrow: 8 }; // CSS pixels between the pictures
const NARROW = 480; // CSS pixels of room
const BELOW = 6.5; // rem of words and buttons below the pictures

/** How a slider breathes: through `far` of its range, from `offset` on, at a pace of its own. */
interface Wave {
  slide: Slide;
  far: number;
  offset: number;
  pace: number;
}

export class Traverse implements View {
  private readonly now = new Screen();
  private readonly before = new Screen();
  private readonly screens = h("div", { className: "screens" }, this.now.figure, this.before.figure);
  private readonly heading = h("p", { className: "heading" });
  private readonly breath = h("select", { "aria-label": "What breathes" });
  private readonly echo = new Echo<Record<string, number>>(() => this.host.settled);
  private readonly transport = new Transport({
    play: "Animate",
    stop: "Stop",
    title: "Walk slowly through the range, there and back",
    begin: () => this.wake(),
    step: (seconds) => this.breathe(seconds),
    tell: () => {
      this.echo.send(this.sliders.moved());
      this.host.tell("places", this.sliders.changes());
    },
  });
  private readonly sliders = new Sliders(() => this.move(), this.transport.report);
  private readonly side: HTMLElement;
  private data: TraverseData | null = null;
  private phase = 0;
  private waves: Wave[] = [];

  constructor(private readonly host: Host) {
    const { box, filter, order } = this.sliders;
    const breath = h("div", { className: "tools" }, this.transport.button, this.breath);
    const tools = h("div", { className: "tools" }, filter, order);
    this.side = h("div", { className: "side" }, this.heading, tools, box);
    host.root.replaceChildren(
      h("div", { className: "traverse" }, h("div", { className: "stage" }, this.screens, breath), this.side),
    );
    order.onchange = () => {
      this.sliders.arrange();
      this.host.tell("order", this.sliders.byName);
    };
  }

  show(data: TraverseData): void {
    const others = this.data?.about !== data.about;
    const news = this.echo.isNews(data.places) || others;
    const first = this.data === null || this.data.model.key !== data.model.key;
    this.data = data;
    if (this.host.settled || others) this.sliders.heard();
    const [, height, width] = data.model.shape;
    for (const screen of [this.now, this.before]) screen.arrange({ width, height });
    this.now.label(data.captions[0], "The picture decoded where the sliders stand");
    this.before.label(data.captions[1]);
    void this.before.load(data.picture);
    [this.heading.textContent, this.heading.title] = data.heading;
    if (first) this.sliders.order.selectedIndex = Number(data.byName);
    if (others) this.build();
    if (news) {
      this.transport.rest();
      this.sliders.put(data.places);
    }
    if (first) this.host.engine.load(data.model.decoder);
    if (news || first) this.decode();
  }

  /** New sliders, for another model, start or level. */
  private build(): void {
    const { slides, folded } = this.data!;
    this.sliders.show(slides, folded);
    const names = slides.filter(({ active }) => active).map(({ key }) => key);
    this.breath.replaceChildren(
      ...["all", ...names].map((name) => h("option", { value: name }, name === "all" ? "all dimensions" : name)),
    );
    this.transport.button.disabled = names.length === 0;
  }

  /** The hand moves a slider. */
  private move(): void {
    this.transport.rest();
    this.decode();
  }

  private decode(): void {
    const { model, start, slides, y } = this.data!;
    const asked = performance.now();
    this.host.engine.decode(this, {
      model,
      z: moved(start, slides, this.sliders.places),
      y: y === null ? undefined : Float32Array.from(y),
      rows: 1,
      onPixels: (pixels) => this.now.draw(pixels, 0, 1, asked),
    });
  }

  /** Move from where the sliders stand: one through its whole range, all together each at a pace of its own. */
  private wake(): void {
    this.phase = 0;
    const all = this.breath.value === "all";
    const slides = this.data!.slides.filter(({ active, key }) => (all ? active : key === this.breath.value));
    this.waves = slides.map((slide, i) => {
      const { low, high, key, start } = slide;
      const share = (2 * ((this.sliders.places.get(key) ?? start) - low)) / (high - low) - 1; // -1 to 1
      const far = all ? Math.max(WIDE, Math.abs(share)) : 1;
      const offset = Math.asin(Math.min(1, Math.max(-1, share / far)));
      return { slide, far, offset, pace: all ? 0.5 + ((i * 0.618) % 1) : 1 };
    });
  }

  private breathe(seconds: number): void {
    this.phase += (seconds / BREATH) * 2 * Math.PI;
    for (const { slide, far, offset, pace } of this.waves) {
      const { key, low, high } = slide;
      this.sliders.set(key, (low + high) / 2 + (far * Math.sin(this.phase * pace + offset) * (high - low)) / 2);
    }
    this.decode();
  }

  finish(): void {
    this.transport.finish();
  }

  fit(): void {
    if (!this.data) return;
    const { root } = this.host;
    const room = this.screens.clientWidth;
    const gap = room < NARROW ? GAPS.narrow : GAPS.wide;
    const rest = rems(this.data.rest);
    const tall = Math.max(window.innerHeight * this.data.share, roomBelow(root) - rems(BELOW) - rest);
    for (const screen of [this.now, this.before]) screen.fit((room - gap) / 2, tall);
    const beside = this.side.offsetTop === 0; // on a phone the sliders stand below, and their height is the style's
    const high = Math.max(window.innerHeight * this.data.share, roomBelow(this.sliders.box) - rest);
    this.sliders.box.style.maxHeight = beside ? `${high}px` : "";
  }

  dispose(): void {
    this.transport.dispose();
    this.host.engine.cancel(this);
    for (const screen of [this.now, this.before]) screen.dispose();
  }
}
