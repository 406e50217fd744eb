// A canvas' context that draws nothing, and keeps what it was told to draw.

type Point = [number, number];

/** What was drawn: `kind` is the method, `style` the colour that it was done with. */
export interface Stroke {
  kind: string;
  values: unknown[];
  style: string;
  alpha: number;
  width: number;
  path: Point[];
}

export class Pen {
  drawn: Stroke[] = [];
  fillStyle = "";
  strokeStyle = "";
  globalAlpha = 1;
  lineWidth = 1;
  font = "";
  textAlign = "";
  textBaseline = "";
  lineCap = "";
  lineJoin = "";
  imageSmoothingEnabled = true;
  private path: Point[] = [];

  constructor(readonly canvas: HTMLCanvasElement) {}

  private keep(kind: string, style: string, values: unknown[] = []): void {
    this.drawn.push({ kind, values, style, alpha: this.globalAlpha, width: this.lineWidth, path: [...this.path] });
  }

  /** The values of all that was drawn in one way. */
  all(kind: string): unknown[][] {
    return this.drawn.filter((stroke) => stroke.kind === kind).map(({ values }) => values);
  }

  beginPath(): void {
    this.path = [];
  }

  moveTo(x: number, y: number): void {
    this.path.push([x, y]);
  }

  lineTo(x: number, y: number): void {
    this.path.push([x, y]);
  }

  rect(x: number, y: number): void {
    this.path.push([x, y]);
  }

  arc(x: number, y: number): void {
    this.path.push([x, y]);
  }

  fill(): void {
    this.keep("fill", this.fillStyle);
  }

  stroke(): void {
    this.keep("stroke", this.strokeStyle);
  }

  fillText(...values: unknown[]): void {
    this.keep("fillText", this.fillStyle, values);
  }

  fillRect(...values: unknown[]): void {
    this.keep("fillRect", this.fillStyle, values);
  }

  putImageData(...values: unknown[]): void {
    this.keep("putImageData", "", values);
  }

  drawImage(...values: unknown[]): void {
    this.keep("drawImage", "", values);
  }

  clearRect(): void {
    this.drawn = [];
  }

  measureText(text: string): { width: number } {
    return { width: 8 * text.length };
  }

  getImageData(_x: number, _y: number, width: number, height: number): { data: Uint8ClampedArray } {
    return { data: new Uint8ClampedArray(4 * width * height) };
  }

  closePath(): void {}
  clip(): void {}
  save(): void {}
  restore(): void {}
  setTransform(): void {}
  setLineDash(): void {}
}
