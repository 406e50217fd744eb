// Pictures that the server has made: a grid with names at its sides; one of them may be pressed.
import { Field } from "../parts/field";
import type { PicturesData } from "../../built/payloads";
import type { Host, View } from "../view";

export class Pictures implements View {
  private readonly field = new Field((place) => {
    if (this.data?.pickable) this.host.tell("picked", place);
  });
  private data: PicturesData | null = null;

  constructor(private readonly host: Host) {
    host.root.replaceChildren(this.field.box);
  }

  show(data: PicturesData): void {
    this.data = data;
    this.field.arrange(data.layout, data.alt, data.chosen, data.pickable);
    this.field.label(data.rows, data.below);
    void this.field.screen.load(data.src);
  }

  fit(): void {
    if (this.data) this.field.fit(this.host.root.clientWidth, window.innerHeight * this.data.share);
  }

  dispose(): void {
    this.field.screen.dispose();
  }
}
