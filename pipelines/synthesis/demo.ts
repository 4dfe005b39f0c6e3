import { defineCommand, llama, modelToPull, runMonitor, scripted, showProgress, showPull } from 'millrace';
import type { Checks } from './agent/findings.ts';
import { readConfig, readJson } from './config.ts';
import { demoAgent } from './demo-agent.ts';
import type { SynthesisModel } from './run-options.ts';
import { RunFolder } from './run-folder.ts';
import { runSynthesis } from './run-synthesis.ts';
import { seedsFrom } from './seed.ts';
import { exampleSeeds, shippedConfig, shippedModes } from './shipped-config.ts';
import { seedLine } from './show.ts';

const embeddedModel = 'smollm2';
/** Of one mode. */
const longestEmbeddedMs = 60_000;
/** The embedded model takes minutes for what the shipped configurations allow. */
const small = { max_depth: 2, branching_factor: 1, max_trajectories: 1, max_answer_tokens: 160, prompt_chars: 1_500 } as const;

/** `millrace demo synthesis`: every mode, offline, by a script and by the embedded model. */
export const synthesisDemoCommand = defineCommand({
  name: 'demo synthesis',
  summary: 'questions and answers with evidence: web, math and python, on this machine',
  details:
    'Ten seeds in each mode with the configuration that comes with it. The embedded model (135 M parameters) can hardly play an agent, so a script chooses and writes, and tools, processes, checks and files are the real ones; then the\n' +
    'embedded model itself tries a seed of each mode, for a minute at most, and what comes of it is shown as it is.',
  options: {
    seeds: { kind: 'integer', value: 'n', min: 1, max: 10, summary: 'seeds of each mode, by the script (default: 10)' },
    embedded: { kind: 'integer', value: 'n', min: 0, max: 10, summary: 'seeds of each mode, by the embedded model (default: 1)' },
    out: { kind: 'text', value: 'folder', summary: 'where the files go (default: .cache/demo-synthesis)' },
  },
  examples: [
    { line: 'millrace demo synthesis --embedded 0', does: 'by the script alone, in some ten seconds' },
    { line: 'millrace demo synthesis --embedded 10', does: 'all seeds by both' },
  ],
  run: async ({ options }, context) => {
    const { seeds: count = 10, embedded = 1, out: folder = '.cache/demo-synthesis' } = options;
    const script: SynthesisModel = { resource: scripted(demoAgent, { name: 'script' }), isRemote: false };
    const both = [
      { by: 'a script', model: script, count },
      ...(embedded === 0 ? [] : [{ by: `the embedded model (${embeddedModel})`, model: await embeddedOne(context), count: embedded }]),
    ];
    const rows: (readonly string[])[] = [];
    for (const mode of shippedModes) for (const one of both) rows.push([mode, one.by, ...(await show(mode, { ...one, folder }, context))]);
    context.out.line('');
    context.out.table([['mode', 'by', 'seeds done', 'pairs', 'checks that failed', 'time'], ...rows]);
    context.out.note(`files: ${folder}`);
    return 0;
  },
});

type Context = Parameters<Parameters<typeof defineCommand>[0]['run']>[1];

async function embeddedOne(context: Context): Promise<SynthesisModel> {
  const file = modelToPull(embeddedModel);
  if (file !== undefined) await showPull(context, file);
  return { resource: llama({ model: embeddedModel }), isRemote: false };
}

interface Shown {
  readonly by: string;
  readonly model: SynthesisModel;
  readonly count: number;
  readonly folder: string;
}

/** Resolves with what came of it, as the cells of a row. */
async function show(
  mode: (typeof shippedModes)[number],
  { by, model, count, folder }: Shown,
  { out, clock, log, signal }: Context,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const { config } = await readConfig(shippedConfig(mode));
  const { seeds } = seedsFrom('seeds', await readJson(exampleSeeds, 'file of seeds'));
  const isScript = by === 'a script';
  const stop = new AbortController();
  const end = (): void => stop.abort();
  signal.addEventListener('abort', end, { once: true });
  const cancel = isScript ? (): void => undefined : clock.schedule(longestEmbeddedMs, end);
  const manifest = {
    config: isScript ? config : { ...config, ...small },
    randomSeed: 1,
    seeds: seeds.slice(0, count),
    model: isScript ? 'script' : embeddedModel,
    isOrdered: false,
  };
  out.line('');
  out.line(`${mode}, by ${by}`);
  const run = await RunFolder.begin(folder, manifest, clock.nowMs());
  const monitor = runMonitor({ clock });
  const stopShowing = showProgress({ monitor, out, clock, noun: 'seeds', remarks: () => [] });
  monitor.expect(manifest.seeds.length, 0);
  const over = (): void => {
    cancel();
    stopShowing();
    signal.removeEventListener('abort', end);
  };
  const failed = new Set<string>();
  const summary = await runSynthesis({
    ...{ folder: run, model, clock, log, signal: stop.signal },
    onSeed: (id, outcome) => {
      if (outcome.status === 'done')
        for (const { checks } of outcome.findings.trajectories) for (const name of failedIn(checks)) failed.add(name);
      monitor.item({ id, processingMs: outcome.wallMs, tokens: { input: outcome.inputTokens, output: outcome.outputTokens } });
      out.line(seedLine(id, outcome, out.width));
    },
    onPair: (line) => {
      out.json(line);
    },
  }).finally(over);
  signal.throwIfAborted();
  const seconds = (summary.elapsedMs / 1000).toFixed(1);
  const done = `${String(summary.done)} of ${String(summary.seeds)}`;
  out.line(`${done} seeds, ${String(summary.pairs)} pairs, ${seconds} s`);
  const row = [done, String(summary.pairs), [...failed].join(', '), `${seconds} s`];
  if (isScript) return row;
  if (summary.endedBy === 'interrupted')
    out.note(`${embeddedModel} was not done with it within ${String(longestEmbeddedMs / 1000)} s on this machine`);
  else if (summary.pairs === 0)
    out.note(
      `${embeddedModel} has made no pair that passes the checks in ${mode}: it is too small for it; the script above shows what a larger one does`,
    );
  return row;
}

const failedIn = (checks: Checks = { schema: skipped, answerable: skipped, closed_book: skipped }): readonly string[] =>
  Object.entries(checks).flatMap(([name, { result }]: [string, Checks['schema']]) => (result === 'fail' ? name : []));

const skipped = { result: 'skipped' } as const;
