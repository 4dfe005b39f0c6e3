import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';

/** One line of the table: what was measured, and what would have been good enough. */
export interface Finding {
  readonly what: string;
  /** With its unit, as people read it. */
  readonly measured: string;
  /** The bound it is held against, such as `<= 100 MB`; empty for a figure that only informs. */
  readonly passes: string;
  readonly pass: boolean;
}

export interface ExperimentContext {
  /** A smaller run that still can fail: for tests and for trying. */
  readonly short: boolean;
  /** Aborted by Ctrl-C: stop, and stop what was started. */
  readonly signal: AbortSignal;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}

export interface ExperimentResult {
  readonly measured: readonly Finding[];
  /** Whether the whole holds; false also when one finding does not pass. */
  readonly pass: boolean;
}

/** A file `test/proofs/NAME.ts` or `test/bench/NAME.ts` exports these three. */
export interface Experiment {
  /** The file's name without `.ts`. */
  readonly name: string;
  /** One line: what it shows, and about how long it takes. */
  readonly summary: string;
  readonly run: (context: ExperimentContext) => Promise<ExperimentResult>;
}

const isExperiment = (value: object): value is Experiment =>
  'name' in value &&
  typeof value.name === 'string' &&
  'summary' in value &&
  typeof value.summary === 'string' &&
  'run' in value &&
  typeof value.run === 'function';

/** All experiments of a folder by name; `run.ts` is the runner itself. */
async function findExperiments(folder: string): Promise<ReadonlyMap<string, Experiment>> {
  const found = new Map<string, Experiment>();
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts') && file !== 'run.ts').sort();
  for (const file of files) {
    const loaded: object = (await import(pathToFileURL(join(folder, file)).href)) as object;
    const name = file.slice(0, -'.ts'.length);
    if (!isExperiment(loaded) || loaded.name !== name)
      throw new Error(`${file} must export name (${JSON.stringify(name)}), summary and run`);
    found.set(name, loaded);
  }
  return found;
}

/** The table as it is printed: one row a finding. */
function tableOf(findings: readonly Finding[]): string {
  const rows = [
    ['', 'what', 'measured', 'passes'],
    ...findings.map((one) => [one.pass ? 'ok' : 'FAILED', one.what, one.measured, one.passes]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function readArguments(kind: string, argv: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options: { short: flag, json: flag, help: { ...flag, short: 'h' } } });
  } catch (error) {
    process.stderr.write(`${messageOf(error)}; use npm run ${kind} -- NAME [--short] [--json], without NAME for the list\n`);
    process.exit(2);
  }
}

/** The command line of `npm run prove` and `npm run bench`; sets the exit code. */
export async function runExperiments(kind: 'prove' | 'bench', folder: string, argv: readonly string[]): Promise<void> {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const { values, positionals } = readArguments(kind, argv);
  const all = await findExperiments(folder);
  const [name] = values.help ? [] : positionals;
  const experiment = all.get(name ?? '');
  if (experiment === undefined) {
    if (name !== undefined) print(`there is no ${JSON.stringify(name)} here; there are:`);
    const width = Math.max(0, ...[...all.keys()].map((one) => one.length));
    for (const one of all.values()) print(`npm run ${kind} -- ${one.name.padEnd(width)}   ${one.summary}`);
    if (name !== undefined) process.exitCode = 2;
    return;
  }
  const startedMs = performance.now();
  const { measured, pass } = await runOne(experiment, values.short, values.json);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const ok = pass && measured.every((one) => one.pass);
  if (values.json) print(JSON.stringify({ name: experiment.name, pass: ok, short: values.short, seconds, measured }));
  else
    print(
      `\n${tableOf(measured)}\n\n${experiment.name}: ${ok ? 'holds' : 'DOES NOT HOLD'} (${String(seconds)} s${values.short ? ', short' : ''})`,
    );
  if (!ok) process.exitCode = 1;
}

async function runOne(experiment: Experiment, short: boolean, json: boolean): Promise<ExperimentResult> {
  const folder = await mkdtemp(join(tmpdir(), `millrace-${experiment.name}-`));
  const stop = new AbortController();
  const onSignal = (): void => {
    stop.abort();
  };
  process.once('SIGINT', onSignal);
  try {
    // with --json stdout belongs to the machine
    const say = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
    return await experiment.run({ short, signal: stop.signal, folder, say });
  } finally {
    process.off('SIGINT', onSignal);
    await rm(folder, { recursive: true, force: true });
  }
}
