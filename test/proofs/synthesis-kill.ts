import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configFrom } from '../../pipelines/synthesis/config.ts';
import { RunFolder } from '../../pipelines/synthesis/run-folder.ts';
import { seedsFrom } from '../../pipelines/synthesis/seed.ts';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { pause } from '../helpers/killed-run.ts';

export const name = 'synthesis-kill';
export const summary =
  'a synthesis and the processes of its seeds are killed with -9 at random, 20 times, and the run goes on: each seed has one result, no line is torn, nothing is left running; about 2 minutes, --short 10 s';

const worker = fileURLToPath(new URL('synthesis-kill/worker.ts', import.meta.url));
/** Far more than anything takes: only what never comes is waited for so long. */
const patienceMs = 180_000;
/** A process that was only just begun ends when it is there: on a machine that does much else that takes a while. */
const graceMs = 60_000;

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const [count, kills, workers, pauseMs] = short ? [5, 2, 2, 100] : [80, 20, 3, 400];
  const [out, notes] = [join(folder, 'out'), join(folder, 'notes')];
  await mkdir(out);
  await writeFile(notes, '');
  const config = {
    environment_mode: 'math',
    max_depth: 3,
    branching_factor: 2,
    max_workers: workers,
    worker_memory_mb: 128,
    seed_attempts: 3,
  };
  const given = Array.from({ length: count }, (_, n) => `subject ${String(n)} of so many`);
  const { seeds } = seedsFrom('seeds', given);
  const begun = await RunFolder.begin(
    out,
    { config: configFrom('proof', config).config, randomSeed: 3, seeds, model: 'scripted', isOrdered: false },
    Date.now(),
  );
  const random = seededRandom(11);
  const killed = { parents: 0, workers: 0, orphans: 0 };
  for (let nth = 0; nth < kills; nth += 1) {
    const child = start([out, notes], signal);
    const exit = once(child, 'exit');
    const [begunBefore, doneBefore] = [(await pidsIn(notes)).length, (await linesIn(begun.pairs)).length];
    const done = doneBefore + Math.floor(random() * (short ? 2 : 5)); // some runs come no further than their first seed
    await until(child, async () => (await pidsIn(notes)).length > begunBefore && (await linesIn(begun.pairs)).length >= done);
    await pause(random() * pauseMs); // anywhere in a call, an append, a line
    if (child.exitCode !== null) break; // it is done: there is nothing left to kill
    const isParent = nth % 2 === 0;
    if (isParent) killed.parents += kill(child.pid);
    else killed.workers += await killOne(child, notes, random());
    if (!isParent) {
      await pause(random() * pauseMs);
      child.kill('SIGKILL');
    }
    await exit;
    killed.orphans += await leftOf(notes);
    say(
      `${String(nth + 1)} of ${String(kills)}: ${isParent ? 'the run' : 'a process of a seed, and then the run'} was killed; ${String((await linesIn(begun.pairs)).length)} lines`,
    );
  }
  const before = (await linesIn(begun.pairs)).length;
  const last = start([out, notes], signal);
  const [code] = (await once(last, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the last run ended with ${String(code)}`);
  return judge(
    begun,
    seeds.map(({ sourceId }) => sourceId),
    { ...killed, before, least: short ? 0 : kills },
  );
}

interface Killed {
  readonly parents: number;
  readonly workers: number;
  readonly orphans: number;
  /** Lines when the last one was killed. */
  readonly before: number;
  readonly least: number;
}

async function judge(folder: RunFolder, wanted: readonly string[], killed: Killed): Promise<ExperimentResult> {
  const statistics = JSON.parse(await readFile(folder.statistics, 'utf8')) as Statistics;
  const text = await readFile(folder.pairs, 'utf8');
  const lines = await linesIn(folder.pairs);
  const torn = lines.filter((line) => !isPair(line)).length + (text.endsWith('\n') ? 0 : 1);
  const ids = lines.flatMap((line) => (isPair(line) ? (JSON.parse(line) as { readonly pair_id: string }).pair_id : []));
  const results = statistics.seeds.map(({ source_id: id }) => id);
  const left = (await readdir(folder.path)).concat(await readdir(join(folder.path, '..'))).filter((file) => file.endsWith('.part'));
  const finding = (what: string, measured: number, passes: string, pass: boolean): Finding => ({
    what,
    measured: String(measured),
    passes,
    pass,
  });
  return {
    pass: true,
    measured: [
      finding('runs killed with -9', killed.parents, '> 0', killed.parents > 0),
      finding('pairs written before the last kill', killed.before, `>= ${String(killed.least)}`, killed.before >= killed.least),
      finding('processes of seeds killed with -9', killed.workers, '> 0', killed.workers > 0),
      finding('processes of seeds that outlived their run', killed.orphans, '0', killed.orphans === 0),
      finding('seeds', wanted.length, '', true),
      finding(
        'seeds with exactly one result',
        new Set(results).size,
        String(wanted.length),
        results.toSorted().join() === wanted.toSorted().join(),
      ),
      finding('seeds done', statistics.total.done, String(wanted.length), statistics.total.done === wanted.length),
      finding(
        'lines',
        lines.length,
        `${String(statistics.total.pairs.kept)}, as the statistics say`,
        lines.length === statistics.total.pairs.kept,
      ),
      finding('lines that are torn', torn, '0', torn === 0),
      finding('pairs that stand there twice', ids.length - new Set(ids).size, '0', new Set(ids).size === ids.length),
      finding('halves of files', left.length, '0', left.length === 0),
    ],
  };
}

interface Statistics {
  readonly total: { readonly done: number; readonly pairs: { readonly kept: number } };
  readonly seeds: readonly { readonly source_id: string }[];
}

const isPair = (line: string): boolean => {
  try {
    const found: unknown = JSON.parse(line);
    return typeof found === 'object' && found !== null && 'question' in found && 'evidence' in found;
  } catch {
    return false;
  }
};

const linesIn = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

const pidsIn = async (notes: string): Promise<readonly number[]> =>
  (await readFile(notes, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);

/** Of the processes that were noted, those that run, and are ours still. */
async function alive(notes: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of await pidsIn(notes)) {
    const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('seed-child')) found.push(pid);
  }
  return found;
}

/** How many are left when the grace is over; 0 as soon as there is none. */
async function leftOf(notes: string): Promise<number> {
  const untilMs = performance.now() + graceMs;
  let left = await alive(notes);
  while (left.length > 0 && performance.now() < untilMs) {
    await pause(50);
    left = await alive(notes);
  }
  return left.length;
}

/** Kills one of those that run, as soon as there is one: between two seeds there may be none. */
async function killOne(child: ChildProcess, notes: string, lot: number): Promise<number> {
  let killed = 0;
  await until(child, async () => {
    const running = await alive(notes);
    killed = kill(running[Math.floor(lot * running.length)]);
    return killed > 0;
  });
  return killed;
}

function kill(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    process.kill(pid, 'SIGKILL');
    return 1;
  } catch {
    return 0;
  }
}

function start(args: readonly string[], signal: AbortSignal): ChildProcess {
  const child = spawn(process.execPath, [worker, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'millrace-workers') },
  });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  return child;
}

async function until(child: ChildProcess, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (child.exitCode === null && !(await holds())) {
    if (performance.now() > untilMs) throw new Error(`no further seeds within ${String(patienceMs / 1000)} s`);
    await pause(10);
  }
}
