import { openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** How a call ended. `open`: its process did not say, because it was killed or still runs. */
export type CallEnd = 'done' | 'failed' | 'aborted' | 'open';

/** One call for one record, as the process that made it wrote it down. Times are `nowUs`. */
export interface LoggedCall {
  readonly id: number;
  readonly who: string;
  readonly startUs: number;
  /** Infinity for one that is open. */
  readonly endUs: number;
  readonly end: CallEnd;
}

/** A clock that all processes of one machine share, and that nobody sets. */
export const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Writes down calls before they start and when they end; what is written outlives a SIGKILL. */
export class CallLog {
  readonly #file: number;
  #calls = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** The result ends the call. */
  started(ids: readonly number[]): (end: Exclude<CallEnd, 'open'>) => void {
    this.#calls += 1;
    const call = this.#calls;
    writeSync(this.#file, `S ${String(call)} ${String(nowUs())} ${ids.join(',')}\n`);
    return (end) => void writeSync(this.#file, `E ${String(call)} ${String(nowUs())} ${end}\n`);
  }
}

/** All calls that one process wrote down, those of a batch one by one. A last line that a kill cut short counts for nothing. */
export async function readCallLog(path: string, who: string): Promise<readonly LoggedCall[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const ends = new Map<string, { readonly endUs: number; readonly end: CallEnd }>();
  const starts: { readonly call: string; readonly startUs: number; readonly ids: string }[] = [];
  for (const line of lines) {
    const [what, call = '', us = '', rest = ''] = line.split(' ');
    if (what === 'S') starts.push({ call, startUs: Number(us), ids: rest });
    else if (what === 'E') ends.set(call, { endUs: Number(us), end: rest as CallEnd });
  }
  const open = { endUs: Number.POSITIVE_INFINITY, end: 'open' } as const;
  return starts.flatMap(({ call, startUs, ids }) =>
    ids.split(',').map((id): LoggedCall => ({ id: Number(id), who, startUs, ...(ends.get(call) ?? open) })),
  );
}
