import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';

export const name = 'parallel-million';
export const summary =
  '1,000,000 tasks in one submission: results as they come, each once, on flat memory; about 8 minutes, --short 50,000 tasks in half a minute';

const worker = fileURLToPath(new URL('parallel-million/worker.ts', import.meta.url));
const mebibyte = 2 ** 20;

interface Memory {
  readonly read: number;
  readonly rss: number;
  readonly heapUsed: number;
}

interface Ended {
  readonly read: number;
  readonly right: number;
  readonly twice: number;
  readonly mostInFlight: number;
  readonly firstMs: number;
  readonly ms: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const count = short ? 50_000 : 1_000_000;
  // without a bound, V8 lets what is young grow with the machine's memory; the command line has this one
  const child = spawn(process.execPath, ['--expose-gc', '--max-semi-space-size=16', worker, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  const looks: Memory[] = [];
  let ended: Ended | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as Memory | Ended;
    if ('ms' in told) ended = told;
    else {
      looks.push(told);
      say(`${told.read.toLocaleString('en-US')} results, ${inMb(told.heapUsed)} of heap, ${inMb(told.rss)} resident`);
    }
  }
  if (!ended) throw new Error('the worker ended before its work');
  // the first looks see caches fill up: a leak goes on beyond them
  const grown = mean(looks.slice(-5)) - mean(looks.slice(4, 9));
  const mostRss = Math.max(...looks.map(({ rss }) => rss));
  const findings = [
    ['results', ended.read, count, ended.read === count],
    ['with the right answer', ended.right, count, ended.right === count],
    ['twice', ended.twice, 0, ended.twice === 0],
  ] as const;
  return {
    pass: true,
    measured: [
      ...findings.map(([what, measured, passes, pass]) => ({ what, measured: String(measured), passes: String(passes), pass })),
      told('the first result after', `${ended.firstMs.toFixed(0)} ms`, '<= 5 % of the whole', ended.firstMs <= 0.05 * ended.ms),
      told('taken and not ended, at most', String(ended.mostInFlight), '<= 8192', ended.mostInFlight <= 8_192),
      told('heap, the last quarter against the second', `${grown >= 0 ? '+' : ''}${inMb(grown)}`, '<= +10 MB', grown <= 10 * mebibyte),
      told('resident, at most', inMb(mostRss), '<= 400 MB', mostRss <= 400 * mebibyte),
      told('in all', `${(ended.ms / 1_000).toFixed(1)} s, ${((ended.ms / count) * 1_000).toFixed(0)} µs a task`, '', true),
    ],
  };
}

const told = (what: string, measured: string, passes: string, pass: boolean) => ({ what, measured, passes, pass });
const mean = (looks: readonly Memory[]): number => looks.reduce((sum, { heapUsed }) => sum + heapUsed, 0) / Math.max(1, looks.length);
const inMb = (bytes: number): string => `${(bytes / mebibyte).toFixed(0)} MB`;
