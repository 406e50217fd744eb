// Whether the page owes an answer: what was asked of Streamlit's server and not finished, as its socket tells.
const RERUN = 11; // of BackMsg: a widget or a step in the history asks for a run of the page
const BEGUN = 4; // of ForwardMsg: that run begins
const FINISHED = 6; // of ForwardMsg: it ends, and how
const FOR_ANOTHER = 2; // it was ended early, for one that was asked for meanwhile
export const PATIENCE = 5_000; // milliseconds that an answer is waited for

/** What a message is: the number and the value of its last field; null where the bytes are no protocol buffer. */
export function kindOf(content: Uint8Array): { field: number; value: number } | null {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; at < content.length; scale *= 128) {
      const byte = content[at++];
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  let kind = null;
  while (at < content.length) {
    const key = number();
    const value = number(); // all that Streamlit says are numbers, and lengths of what follows
    if (key % 8 !== 0 && key % 8 !== 2) return null;
    if (key % 8 === 2) at += value;
    kind = { field: Math.floor(key / 8), value };
  }
  return at === content.length ? kind : null;
}

/** The runs that were asked for, until they have ended. */
export class Asked {
  private waiting: number[] = []; // when each of those was asked for that have not begun
  private isRunning = false;

  constructor(sockets: WebSocket) {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with the socket that it belongs to
    const { send } = sockets;
    const heard = new WeakSet<WebSocket>();
    const said = (content: unknown) => this.said(content);
    const answered = (event: MessageEvent) => this.answered(event.data);
    sockets.send = function (this: WebSocket, content) {
      if (!heard.has(this)) this.addEventListener("message", answered);
      heard.add(this);
      said(content);
      send.call(this, content);
    };
  }

  /** Whether an answer is still to come; what a page says that is being left has none, and is not waited for. */
  get isOpen(): boolean {
    return this.isRunning || this.isAhead(Infinity);
  }

  /** Whether a run that was asked for by this time is still to begin: what the page says until then is of one before. */
  isAhead(time: number): boolean {
    const now = performance.now();
    this.waiting = this.waiting.filter((at) => now - at < PATIENCE);
    return this.waiting.some((at) => at <= time);
  }

  private said(content: unknown): void {
    if (content instanceof Uint8Array && kindOf(content)?.field === RERUN) this.waiting.push(performance.now());
  }

  private answered(content: unknown): void {
    const kind = content instanceof ArrayBuffer ? kindOf(new Uint8Array(content)) : null;
    if (kind?.field === BEGUN) {
      this.isRunning = true;
      this.waiting.shift();
    } else if (kind?.field === FINISHED) {
      this.isRunning = kind.value === FOR_ANOTHER;
    }
  }
}
