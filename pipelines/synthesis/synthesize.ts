import { randomInt } from 'node:crypto';
import { type CommandContext, OptionError, runMonitor, showProgress, topicPrefixFrom } from 'millrace';
import { chooseModel } from './choose-model.ts';
import { type Config, readConfig, readJson } from './config.ts';
import { type Asked, parseCommand } from './parse-command.ts';
import { type Manifest, RunFolder } from './run-folder.ts';
import type { SynthesisSummary } from './run-options.ts';
import { runSynthesis } from './run-synthesis.ts';
import { seedsFrom } from './seed.ts';
import { seedEnvironment } from './seed-environment.ts';
import { remarksOn, seedLine, summaryRows } from './show.ts';
import { topicSeeds } from './topic-seeds.ts';
import { tune } from './tune.ts';
import { workersIn } from './tune.state.ts';
import { withTemporaryRun } from './with-temporary-run.ts';

/** What the command line gives. */
export interface SynthesizeOptions {
  readonly config?: string | undefined;
  readonly seeds?: string | undefined;
  readonly outputDir?: string | undefined;
  readonly check: boolean;
  readonly tune?: string | undefined;
  readonly resume?: string | undefined;
  readonly retryFailed?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly ordered: boolean;
  readonly workers?: number | undefined;
  readonly model?: string | undefined;
  readonly tokenBudget?: number | undefined;
  readonly kafka: boolean;
  readonly topicPrefix?: string | undefined;
  readonly pairsTopic?: string | undefined;
}

const budgetSpent = 4;
const usualPrefix = 'millrace';

/** What `millrace synthesize` does. Resolves with the exit code. */
export async function synthesize(options: SynthesizeOptions, args: readonly string[], context: CommandContext): Promise<number> {
  const asked = parseCommand(args, options);
  const numbers = options.tune === undefined ? undefined : workersIn(options.tune);
  if (options.tune !== undefined && numbers === undefined)
    throw new OptionError(`--tune must be numbers of workers from 1 to 256 with commas between, all different, got ${options.tune}`);
  if (options.pairsTopic !== undefined && !isOnKafka(options, context))
    throw new OptionError('--pairs-topic is on Kafka: add --kafka, or --brokers');
  if (asked.kind === 'go-on') {
    for (const name of ['check', 'ordered', 'limit', 'offset', 'tune'] as const)
      if (options[name] !== undefined && options[name] !== false)
        throw new OptionError(`--${name} is for a run that begins, and this one goes on: leave it out`);
    const folder = await RunFolder.find(asked.out, asked.which === 'open' ? 'unfinished' : 'last');
    context.out.note(`going on with ${folder.name}`);
    const { manifest } = folder;
    return work({ manifest, begin: () => Promise.resolve(folder), asked }, options, context);
  }
  const manifest = await manifestOf(asked, options, context);
  const nowMs = context.clock.nowMs();
  if (numbers !== undefined) {
    const model = await chooseModel(manifest.config, Math.max(...numbers), context);
    return tune({ manifest, model, env: seedEnvironment(manifest.config, process.env), workers: numbers }, context);
  }
  if (!options.check) return work({ manifest, begin: () => RunFolder.begin(asked.out, manifest, nowMs), asked }, options, context);
  const one = { ...manifest, seeds: manifest.seeds.slice(0, 1) };
  return withTemporaryRun(one, nowMs, (folder) => work({ manifest: one, begin: () => Promise.resolve(folder) }, options, context));
}

const isOnKafka = ({ kafka }: SynthesizeOptions, { settings }: CommandContext): boolean => kafka || settings.transport === 'kafka';

async function manifestOf(
  { config: file, seeds: name }: Extract<Asked, { kind: 'begin' }>,
  options: SynthesizeOptions,
  context: CommandContext,
): Promise<Manifest> {
  const { config: read, warnings } = await readConfig(file);
  for (const warning of warnings) context.log.warn({}, warning);
  const { model = read.model, workers = read.max_workers, limit, offset = 0, ordered: isOrdered } = options;
  const config: Config = { ...read, model, max_workers: workers };
  const { seeds, repeated } = seedsFrom(name, await seedValues(name, options, context));
  if (repeated > 0) context.log.warn({}, `${name} has ${String(repeated)} seeds twice: each is worked on once`);
  if (seeds.length === 0) throw new OptionError(`${name} has no seeds: expected at least one text or object, got an empty list`);
  const chosen = seeds.slice(offset, limit === undefined ? undefined : offset + limit);
  if (chosen.length === 0)
    throw new OptionError(`${name} has ${String(seeds.length)} seeds, and none from ${String(offset)} on: lower --offset`);
  return { config, seeds: chosen, model, isOrdered, randomSeed: config.random_seed ?? randomInt(2 ** 31) };
}

async function seedValues(name: string, options: SynthesizeOptions, context: CommandContext): Promise<unknown> {
  const [, topic] = /^topic:(.+)$/s.exec(name) ?? [];
  if (topic === undefined) return readJson(name, 'file of seeds');
  if (!isOnKafka(options, context))
    throw new OptionError(`topic:${topic} is on Kafka: add --kafka, or --brokers; the embedded broker begins empty`);
  const { clock, log, signal } = context;
  const opened = await context.openTransport({ kind: 'kafka', startBroker: true });
  try {
    return await topicSeeds({ transport: opened.transport, topic, clock, log, signal });
  } finally {
    await opened.close();
  }
}

interface Work {
  readonly manifest: Manifest;
  /** Called when all else is there: a wrong key, or a broker that is away, leaves no run behind. */
  readonly begin: () => Promise<RunFolder>;
  /** Undefined where nothing is kept. */
  readonly asked?: Asked;
}

/** Works on a run, shows how it goes, and what came of it. */
async function work({ manifest, begin, asked }: Work, options: SynthesizeOptions, context: CommandContext): Promise<number> {
  const { out, clock, log, signal } = context;
  const { config, model: name, seeds } = manifest;
  const { topicPrefix = usualPrefix, tokenBudget, workers } = options;
  const model = await chooseModel({ ...config, model: options.model ?? name }, workers ?? config.max_workers, context);
  const env = seedEnvironment(config, process.env);
  const opened = isOnKafka(options, context) ? await context.openTransport({ kind: 'kafka', startBroker: true }) : undefined;
  const monitor = runMonitor({ clock });
  const now = { running: 0, pairs: 0, tokens: 0, troubles: [] as readonly string[] };
  const remarks = (): readonly string[] => [
    `${String(now.running)} running`,
    `${String(now.pairs)} pairs`,
    `${now.tokens.toLocaleString('en-US')} tokens`,
    ...now.troubles,
  ];
  const stopShowing = showProgress({ monitor, out, clock, noun: 'seeds', remarks });
  try {
    const folder = await begin();
    out.note(
      `${String(seeds.length)} seeds, ${config.environment_mode}, through ${options.model ?? name}, on ${opened?.where ?? 'the embedded broker'}`,
    );
    const summary = await runSynthesis({
      ...{ folder, model, env, clock, log, signal, tokenBudget, workers, pairsTopic: options.pairsTopic },
      which: asked?.kind === 'go-on' ? asked.which : 'open',
      ...(opened && { transport: opened.transport, prefix: topicPrefixFrom(topicPrefix) }),
      onBegin: (said, todo) => {
        monitor.expect(seeds.length, seeds.length - todo);
        for (const one of said) out.note(one);
      },
      onRunning: (running) => (now.running = running),
      onTroubles: (troubles) => (now.troubles = troubles),
      onPair: (line) => {
        now.pairs += 1;
        out.json(line);
      },
      onSeed: (sourceId, outcome) => {
        const tokens = { input: outcome.inputTokens, output: outcome.outputTokens };
        now.tokens += tokens.input + tokens.output;
        const failure = outcome.status === 'failed' ? { error: outcome.error.code } : {};
        monitor.item({ id: sourceId, processingMs: outcome.wallMs, tokens, ...failure });
        out.line(seedLine(sourceId, outcome, out.width));
      },
    });
    stopShowing();
    return ended(summary, asked, context);
  } finally {
    stopShowing();
    await opened?.close();
  }
}

function ended(summary: SynthesisSummary, asked: Asked | undefined, { out, signal }: CommandContext): number {
  out.json({ summary });
  out.line('');
  out.table(summaryRows(summary));
  for (const remark of remarksOn(summary, asked?.out)) out.note(remark);
  if (summary.endedBy === 'interrupted') signal.throwIfAborted();
  if (summary.endedBy === 'budget') return budgetSpent;
  return summary.failed === 0 && summary.open === 0 ? 0 : 1;
}
