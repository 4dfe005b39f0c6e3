import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'conformance';
export const summary = 'every rule of the transport protocol against both transports, as a table (about 2 min; --short: memory alone)';

type Status = 'passed' | 'failed' | 'skipped' | 'pending' | 'todo';

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: Status; readonly duration?: number | null }[];
  }[];
}

export async function run({ short, folder, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const transports = short ? ['memory'] : ['memory', 'kafka'];
  const rules = new Map<string, Map<string, string>>();
  for (const transport of transports) {
    say(`the suite runs against ${transport}`);
    for (const [rule, told] of await suite(transport, folder, signal)) {
      const row = rules.get(rule) ?? new Map<string, string>();
      rules.set(rule, row.set(transport, told));
    }
  }
  const measured = [...rules].map(([rule, row]): Finding => {
    const told = transports.map((transport) => `${transport} ${row.get(transport) ?? 'did not run'}`);
    return { what: rule, measured: told.join(', '), passes: 'kept by all', pass: told.every((one) => !/failed|did not run/.test(one)) };
  });
  return { measured, pass: measured.length > 0 };
}

async function suite(transport: string, folder: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const outputFile = join(folder, `${transport}.json`);
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [vitest, 'run', `test/conformance/${transport}.test.ts`, '--reporter=json', `--outputFile=${outputFile}`];
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], signal });
    child.on('error', reject);
    child.on('close', () => {
      resolve();
    });
  });
  const report = JSON.parse(await readFile(outputFile, 'utf8')) as Report;
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return new Map(
    results.flatMap(({ title, status, duration }) => {
      if (!title.startsWith('rule ')) return [];
      const [, rule = title, reason] = /^(rule \d+: .*?)(?: \((not tested: .*)\))?$/.exec(title) ?? [];
      return [[rule, status === 'passed' ? `kept (${String(Math.round(duration ?? 0))} ms)` : (reason ?? status)] as const];
    }),
  );
}
