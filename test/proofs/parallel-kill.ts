import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { askedIn, finishedIn, pause, startRun, untilRun } from '../helpers/killed-run.ts';

export const name = 'parallel-kill';
export const summary =
  'millrace parallel over a file is killed with -9 again and again, and started anew: what is in the journal is never asked again, and each line has one result; about a minute, --short a quarter';

const worker = fileURLToPath(new URL('parallel-kill/worker.ts', import.meta.url));
const answer = /answer ([0-9a-f]{64})/;
const workers = 8;

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const [lines, kills] = short ? [200, 3] : [4_000, 20];
  const [input, out, notes] = [join(folder, 'input'), join(folder, 'out'), join(folder, 'notes')];
  const texts = Array.from({ length: lines }, (_, n) => textOf(n));
  await writeFile(input, texts.map((text, n) => (n % 2 === 0 ? text : JSON.stringify({ id: `row ${String(n)}`, text }))).join('\n'));
  await writeFile(notes, '');
  const random = seededRandom(7);
  const repeated: string[] = [];
  let finished: ReadonlySet<string> = new Set();
  let before = 0;
  let killed = 0;
  for (let nth = 0; nth <= kills; nth += 1) {
    const child = startRun(worker, [input, out, notes, String(workers)], signal);
    const exit = once(child, 'exit');
    if (nth < kills) {
      // anywhere: in the start of the process, in a call, an append, a line
      const enough = before + Math.floor(random() * 2 * (lines / (kills + 4)));
      await untilRun(child, 'lines', async () => (await askedIn(notes)).length >= enough);
      await pause(random() * 60);
      killed += child.exitCode === null ? 1 : 0;
      child.kill('SIGKILL');
    }
    const [code] = (await exit) as [number | null];
    if (nth === kills && code !== 0) throw new Error(`the last run ended with ${String(code)}`);
    const asked = await askedIn(notes);
    repeated.push(...asked.slice(before).filter((question) => finished.has(question)));
    finished = await finishedIn(join(out, 'journal'), answer);
    before = asked.length;
    say(`${String(before)} calls so far, ${String(finished.size)} answers in the journal`);
  }
  return judge(await readFile(join(out, 'results.jsonl'), 'utf8'), {
    texts,
    kills,
    killed,
    repeated,
    finished,
    asked: await askedIn(notes),
  });
}

interface Seen {
  readonly texts: readonly string[];
  readonly kills: number;
  readonly killed: number;
  readonly repeated: readonly string[];
  readonly finished: ReadonlySet<string>;
  readonly asked: readonly string[];
}

interface Line {
  readonly index: number;
  readonly status: string;
  readonly result?: string;
}

function judge(results: string, { texts, kills, killed, repeated, finished, asked }: Seen): ExperimentResult {
  const lines = results.split('\n');
  const isEnded = lines.pop() === '';
  const answers = lines.map((line) => JSON.parse(line) as Line);
  const byIndex = new Map(answers.map((one) => [one.index, one]));
  const right = texts.filter((text, n) => byIndex.get(n)?.result === `answer ${hashOf(`About ${text}`)}`);
  const again = asked.length - new Set(asked).size;
  const finding = (what: string, measured: number, passes: number, atMost = false): Finding => ({
    ...{ what, measured: String(measured), passes: atMost ? `<= ${String(passes)}` : String(passes) },
    pass: atMost ? measured <= passes : measured === passes,
  });
  return {
    pass: isEnded,
    measured: [
      finding('killed with -9', killed, kills),
      finding('calls for what was in the journal', repeated.length, 0),
      finding('calls made again: in flight at a kill', again, kills * 2 * workers, true),
      finding('answers in the journal, of as many tasks', finished.size, texts.length),
      finding('lines of results', answers.length, texts.length),
      finding('tasks with a line, and the right answer in it', right.length, texts.length),
    ],
  };
}

const textOf = (n: number): string => `line ${String(n)} ${'of a pile '.repeat(n % 7)}`.trim();
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
