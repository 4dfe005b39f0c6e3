import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { startWorker, type Worker } from '../helpers/worker.ts';
import { hardHeapBytes, type Sample } from './memory/case.ts';

export const name = 'memory';
export const summary =
  'a heap of 200 MB, a cache that would outgrow it, then a leak up to the hard limit and its end: caches are dropped, intake shrinks, stops, recovers; about 2 minutes, --short 1';

const nodeFlags = ['--max-old-space-size=200'];
const patienceMs = 60_000;
const mib = (bytes: number): number => bytes / 2 ** 20;

/** Looks until `holds`; the samples seen. @throws Error when it takes too long, or the worker dies. */
async function until(
  worker: Worker,
  what: string,
  holds: (one: Sample) => boolean,
  each: () => void = () => undefined,
): Promise<readonly Sample[]> {
  const seen: Sample[] = [];
  for (const untilMs = performance.now() + patienceMs; performance.now() < untilMs; ) {
    const one = await worker.next<Sample>('sample');
    seen.push(one);
    if (holds(one)) return seen;
    each();
  }
  throw new Error(`not within ${String(patienceMs / 1_000)} s: ${what}; ${JSON.stringify(seen.at(-1))}`);
}

const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const drops = short ? 1 : 4;
  const worker = startWorker(new URL('memory/worker.ts', import.meta.url), {}, nodeFlags);
  signal.addEventListener('abort', () => void worker.end(0), { once: true });
  const has = (part: string) => (one: Sample) => one.troubles.some((why) => why.includes(part));
  try {
    const measured: Finding[] = [];
    let highest = 0;
    for (let drop = 1; drop <= drops; drop += 1) {
      const grown = await until(worker, 'the cache fills the heap to the soft limit', has('soft limit'));
      const before = Math.max(...grown.map(({ cached }) => cached));
      const fallen = await until(
        worker,
        'the cache is dropped, and the heap falls',
        (one) => one.troubles.length === 0 && one.cached < before / 2,
      );
      highest = Math.max(highest, ...[...grown, ...fallen].map(({ heap }) => heap));
      say(`dropped ${String(drop)} times, at ${mib(before).toFixed(0)} MiB of results`);
      const after = fallen.at(-1)?.cached ?? before;
      measured.push(
        finding(
          `cache before and after drop ${String(drop)}`,
          `${mib(before).toFixed(0)}, ${mib(after).toFixed(0)} MiB`,
          'less than half',
          after < before / 2,
        ),
      );
    }
    worker.say('slower');
    const stood: Sample[] = []; // the last samples in a row at which nothing was taken
    const heavy = await until(
      worker,
      'it stands still, also after collections',
      (one) => {
        if (one.share > 0 || one.inFlight > 0) stood.length = 0;
        else stood.push(one);
        return stood.length === 30;
      },
      () => {
        if (stood.length === 0) worker.say('heavier');
      },
    );
    const shares = heavy.map(({ share }) => share).filter((share) => share > 0 && share < 1);
    const toldHard = stood.some(has('hard limit'));
    const [first, last] = [stood[0], stood.at(-1)];
    say(`stands still at ${mib(last?.heap ?? 0).toFixed(0)} MiB`);
    worker.say('lighter');
    const lighterMs = performance.now();
    const recovery = await until(worker, 'all is taken again', (one) => one.share === 1 && one.troubles.length === 0);
    const recoveredMs = performance.now() - lighterMs;
    worker.say('dry');
    await until(worker, 'the rest is done', (one) => one.done === one.written);
    worker.say('stop');
    const end = await worker.next<Sample>('stopped');
    const all = [...heavy, ...recovery];
    highest = Math.max(highest, ...all.map(({ heap }) => heap));
    measured.push(
      finding(
        'shares of the caps on the way to the hard limit',
        [...new Set(shares.map((share) => share.toFixed(2)))].join(' ') || 'none',
        'some between 0 and 1',
        shares.length > 0,
      ),
      finding('done in 3 s above it', String((last?.done ?? 0) - (first?.done ?? 0)), '0', last?.done === first?.done),
      finding(
        'why, as it says, with its hard limit among the troubles',
        `${last?.pausedBy ?? 'nothing'}, ${toldHard ? 'yes' : 'no'}`,
        'memory is used up, yes',
        last?.pausedBy === 'memory is used up' && toldHard,
      ),
      finding(
        'highest heap',
        `${mib(highest).toFixed(0)} MiB`,
        `< 200 MiB, where V8 ends it; hard limit ${mib(hardHeapBytes).toFixed(0)}`,
        mib(highest) < 200,
      ),
      finding('from the end of the leak to the whole window', `${(recoveredMs / 1_000).toFixed(1)} s`, '<= 20 s', recoveredMs <= 20_000),
      finding(
        'written, done, failed',
        `${String(end.written)}, ${String(end.done)}, ${String(end.failed)}`,
        'as many, 0',
        end.written === end.done && end.failed === 0,
      ),
    );
    return { measured, pass: true };
  } finally {
    await worker.end(0);
  }
}
