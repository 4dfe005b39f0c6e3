import type { Clock } from '../../clock.ts';
import { DocumentError, messageOf } from '../../errors.ts';
import type { ReadText } from './read-text.ts';
import { type ReaderProcess, startReader } from './reader-process.ts';

export interface PdfBounds {
  readonly timeoutMs: number;
  /** Of the reader's heap, and as much outside of it. */
  readonly maxMemoryMb: number;
  readonly clock: Clock;
}

/** What the reader says. */
export type PdfReply =
  | { readonly kind: 'text'; readonly read: ReadText }
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

interface Reader extends ReaderProcess {
  readonly maxMemoryMb: number;
  /** Whether it has read a PDF before. */
  isUsed: boolean;
  /** Told of its end, while it reads. */
  onEnd: ((end: unknown) => void) | undefined;
}

const mostAtOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];
const idle: Reader[] = []; // loading pdf.js takes ten times as long as reading a page

/**
 * The text of a PDF, page after page, found in a process of its own: what a file does to pdf.js, or to V8, ends with the process, which a thread in it ends above its memory. Two at a time; others
 * wait. A process that has replied stays for the next PDF, keeps nobody alive, and ends with its parent.
 */
export async function pdfText(bytes: Uint8Array, bounds: PdfBounds): Promise<ReadText> {
  if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await inProcess(bytes, bounds);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

function readerFor(maxMemoryMb: number): Reader {
  const at = idle.findIndex((one) => one.maxMemoryMb === maxMemoryMb);
  const found = at < 0 ? undefined : idle.splice(at, 1)[0];
  if (found !== undefined) {
    held(found, true);
    return found;
  }
  if (idle.length >= mostAtOnce) idle.shift()?.child.kill('SIGKILL'); // of another size
  // pdf.js tells of damaged files on its console
  const started = startReader({ entry: 'pdf-child', args: [], memoryMb: maxMemoryMb, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  started.child.on('error', () => undefined); // it did not start, or takes no message any more: `ended` tells
  const reader: Reader = { ...started, maxMemoryMb, isUsed: false, onEnd: undefined };
  void started.ended.then((end) => {
    if (idle.includes(reader)) idle.splice(idle.indexOf(reader), 1);
    reader.onEnd?.(end);
  });
  return reader;
}

/** Whether it keeps this process from ending. */
function held({ child }: Reader, isHeld: boolean): void {
  child[isHeld ? 'ref' : 'unref']();
  child.channel?.[isHeld ? 'ref' : 'unref']();
}

async function inProcess(bytes: Uint8Array, bounds: PdfBounds): Promise<ReadText> {
  const reader = readerFor(bounds.maxMemoryMb);
  let reply: PdfReply | Ended;
  try {
    reply = await replyOf(reader, bytes, bounds);
  } catch (error) {
    reader.child.kill('SIGKILL');
    throw error;
  }
  if (reply.kind === 'ended') {
    // what an earlier PDF has left in it may be the reason: this one gets a process of its own
    if (reader.isUsed) return inProcess(bytes, bounds);
    throw new DocumentError(endText(reply.end, bounds.maxMemoryMb));
  }
  reader.isUsed = true;
  held(reader, false);
  idle.push(reader);
  if (reply.kind === 'text') return reply.read;
  throw refusal(reply.name, reply.message);
}

const refusal = (name: string, message: string): DocumentError =>
  new DocumentError(
    name === 'PasswordException'
      ? 'this PDF is encrypted and asks for a password; write it without one'
      : `expected a PDF, got one that is damaged beyond reading (${message}); leave it out, or write it anew`,
  );

/** What a process leaves behind that was ended for its memory, by its watch or by V8. */
const endsOfMemory: ReadonlySet<unknown> = new Set(['SIGKILL', 'SIGABRT', 'SIGTRAP', 'SIGILL', 134]);

const endText = (end: unknown, maxMemoryMb: number): string => {
  if (end instanceof Error) return `this PDF cannot be read: its reader did not start (${messageOf(end)})`;
  return endsOfMemory.has(end)
    ? `the text of this PDF takes more than ${String(maxMemoryMb)} MiB of memory; raise maxMemoryMb, or leave it out`
    : `this PDF cannot be read: it broke its reader (${String(end)}); leave it out`;
};

interface Ended {
  readonly kind: 'ended';
  readonly end: unknown;
}

/** @throws DocumentError when its time is over. */
async function replyOf(reader: Reader, bytes: Uint8Array, { timeoutMs, clock }: PdfBounds): Promise<PdfReply | Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<PdfReply | Ended>();
  const cancel = clock.schedule(timeoutMs, () => {
    reject(new DocumentError(`the text of this PDF was not found within ${String(timeoutMs)} ms; raise timeoutMs, or leave it out`));
  });
  const { child } = reader;
  reader.onEnd = (end) => {
    resolve({ kind: 'ended', end });
  };
  child.once('message', resolve);
  child.send(bytes, () => undefined); // what keeps it from being sent is its end, which is told
  try {
    return await promise;
  } finally {
    cancel();
    reader.onEnd = undefined;
    child.off('message', resolve);
  }
}
