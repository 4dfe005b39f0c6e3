import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'documents-million';
export const summary =
  '1,000,000 tiny documents through a scripted model: one answer each, in order, in flat memory; about 15 minutes, --short with 20,000 half a minute';

const worker = fileURLToPath(new URL('documents-million/worker.ts', import.meta.url));
/** As the npm scripts start the command line. */
const nodeFlags = ['--max-semi-space-size=16', '--heap-growing-percent=50'];
/** Of the documents: by then everything is compiled, and buffers are as large as they get. */
const warmShare = 0.2;
/** What the journal keeps of each key, in bytes (`key-index.state.ts`); its table doubles now and then, and the old one stands beside the new meanwhile. */
const indexBytes = 38.7 + 16;
/** Garbage that V8 has not collected yet. */
const slackBytes = 48 * 2 ** 20;

interface Sample {
  readonly ms: number;
  readonly done: number;
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

interface Summary {
  readonly success: number;
  readonly error: number;
  readonly calls: number;
  readonly isComplete: boolean;
}

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const count = short ? 20_000 : 1_000_000;
  const out = join(folder, 'out');
  const child = spawn(process.execPath, [...nodeFlags, worker, out, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  const exit = once(child, 'exit');
  const samples: Sample[] = [];
  let summed: Summary | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as Sample | { readonly summary: Summary };
    if ('summary' in said) summed = said.summary;
    else {
      const before = samples.at(-1)?.done ?? 0;
      samples.push(said);
      if (Math.floor((said.done * 20) / count) > Math.floor((before * 20) / count)) say(sampleText(said));
    }
  }
  const [code] = (await exit) as [number | null];
  if (code !== 0 || summed === undefined) throw new Error(`the run ended with ${String(code)}`);
  return judge(count, samples, summed, await orderIn(join(out, 'results.jsonl')));
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const sampleText = ({ ms, done, rss, heap, external }: Sample): string =>
  `${(ms / 1000).toFixed(0)} s: ${done.toLocaleString('en-US')} done, RSS ${mib(rss)}, heap ${mib(heap)}, beside it ${mib(external)}`;

function judge(count: number, samples: readonly Sample[], summed: Summary, inOrder: number): ExperimentResult {
  const warm = samples.filter(({ done }) => done >= count * 0.05 && done <= count * warmShare);
  const later = samples.filter(({ done }) => done > count * warmShare);
  const most = (which: readonly Sample[], of: (one: Sample) => number): number => Math.max(0, ...which.map(of));
  const grown = (of: (one: Sample) => number): number => most(later, of) - most(warm, of);
  const mayGrow = count * (1 - warmShare) * indexBytes + slackBytes;
  const finding = (what: string, measured: number | string, passes: string, pass: boolean): Finding => ({
    ...{ what, measured: String(measured), passes, pass },
  });
  const last = samples.at(-1);
  const measured = [
    finding('documents with an answer', summed.success, String(count), summed.success === count && summed.isComplete),
    finding('calls', summed.calls, String(count), summed.calls === count),
    finding('lines of results.jsonl in the order of the input', inOrder, String(count), inOrder === count),
    finding('documents a second', (count / ((last?.ms ?? 1) / 1000)).toFixed(0), '', true),
    finding('RSS at most in the first fifth', mib(most(warm, ({ rss }) => rss)), 'there are samples', warm.length > 0),
    finding(
      'more RSS at most afterwards (38.7 bytes a document are the index of the journal)',
      mib(grown(({ rss }) => rss)),
      `<= ${mib(mayGrow)}`,
      later.length > 0 && grown(({ rss }) => rss) <= mayGrow,
    ),
    finding(
      'more heap at most afterwards',
      mib(grown(({ heap }) => heap)),
      `<= ${mib(slackBytes)}`,
      grown(({ heap }) => heap) <= slackBytes,
    ),
  ];
  return { measured, pass: true };
}

/** How many lines stand where they belong. */
async function orderIn(path: string): Promise<number> {
  let [place, right] = [0, 0];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line.startsWith('{"status":"success"') && line.includes(`"id":"row ${String(place)}"`)) right += 1;
    place += 1;
  }
  return right;
}
