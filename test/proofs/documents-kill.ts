import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { askedIn, finishedIn, pause, startRun, untilRun } from '../helpers/killed-run.ts';

export const name = 'documents-kill';
export const summary =
  'a run over a pile of documents is killed with -9 at 50 random points, and started anew: nothing that is in the journal is asked again; about 4 minutes, --short half a minute';

const worker = fileURLToPath(new URL('documents-kill/worker.ts', import.meta.url));
const answer = /"value":"answer ([0-9a-f]{64})"/;

/** What a kill has left behind. */
interface Left {
  /** Questions whose answer is in the journal. */
  readonly finished: ReadonlySet<string>;
  readonly asked: readonly string[];
}

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const [documents, kills] = short ? [40, 2] : [800, 50];
  const random = seededRandom(20_261_122);
  const [input, out, notes] = [join(folder, 'input'), join(folder, 'out'), join(folder, 'notes')];
  await makeDocuments(input, documents);
  await writeFile(notes, '');
  const repeated: string[] = [];
  let finished: ReadonlySet<string> = new Set();
  let before = 0;
  let killed = 0;
  for (let nth = 0; nth <= kills; nth += 1) {
    const child = startRun(worker, [input, out, notes], signal);
    const exit = once(child, 'exit');
    if (nth < kills) {
      await killingPoint(child, {
        nth,
        random,
        mostCalls: (2 * documents * 6) / (1.4 * kills + 3),
        calls: async () => (await askedIn(notes)).length - before,
      });
      killed += child.exitCode === null ? 1 : 0;
      child.kill('SIGKILL');
    }
    const [code] = (await exit) as [number | null];
    if (nth === kills && code !== 0) throw new Error(`the last run ended with ${String(code)}`);
    const left: Left = { finished: await finishedIn(join(out, 'journal'), answer), asked: await askedIn(notes) };
    repeated.push(...left.asked.slice(before).filter((question) => finished.has(question)));
    say(`${String(left.asked.length)} calls so far, ${String(left.finished.size)} answers in the journal`);
    ({ finished } = left);
    before = left.asked.length;
  }
  const results = await readFile(join(out, 'results.jsonl'), 'utf8');
  return judge(results, { documents, kills, killed, repeated, asked: await askedIn(notes), finished });
}

interface KillingPoint {
  readonly nth: number;
  readonly random: () => number;
  readonly mostCalls: number;
  /** Of this run, so far. */
  readonly calls: () => Promise<number>;
}

/** Anywhere: one time in five while it starts, else in or after any of its calls, their appends and lines. */
async function killingPoint(child: ChildProcess, { nth, random, mostCalls, calls }: KillingPoint): Promise<void> {
  const enough = 1 + Math.floor(random() * mostCalls);
  if (nth % 5 === 1) await pause(random() * startMs);
  else {
    await untilRun(child, 'documents', async () => (await calls()) >= enough);
    await pause(random() * 50);
  }
}

/** About as long as it takes to be at work. */
const startMs = 1_500;

interface Seen {
  readonly documents: number;
  readonly kills: number;
  readonly killed: number;
  readonly repeated: readonly string[];
  readonly asked: readonly string[];
  readonly finished: ReadonlySet<string>;
}

function judge(results: string, { documents, kills, killed, repeated, asked, finished }: Seen): ExperimentResult {
  const lines = results.split('\n');
  const isEnded = lines.pop() === '';
  const answers = lines.map((line) => JSON.parse(line) as { readonly status: string; readonly input: { readonly id: string } });
  const ids = answers.map(({ input }) => input.id);
  const wanted = Array.from({ length: documents }, (_, n) => nameOf(n));
  const most = kills * inFlight;
  const finding = (what: string, measured: number | string, passes: string, pass: boolean): Finding => ({
    what,
    measured: String(measured),
    passes,
    pass,
  });
  const again = asked.length - new Set(asked).size;
  const measured = [
    finding('documents', documents, '', true),
    finding('killed with -9', killed, String(kills), killed === kills),
    finding('calls for what was in the journal', repeated.length, '0', repeated.length === 0),
    finding('calls made again: in flight at a kill', again, `<= ${String(most)}`, again <= most),
    finding('answers in the journal', finished.size, String(new Set(asked).size), finished.size === new Set(asked).size),
    finding(
      'documents without a line',
      wanted.filter((id) => !ids.includes(id)).length,
      '0',
      wanted.every((id) => ids.includes(id)),
    ),
    finding('lines', lines.length, `${String(documents)}, whole, each document once, in order`, isEnded && ids.join() === wanted.join()),
    finding(
      'that failed',
      answers.filter(({ status }) => status !== 'success').length,
      '0',
      answers.every(({ status }) => status === 'success'),
    ),
  ];
  return { measured, pass: true };
}

/** Calls at once, by default; a call that was answered is on the disk a few ms later. */
const inFlight = 3 + 3;

const nameOf = (n: number): string => `${String(n).padStart(4, '0')}.txt`;

/** Of one to six chunks. */
async function makeDocuments(folder: string, count: number): Promise<void> {
  await mkdir(folder);
  for (let n = 0; n < count; n += 1) {
    const sentences = Array.from(
      { length: 1 + (n % 6) },
      (_, at) => `Sentence ${String(at)} of document ${String(n)} ${'goes on and on '.repeat(8)}here.`,
    );
    await writeFile(join(folder, nameOf(n)), sentences.join(' '));
  }
}
