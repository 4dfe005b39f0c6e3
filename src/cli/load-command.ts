import type { Clock } from '../clock.ts';
import { type Command, defineCommand, type GivenOptions, type Output } from '../command.ts';
import { keyFrom } from '../key-from.ts';
import { type LoadFile, loadFile } from '../load/load-file.ts';
import { requirePlace, writeLoad } from '../load/load-files.ts';
import { loadLines, timeRows } from '../load/load-lines.ts';
import { type LoadPlan, loadPlan } from '../load/load-plan.ts';
import type { LoadTally } from '../load/load-tally.state.ts';
import { press } from '../load/press.ts';
import { ownPrompts, readPrompts } from '../load/prompts.ts';
import { servedModelName } from '../load/served-model-name.ts';
import { shownUrl, targetKinds } from '../load/target-kind.ts';
import { msText, numberText } from '../report/internal/number-text.ts';
import { RecentRate } from '../report/internal/recent-rate.state.ts';
import { watchGpus } from '../serve/gpus.ts';

const atLeastOne = { kind: 'integer', value: 'n', min: 1 } as const;

const options = {
  url: { kind: 'text', value: 'url', summary: 'what to press: http://host:port, its /v1, or the path of a stream' },
  kind: { kind: 'text', value: 'kind', choices: ['auto', ...targetKinds], summary: 'what it speaks (default: auto, by the path)' },
  method: { kind: 'text', value: 'method', choices: ['GET', 'POST'], summary: 'GET sends no body (default: POST)' },
  model: { kind: 'text', value: 'name', summary: 'in each request (default: the first of /v1/models)' },
  apiKeyEnv: { kind: 'text', value: 'variable', summary: 'the environment variable that holds the key' },
  mode: { kind: 'text', value: 'mode', choices: ['count', 'duration'], summary: 'what ends it: tasks, or time' },
  queues: { ...atLeastOne, summary: 'closed loop: queues of one task at a time (default: one a user, else 5)' },
  loops: { ...atLeastOne, summary: 'tasks of each queue (default: 20)' },
  tasks: { ...atLeastOne, summary: 'tasks in all, instead of loops' },
  duration: { kind: 'text', value: 'time', summary: 'how long tasks begin: 60s, 5m, 500ms' },
  rate: { kind: 'text', value: 'n/s', summary: 'open loop: tasks begin at times of their own, 10/s or 600/min (Poisson)' },
  maxOpen: { ...atLeastOne, summary: 'of an open loop: so many at once at most (default: 1000)' },
  users: { ...atLeastOne, summary: 'users in the requests; without --queues and --rate each has a queue' },
  prompts: { kind: 'text', value: 'file', summary: 'lines of text, or JSON lines with prompt, messages or body' },
  maxTokens: { ...atLeastOne, summary: 'longest answer (default: 128)' },
  seed: { kind: 'integer', value: 'n', min: 0, summary: 'decides times and the order of prompts (default: 0)' },
  warmUp: { kind: 'text', value: 'n', summary: 'tasks, or a time as 10s, that come first and do not count (default: none)' },
  timeout: { kind: 'text', value: 'time', summary: 'of one request (default: 2m)' },
  out: { kind: 'text', value: 'place', summary: 'a folder for load.json and load.html, or a file.json' },
  log: { kind: 'text', value: 'file', summary: 'a JSON line for each task' },
} as const;

export const loadCommand: Command = defineCommand({
  name: 'load',
  summary: 'press a streaming endpoint, and measure what it bears',
  details: `Endpoints: OpenAI's chat completions and completions, /v1/generate of millrace serve, and any other that answers with server-sent events.

Closed loop (--queues, --loops): each queue asks again when it has its answer. Open loop (--rate): tasks begin when they are due, and
latency counts from then, also where the target or this program was late. Nothing is tried again.

Every option may stand in a YAML file, as max-tokens: 64; flags go before it. src/load/load.md says what each figure is.

Ctrl-C or SIGTERM: what is open is given up, and what was measured is told. Again: at once.`,
  arguments: [{ name: 'file', summary: 'options as YAML' }],
  options,
  stopping: {
    first: 'stopping: what is open is given up, what was measured is told; again (Ctrl-C) to end at once',
    second: 'ended at once: nothing was written',
  },
  examples: [
    { line: 'millrace load --url http://127.0.0.1:8080 --queues 5 --loops 20', does: '100 tasks, five at a time' },
    { line: 'millrace load --url http://127.0.0.1:8080/v1/generate --rate 10/s --duration 60s --out pressed', does: 'ten a second' },
    { line: 'millrace load pressure.yaml --users 50', does: 'options of a file, and one other' },
    { line: 'millrace load compare before after', does: 'two reports: what changed' },
  ],
  exitCodes: { 1: 'no task was completed', 130: 'stopped by Ctrl-C before its end (143: by SIGTERM)' },
  run: async ({ options: flags, args }, { out, clock, signal }) => {
    const file: LoadFile = args[0] === undefined ? { options: {}, warnings: [] } : await loadFile(args[0]);
    for (const warning of file.warnings) out.note(`warning: ${warning}`);
    const given = mergedOptions(file.options, flags);
    if (given.out !== undefined) await requirePlace(given.out);
    const apiKey = given.apiKeyEnv === undefined ? undefined : keyFrom(given.apiKeyEnv);
    const plan = await named(loadPlan(given), apiKey, clock, signal);
    const { prompts: path, log, out: place } = given;
    const prompts = path === undefined ? ownPrompts : await readPrompts(path);
    out.note(
      `pressing ${shownUrl(plan.target.url)} (${plan.target.kind}${plan.model === undefined ? '' : `, ${plan.model}`})${plan.warmUp ? '; warming up' : ''}`,
    );
    let hide = (): void => undefined;
    const report = await press({
      ...{ plan, prompts, apiKey, clock, signal, log, gpus: watchGpus(clock) },
      promptsFrom: path === undefined ? `${String(prompts.length)} of its own` : `${String(prompts.length)} of ${path}`,
      onBegin: (tally) => {
        hide = loadLine(tally, out, clock);
      },
    }).finally(() => hide());
    for (const line of loadLines(report)) out.line(line);
    out.table(timeRows(report));
    for (const remark of report.remarks) out.note(`note: ${remark}`);
    out.json({ load: { ...report, series: undefined, samples: undefined } }); // those are for --out
    if (place !== undefined) {
      const { json, html } = await writeLoad(place, report);
      out.line(`${json}, ${html}`);
    }
    if (!report.isComplete) signal.throwIfAborted();
    return report.tasks.completed > 0 ? 0 : 1;
  },
});

type Flags = GivenOptions<typeof options>;

/** A flag goes before the file, and takes with it what contradicts it there. */
export function mergedOptions(file: LoadFile['options'], flags: Partial<Flags>): LoadFile['options'] {
  const said = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as LoadFile['options'];
  const replaced = new Set<string>([
    ...(said.rate === undefined ? [] : ['queues', 'loops']),
    ...(said.queues === undefined && said.loops === undefined ? [] : ['rate', 'maxOpen']),
    ...(said.loops === undefined ? [] : ['tasks', 'mode']),
    ...(said.tasks === undefined ? [] : ['loops', 'mode']),
    ...(said.duration === undefined ? [] : ['mode', 'tasks', 'loops']),
  ]);
  if (said.mode !== undefined) for (const name of ['tasks', 'loops', 'mode']) replaced.delete(name);
  return { ...(Object.fromEntries(Object.entries(file).filter(([name]) => !replaced.has(name))) as LoadFile['options']), ...said };
}

/** With the name of the model that the target has, where one is needed and none was told. */
async function named(plan: LoadPlan, apiKey: string | undefined, clock: Clock, signal: AbortSignal): Promise<LoadPlan> {
  if (plan.model !== undefined || !plan.target.kind.startsWith('openai')) return plan;
  return { ...plan, model: await servedModelName(plan, apiKey, clock, signal) };
}

const everyMs = 250;

/** Keeps the live line of a run up to date. The result takes it away. */
function loadLine(tally: LoadTally, out: Output, clock: Clock): () => void {
  if (!out.isTty) return () => undefined;
  const [tasks, tokens] = [new RecentRate(clock.nowMs()), new RecentRate(clock.nowMs())];
  const show = (): void => {
    const { open, completed, failed, tokensArrived, firstTokenP50Ms } = tally.now();
    const nowMs = clock.nowMs();
    tasks.add(completed, nowMs);
    tokens.add(tokensArrived, nowMs);
    const parts = [
      `${numberText(completed)} completed`,
      ...(failed > 0 ? [`${numberText(failed)} failed`] : []),
      `${numberText(open)} open`,
      `${numberText(tasks.perSecond(completed, nowMs))} tasks/s`,
      `${numberText(tokens.perSecond(tokensArrived, nowMs))} tokens/s`,
      ...(firstTokenP50Ms === undefined ? [] : [`first token ${msText(firstTokenP50Ms)}`]),
    ];
    out.live(parts.join(' · ').slice(0, Math.max(0, out.width - 3)));
    cancel = clock.schedule(everyMs, show);
  };
  let cancel = clock.schedule(everyMs, show);
  return () => {
    cancel();
    out.live(undefined);
  };
}
