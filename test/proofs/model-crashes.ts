import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { map, type Subscription, toArray } from 'rxjs';
import { z } from 'zod';
import { mapConcurrent } from '../../operators/index.ts';
import {
  type App,
  type Client,
  connect,
  deadLetterHeaders,
  definePipeline,
  headerText,
  json,
  type Model,
  memory,
  silentLog,
  start,
  topic,
} from '../../src/index.ts';
import type { ModelPool } from '../../src/inference/llama/model-pool.ts';
import { openEmbedded } from '../helpers/embedded-model.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'model-crashes';
export const summary =
  '200 streams at once, and the process of the embedded model dies 20 times under them: nothing lost, order kept, killers named; about 5 minutes, --short 20 s';

/** `place`: within its key. */
const Item = z.object({ key: z.string(), place: z.number(), isPoison: z.boolean() });
type Item = Readonly<z.infer<typeof Item>>;
const [input, output, dead] = [topic('crashes.in', json(Item)), topic('crashes.out', json(Item)), topic('crashes.dead')];
const ways = ['SIGSEGV', 'abort', 'out of memory'] as const;
const runFile = promisify(execFile);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const patienceMs = 60_000;

interface Plan {
  readonly streams: number;
  readonly keys: number;
  readonly perKey: number;
  readonly poison: number;
  readonly crashes: number;
  readonly maxTokens: number;
  readonly sequences: number;
}
const full: Plan = { streams: 200, keys: 200, perKey: 3, poison: 3, crashes: 20, maxTokens: 8, sequences: 4 };
const small: Plan = { streams: 200, keys: 14, perKey: 1, poison: 1, crashes: 3, maxTokens: 1, sequences: 2 };

/** What was seen while it ran. */
interface Seen {
  readonly outputs: Item[];
  readonly letters: {
    readonly item: Item;
    readonly code: string | undefined;
    readonly attempts: string | undefined;
    readonly message: string;
  }[];
  /** From a crash to the new start. */
  readonly backMs: number[];
  readonly ended: string[];
  longestPauseMs: number;
}

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const plan = short ? small : full;
  const seen: Seen = { outputs: [], letters: [], backMs: [], ended: [], longestPauseMs: 0 };
  const loadedMs = performance.now();
  const entry = new URL('model-crashes/child.ts', import.meta.url);
  const log = (_level: unknown, message: string, details?: Readonly<Record<string, unknown>>): void => {
    if (message.endsWith('at work again')) seen.backMs.push(Number(details?.['afterMs']) - Number(details?.['loadMs']));
    if (message.includes('starting it again')) seen.ended.push(String(details?.['how']));
  };
  const { model, pool, close } = await openEmbedded({ sequences: plan.sequences }, { log, entry });
  const loadMs = performance.now() - loadedMs;
  const stopLooking = lookAtLoop(seen);
  let app: App | undefined;
  const reading: Subscription[] = [];
  try {
    const transport = memory();
    const client = connect(transport);
    app = await start(pipelineOf(model, plan), { transport, createTopics: true, log: silentLog });
    reading.push(...read(client, seen));
    const items = itemsOf(plan);
    await client.produce(
      input,
      items.map((value) => ({ key: value.key, value })),
    );
    const killed = await bringDown(plan, seen, pool, signal, say);
    const ended = (): number => seen.outputs.length + seen.letters.length;
    // as long as something comes: how fast is the machine's business
    let [before, sinceMs] = [-1, 0];
    while (ended() < items.length && !signal.aborted) {
      if (ended() > before) [before, sinceMs] = [ended(), performance.now()];
      else if (performance.now() - sinceMs > patienceMs) break;
      await wait(50);
    }
    return judge({ plan, items, seen, killed, loadMs, restarts: (await pool.state()).restarts ?? 0 });
  } finally {
    stopLooking();
    for (const one of reading) one.unsubscribe();
    await app?.drain({ deadlineMs: 5_000 });
    await close();
  }
}

const pipelineOf = (model: Model, { streams, maxTokens }: Plan) =>
  definePipeline({
    name: 'crashes',
    input,
    output,
    deadLetter: dead,
    process: (items) =>
      items.pipe(
        mapConcurrent(
          (item, ctx) => {
            const content = item.isPoison ? `poison ${item.key}` : `Go on: ${item.key}, ${String(item.place)},`;
            return model.chat([{ role: 'user', content }], { maxTokens }, ctx).pipe(
              toArray(),
              map(() => item),
            );
          },
          { concurrency: streams },
        ),
      ),
  });

/** The poison comes early, and something comes after it under its key. */
const itemsOf = ({ keys, perKey, poison }: Plan): readonly Item[] =>
  Array.from({ length: perKey }, (_, place) =>
    Array.from({ length: keys }, (_unused, at) => ({
      key: `k${String(at)}`,
      place,
      isPoison: place === 0 && at % 40 === 7 && at / 40 < poison,
    })),
  ).flat();

function read(client: Client, seen: Seen): readonly Subscription[] {
  const error = (reason: unknown): void => {
    throw reason;
  };
  return [
    client.consume(output, { from: 'earliest' }).subscribe({ next: ({ value }) => seen.outputs.push(value), error }),
    client.consume(dead, { from: 'earliest' }).subscribe({
      next: ({ value, headers }) => {
        const item = Item.parse(JSON.parse(Buffer.from(value ?? []).toString()));
        const [code, attempts, message = ''] = (['code', 'attempts', 'message'] as const).map((one) =>
          headerText(headers, deadLetterHeaders[one]),
        );
        seen.letters.push({ item, code, attempts, message });
      },
      error,
    }),
  ];
}

/** Kills the process in each way in turn, each time with as many streams in it as it works on at once. The number of times. */
async function bringDown(
  { crashes, sequences }: Plan,
  seen: Seen,
  pool: ModelPool,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  const pids = new Set<number>();
  const untilMs = performance.now() + crashes * patienceMs;
  while (pids.size < crashes && performance.now() < untilMs && !signal.aborted) {
    await wait(20);
    const [pid] = pool.pids;
    // with fewer in it they are tried alone: who is hit then, again and again, would be taken for the reason
    if (pid === undefined || pids.has(pid) || (await pool.state()).running < sequences) continue;
    const way = ways[pids.size % ways.length] ?? 'abort';
    if (!(await end(pid, way))) continue; // it went by itself
    pids.add(pid);
    say(`${way} ${String(pids.size)}, ${String(seen.outputs.length)} outputs so far`);
  }
  return pids.size;
}

const spareBytes = 64 << 20;

async function end(pid: number, way: (typeof ways)[number]): Promise<boolean> {
  try {
    if (way === 'out of memory') {
      const kib = /^VmSize:\s+(\d+)/m.exec(await readFile(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
      await runFile('prlimit', ['--pid', String(pid), `--as=${String(Number(kib) * 1_024 + spareBytes)}`]);
    }
    return process.kill(pid, way === 'SIGSEGV' ? 'SIGSEGV' : way === 'abort' ? 'SIGUSR2' : 'SIGUSR1');
  } catch {
    return false;
  }
}

/** The longest time in which the application's loop did nothing else. */
function lookAtLoop(seen: Seen): () => void {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    seen.longestPauseMs = Math.max(seen.longestPauseMs, nowMs - lastMs - 10);
    lastMs = nowMs;
  }, 10);
  return () => {
    clearInterval(timer);
  };
}

interface Told {
  readonly plan: Plan;
  readonly items: readonly Item[];
  readonly seen: Seen;
  readonly killed: number;
  readonly loadMs: number;
  readonly restarts: number;
}

const nameOf = ({ key, place }: Item): string => `${key}/${String(place)}`;

function judge({ plan, items, seen, killed, loadMs, restarts }: Told): ExperimentResult {
  const { outputs, letters, backMs, ended } = seen;
  const written = outputs.map(nameOf);
  const ends = new Set([...written, ...letters.map(({ item }) => nameOf(item))]);
  const lost = items.length - ends.size;
  const wrongOrder = outputs.filter((one, at) =>
    outputs.slice(0, at).some((before) => before.key === one.key && before.place > one.place),
  ).length;
  const guilty = items.filter(({ isPoison }) => isPoison).map(nameOf);
  const named = letters.map(({ item, code }) => `${nameOf(item)} ${String(code)}`);
  const helpful = letters.filter(({ message }) => /process \d+, SIGSEGV/.test(message) && message.includes('shorten or change the prompt'));
  const ownEnds = restarts - killed;
  const counted = ways.map((way) => ended.filter((how) => wayOf(how) === way).length);
  const mostBackMs = Math.max(...backMs);
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const measured = [
    finding('records, streams at once', `${String(items.length)}, ${String(plan.streams)}`, '', true),
    finding('brought down from outside the calls', String(killed), String(plan.crashes), killed === plan.crashes),
    finding(
      `crashes by ${ways.join(', ')}`,
      counted.join(', '),
      'each',
      counted.every((one) => one > 0),
    ),
    finding('started again', String(restarts), `>= ${String(plan.crashes)}`, restarts >= plan.crashes),
    // once beside others, twice alone; more where its neighbours are not told from it
    finding('of them, brought down by the poison', String(ownEnds), `<= ${String(3 * plan.poison)}`, ownEnds <= 3 * plan.poison),
    finding('records without an output or a dead letter', String(lost), '0', lost === 0),
    finding('outputs written twice', String(written.length - new Set(written).size), '0', written.length === new Set(written).size),
    finding('outputs out of the order of their key', String(wrongOrder), '0', wrongOrder === 0),
    finding(
      'dead letters',
      named.sort().join(' '),
      'the poison as model_killed, and nothing else',
      named.sort().join(' ') ===
        guilty
          .map((one) => `${one} model_killed`)
          .sort()
          .join(' '),
    ),
    finding('of them with process, signal and what to do', String(helpful.length), String(guilty.length), helpful.length === guilty.length),
    finding('the model loads in', `${String(Math.round(loadMs))} ms`, '', true),
    finding('a crash to the new start, at most', `${String(mostBackMs)} ms`, '<= 3000 ms', mostBackMs <= 3_000),
    finding(
      'longest standstill of the application',
      `${String(Math.round(seen.longestPauseMs))} ms`,
      '<= 1000 ms',
      seen.longestPauseMs <= 1_000,
    ),
  ];
  return { measured, pass: true };
}

/** As what an end counts; a process that has no memory left says so, and aborts or traps. */
function wayOf(how: string): (typeof ways)[number] | undefined {
  if (/memory/i.test(how)) return 'out of memory';
  return how.includes('SIGSEGV') ? 'SIGSEGV' : how.includes('SIGABRT') ? 'abort' : undefined;
}
