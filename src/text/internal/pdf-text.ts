import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import { DocumentError, messageOf } from '../../errors.ts';
import type { ReadText } from './read-text.ts';

/** `./pdf-worker.ts` in the repository, `.js` where it was compiled. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './pdf-worker.ts' : './pdf-worker.js', import.meta.url);

export interface PdfBounds {
  readonly timeoutMs: number;
  /** Of the thread's heap, and as much outside of it. */
  readonly maxMemoryMb: number;
  readonly clock: Clock;
}

/** What the thread says. */
export type PdfReply =
  | { readonly kind: 'text'; readonly read: ReadText }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

interface Thread {
  readonly worker: Worker;
  readonly maxMemoryMb: number;
}

const lookEveryMs = 25;
const mebibyte = 1024 * 1024;
const mostAtOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];
const idle: Thread[] = []; // loading pdf.js takes ten times as long as reading a page

/**
 * The text of a PDF, page after page, found in another thread: what a file does to pdf.js ends with the thread. V8 bounds its heap; what lies outside of the heap (unpacked streams) is looked at every
 * 25 ms. Two at a time; others wait. A thread that has replied stays for the next PDF, and keeps no process alive.
 */
export async function pdfText(bytes: Uint8Array, bounds: PdfBounds): Promise<ReadText> {
  if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await inThread(bytes, bounds);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

function threadFor(maxMemoryMb: number): Thread {
  const at = idle.findIndex((one) => one.maxMemoryMb === maxMemoryMb);
  const found = at < 0 ? idle.splice(0, idle.length >= mostAtOnce ? 1 : 0) : idle.splice(at, 1);
  const [thread] = found;
  if (thread !== undefined && at >= 0) {
    thread.worker.ref();
    return thread;
  }
  void thread?.worker.terminate(); // of another size
  const limits = { maxOldGenerationSizeMb: maxMemoryMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };
  // pdf.js tells of damaged files on its console
  return { worker: new Worker(entry, { execArgv: [], env: {}, stdout: true, stderr: true, resourceLimits: limits }), maxMemoryMb };
}

async function inThread(bytes: Uint8Array, bounds: PdfBounds): Promise<ReadText> {
  const thread = threadFor(bounds.maxMemoryMb);
  try {
    const reply = await replyOf(thread.worker, bytes, bounds);
    thread.worker.unref();
    idle.push(thread);
    if (reply.kind === 'text') return reply.read;
    throw refusal(reply.name, reply.message);
  } finally {
    if (!idle.includes(thread)) void thread.worker.terminate();
  }
}

const refusal = (name: string, message: string): DocumentError =>
  new DocumentError(
    name === 'PasswordException'
      ? 'this PDF is encrypted and asks for a password; write it without one'
      : `expected a PDF, got one that is damaged beyond reading (${message}); leave it out, or write it anew`,
  );

const tooMuch = (maxMemoryMb: number): string =>
  `the text of this PDF takes more than ${String(maxMemoryMb)} MiB of memory; raise maxMemoryMb, or leave it out`;

async function replyOf(worker: Worker, bytes: Uint8Array, { timeoutMs, maxMemoryMb, clock }: PdfBounds): Promise<PdfReply> {
  const untilMs = clock.nowMs() + timeoutMs;
  let cancel = (): void => undefined;
  const reply = new Promise<PdfReply>((resolve, reject) => {
    const fail = (message: string): void => reject(new DocumentError(message));
    const look = (): void => {
      if (clock.nowMs() >= untilMs) {
        fail(`the text of this PDF was not found within ${String(timeoutMs)} ms; raise timeoutMs, or leave it out`);
        return;
      }
      worker.getHeapStatistics().then(
        ({ external_memory: outside }) => {
          if (outside > maxMemoryMb * mebibyte) fail(tooMuch(maxMemoryMb));
        },
        () => undefined, // it has ended, which is told elsewhere
      );
      cancel = clock.schedule(Math.min(lookEveryMs, untilMs - clock.nowMs()), look);
    };
    worker.once('message', resolve);
    worker.once('error', (error) => {
      const isMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      fail(isMemory ? tooMuch(maxMemoryMb) : `this PDF cannot be read (${messageOf(error)}); leave it out`);
    });
    worker.once('exit', (code) => fail(`the thread that read this PDF ended with code ${String(code)}; leave it out`));
    look();
    worker.postMessage(bytes);
  });
  return reply.finally(() => {
    cancel();
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    worker.on('error', () => undefined); // what comes of it when it is ended, or idle, is nobody's failure
  });
}
