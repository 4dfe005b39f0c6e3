import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { journal, systemClock } from '../../src/index.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'journal';
export const summary =
  'appends a second against appendFile with an fsync each, and the opening of a million keys; about 2 minutes, --short half a minute';

const writers = [1, 16, 256] as const;
const rounds = 3;
const value = 'x'.repeat(900);
type Append = (key: string) => Promise<unknown>;
/** Opens a way to write to a folder, until `close`. */
type Way = (dir: string) => Promise<{ readonly append: Append; readonly close: () => Promise<unknown> }>;

const openJournal = (dir: string) =>
  journal({ dir }).open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });

const ways = {
  journal: async (dir) => {
    const { value: opened, close } = await openJournal(dir);
    return { append: (key) => opened.append(key, value), close };
  },
  plain: async (dir) => {
    const file = await open(join(`${dir}.jsonl`), 'a');
    const append = async (key: string): Promise<void> => {
      await file.appendFile(`${JSON.stringify({ k: key, v: value })}\n`);
      await file.datasync();
    };
    return { append, close: () => file.close() };
  },
} satisfies Record<string, Way>;

/** Appends a second, of so many that each append again as soon as the last one is on the disk. */
async function rate(way: Way, dir: string, count: number, forMs: number, signal: AbortSignal): Promise<number> {
  const { append, close } = await way(dir);
  const untilMs = performance.now() + forMs;
  let done = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: count }, async (_, writer) => {
      for (let n = 0; performance.now() < untilMs && !signal.aborted; n += 1) {
        await append(`${String(writer)} ${String(n)}`);
        done += 1;
      }
    }),
  );
  const perSecond = (done * 1_000) / (performance.now() - startedMs);
  await close();
  return perSecond;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const shown = (perSecond: number): string =>
  `${Math.round(perSecond).toLocaleString('en-US')}/s, ${((perSecond * value.length) / 1e6).toFixed(1)} MB/s`;
const fact = (what: string, measured: string): Finding => ({ what, measured, passes: '', pass: true });

async function appends(context: ExperimentContext): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const count of writers) {
    const rates: Record<keyof typeof ways, number[]> = { journal: [], plain: [] };
    for (let round = 0; round < rounds; round += 1)
      for (const way of ['journal', 'plain'] as const) {
        const dir = join(context.folder, `${way}-${String(count)}-${String(round)}`);
        rates[way].push(await rate(ways[way], dir, count, context.short ? 500 : 3_000, context.signal));
      }
    const times = median(rates.journal.map((one, round) => one / (rates.plain[round] ?? 1)));
    const what = count === 1 ? '1 writer' : `${String(count)} writers`;
    context.say(`${what}: ${times.toFixed(2)} times the plain thing`);
    findings.push(
      fact(`${what}: journal`, shown(median(rates.journal))),
      fact(`${what}: appendFile and fdatasync each`, shown(median(rates.plain))),
      // alone a writer waits up to maxDelayMs for company that does not come
      {
        what: `${what}: journal / plain, median of ${String(rounds)} pairs`,
        measured: times.toFixed(2),
        passes: count > 1 ? '>= 1' : '',
        pass: count === 1 || times >= 1,
      },
    );
  }
  return findings;
}

interface Opening {
  readonly ms: number;
  readonly bytes: number;
  readonly keys: number;
}

async function openings(context: ExperimentContext): Promise<readonly Finding[]> {
  const keys = context.short ? 100_000 : 1_000_000;
  const dir = join(context.folder, 'many');
  const { value: opened, close } = await openJournal(dir);
  for (let from = 0; from < keys && !context.signal.aborted; from += 10_000)
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => opened.append(from + n, value.slice(0, 200))));
  await close();
  const findings: Finding[] = [];
  for (const way of ['journal', 'plain'] as const) {
    const program = new URL('journal/opening.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=4096', program, way, dir], {
      signal: context.signal,
    });
    const { ms, bytes, keys: found } = JSON.parse(stdout) as Opening;
    const what = `${way === 'journal' ? 'journal opens' : 'a map of all lines is read from'} ${keys.toLocaleString('en-US')} keys`;
    const perKey = bytes / keys;
    const isOurs = way === 'journal';
    findings.push(fact(`${what}: time`, `${(ms / 1_000).toFixed(2)} s`), {
      what: `${what}: memory that it holds`,
      measured: `${(bytes / 2 ** 20).toFixed(0)} MiB, ${perKey.toFixed(1)} bytes a key`,
      passes: isOurs ? '<= 45 bytes a key, all keys' : '',
      pass: !isOurs || (perKey <= 45 && found === keys),
    });
  }
  return findings;
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const measured = [...(await appends(context)), ...(await openings(context))];
  return { measured, pass: measured.every(({ pass }) => pass) && !context.signal.aborted };
}
