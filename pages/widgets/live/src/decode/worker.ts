// The worker: onnxruntime-web with its wasm build on one thread, one session a graph, one run at a time.
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-web/wasm";
import { toPixels } from "./pixels";
import type { Ask, FromWorker, ToWorker } from "./protocol";

const MAX_SESSIONS = 12; // graphs held in memory; the one used longest ago goes first

type Runtime = typeof import("onnxruntime-web/wasm");
interface Held {
  session: InferenceSession;
  inputs: Map<string, TypedTensor<"float32">>; // kept from run to run while their size stays
}

/** The server gives no such file, and says why. */
class Refused extends Error {}

const worker = self as unknown as DedicatedWorkerGlobalScope;
const held = new Map<string, Promise<Held>>();
let runtime: Promise<Runtime>;

const say = (message: FromWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);

async function begin(base: string): Promise<Runtime> {
  const ort: Runtime = await import(/* @vite-ignore */ `${base}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = base;
  ort.env.logLevel = "error";
  return ort;
}

/** The session of a graph, made at its first use. */
function open(url: string): Promise<Held> {
  const found = held.get(url) ?? make(url);
  held.delete(url);
  held.set(url, found); // now the one used last
  for (const [old, gone] of held) {
    if (held.size <= MAX_SESSIONS) break;
    held.delete(old);
    gone.then(({ session }) => session.release()).catch(() => undefined);
  }
  return found;
}

async function make(url: string): Promise<Held> {
  try {
    // The file comes while the runtime does.
    const [ort, answer] = await Promise.all([runtime, fetch(url)]);
    if (!answer.ok) {
      const refusal = await sentence(answer);
      throw refusal ? new Refused(refusal) : new Error(`the decoder is not available (${answer.status})`);
    }
    const session = await ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()));
    return { session, inputs: new Map() };
  } catch (error) {
    held.delete(url); // a later try shall begin anew
    throw error;
  }
}

/** What the server says of a file that it does not give; nothing, where somebody else answered in its place. */
async function sentence(answer: Response): Promise<string> {
  const plain = answer.headers.get("content-type")?.startsWith("text/plain") ?? false;
  return plain && (answer.status === 404 || answer.status === 422) ? answer.text() : "";
}

async function run(ask: Ask): Promise<void> {
  const [ort, { session, inputs }] = await Promise.all([runtime, open(ask.url)]);
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputNames) {
    const values = ask.feeds[name];
    let tensor = inputs.get(name);
    if (tensor?.size !== values.length) {
      tensor = new ort.Tensor("float32", new Float32Array(values.length), [ask.rows, ...ask.shapes[name]]);
      inputs.set(name, tensor);
    }
    tensor.data.set(values);
    feeds[name] = tensor;
  }
  const found = await session.run(feeds);
  if (ask.pictures) {
    const x = found[session.outputNames[0]] as TypedTensor<"float32">;
    const pixels = toPixels(x.data, x.dims[1], x.dims[2] * x.dims[3]);
    say({ kind: "pixels", id: ask.id, pixels }, [pixels.buffer]);
  } else {
    const copied = session.outputNames.map(
      (name) => [name, (found[name] as TypedTensor<"float32">).data.slice()] as const,
    );
    say(
      { kind: "numbers", id: ask.id, outputs: Object.fromEntries(copied) },
      copied.map(([, values]) => values.buffer),
    );
  }
}

worker.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  try {
    if (data.kind === "begin") await (runtime = begin(data.runtime));
    else if (data.kind === "run") await run(data);
    else {
      await open(data.url);
      say({ kind: "loaded", url: data.url });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say({
      kind: "failed",
      id: data.kind === "run" ? data.id : null,
      url: data.kind === "begin" ? null : data.url,
      reason,
      refused: error instanceof Refused,
    });
  }
};
