import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Everything that keeps the house in order, in one command: `npm run check`. All steps run, also after one has failed, so
 * that one run tells everything; the last line counts the steps and the tests together.
 */

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What vitest's JSON reporter says, as far as we read it. */
interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'biome', 'format', '.'],
  ['lint', 'eslint', '.', '--max-warnings', '0'],
  ['types', 'tsc', '--noEmit'],
  ['imports', 'depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'operators', 'pipelines', 'test'],
  ['dead code', 'knip', '--no-progress'],
];

/**
 * Test projects, one row after the other, those of a row at the same time: Kafka's tests wait more than they work, and the embedded model
 * computes on all cores but one.
 */
const rows: readonly (readonly string[])[] = [['unit'], ['kafka', 'model']];

const root = join(import.meta.dirname, '..');
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** Runs a tool of this project; `show` lets its output through as it comes, else it is kept for a failure. */
function runTool(command: string, args: readonly string[], show: boolean): Promise<{ readonly ok: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    // the project's own tools first, also when this file is not started by npm
    const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` };
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => {
      resolve({ ok: false, output: `${command} does not start (${error.message}): run npm ci\n` });
    });
    child.once('close', (code) => {
      resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() });
    });
  });
}

async function runStep(name: string, command: string, args: readonly string[]): Promise<boolean> {
  const startedMs = performance.now();
  const { ok, output } = await runTool(command, args, false);
  if (!ok) process.stdout.write(`\n${output.trimEnd()}\n\n`);
  say(`${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds(startedMs)}${ok ? '' : `  (${[command, ...args].join(' ')})`}`);
  return ok;
}

/** All projects, or those that the arguments name, in one run of vitest. */
async function runTests(args: readonly string[]): Promise<Counts> {
  if (args.some((arg) => arg.startsWith('--project'))) return runVitest('tests', args, true);
  const all: Counts[] = [];
  for (const row of rows)
    all.push(...(await Promise.all(row.map((name, at) => runVitest(name, ['--project', name, '--passWithNoTests', ...args], at === 0)))));
  const sum = (count: (one: Counts) => number): number => all.reduce((total, one) => total + count(one), 0);
  const counts = { passed: sum((one) => one.passed), failed: sum((one) => one.failed), skipped: sum((one) => one.skipped) };
  if (counts.passed + counts.failed + counts.skipped > 0) return counts;
  say('FAILED  tests      there are none');
  return { ...counts, failed: 1 };
}

/** One run of vitest; what is not shown as it comes is shown at its end. */
async function runVitest(name: string, given: readonly string[], show: boolean): Promise<Counts> {
  const startedMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-check-'));
  const file = join(folder, 'report.json');
  try {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...given];
    const { ok, output } = await runTool('vitest', args, show);
    if (!show) say(output.trimEnd());
    const report = await readFile(file, 'utf8').then(
      (text) => JSON.parse(text) as TestReport,
      () => undefined,
    );
    const counts = report === undefined ? { passed: 0, failed: 1, skipped: 0 } : countTests(report, ok);
    say(`${counts.failed === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds(startedMs)}`);
    return counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function countTests(report: TestReport, ok: boolean): Counts {
  // a file that does not load has no failed test in it, yet it has failed
  const unloaded = report.testResults.filter(
    (one) => one.status === 'failed' && !one.assertionResults.some(({ status }) => status === 'failed'),
  );
  const failed = report.numFailedTests + unloaded.length;
  // an unhandled error fails the run while every test passes
  return {
    passed: report.numPassedTests,
    failed: ok ? failed : Math.max(1, failed),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const startedMs = performance.now();
let passed = 0;
let failed = 0;
const running = steps.map(([name, command, ...args]) => ({ name, ended: runStep(name, command, args) }));
// lint, which takes longest and one core, goes on beside the first tests
await Promise.all(running.filter(({ name }) => name !== 'lint').map(({ ended }) => ended));
const tests = await runTests(process.argv.slice(2));
for (const { ended } of running) {
  if (await ended) passed += 1;
  else failed += 1;
}
passed += tests.passed;
failed += tests.failed;
say(`\n${String(steps.length)} steps and ${String(tests.passed + tests.failed)} tests in ${seconds(startedMs)}`);
process.exitCode = failed === 0 ? 0 : 1;
say(`${String(passed)} passed, ${String(failed)} failed${tests.skipped === 0 ? '' : `, ${String(tests.skipped)} skipped`}`);
