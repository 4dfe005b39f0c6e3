import { readFile } from 'node:fs/promises';

/** What a process uses, as Linux tells it; undefined elsewhere. */
export interface ProcessUse {
  readonly residentBytes: number;
  /** Since it began; unlike speed it hardly depends on what else the machine does. */
  readonly cpuMs: number;
}

const ticksMs = 10; // of the clock that Linux counts in, on all its usual builds

export async function processUse(pid: number): Promise<ProcessUse | undefined> {
  const read = (file: string): Promise<string> => readFile(`/proc/${String(pid)}/${file}`, 'utf8').catch(() => '');
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await read('status')) ?? [];
  const stat = await read('stat');
  // the name of the program, in brackets, may hold anything; utime and stime are the 12th and 13th after it
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  if (kilobytes === undefined || user === undefined || system === undefined) return undefined;
  return { residentBytes: Number(kilobytes) * 1_024, cpuMs: (Number(user) + Number(system)) * ticksMs };
}
