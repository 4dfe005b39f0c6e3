import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/* Of the proofs that kill a run with a journal: what it has asked stands in a file of notes, the hash of a question a line. */

const patienceMs = 120_000;

export function startRun(worker: string, args: readonly string[], signal: AbortSignal): ChildProcess {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  return child;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits while the run lives; `more` says what it had too little of where it did not live long enough. */
export async function untilRun(child: ChildProcess, more: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (child.exitCode !== null) throw new Error(`the run ended before it was killed: give it more ${more}`);
    if (performance.now() > untilMs) throw new Error(`no further calls within ${String(patienceMs / 1_000)} s`);
    await pause(10);
  }
}

export const askedIn = async (notes: string): Promise<readonly string[]> =>
  (await readFile(notes, 'utf8')).split('\n').filter((line) => line.length === 64);

/** Read without our journal: whole lines, and what was answered in them, which is the first group of `answer`. */
export async function finishedIn(folder: string, answer: RegExp): Promise<ReadonlySet<string>> {
  const files = await readdir(folder).catch(() => []);
  const texts = await Promise.all(files.filter((file) => file.endsWith('.jsonl')).map((file) => readFile(join(folder, file), 'utf8')));
  const whole = texts.flatMap((text) => text.split('\n').slice(0, -1));
  return new Set(whole.flatMap((line) => answer.exec(line)?.[1] ?? []));
}
