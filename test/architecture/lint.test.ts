import { join } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

/** Type-aware rules want a file that the compiler knows: the text of each case stands in for it. */
const eslint = new ESLint({ cwd: join(import.meta.dirname, '../..') });
const inSource = 'src/resource.ts';

async function rulesBroken(code: string, filePath: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return [...new Set(result?.messages.map((message) => message.ruleId ?? message.message))];
}

const header = "import * as rx from 'rxjs';\nexport const source = rx.of(1);\n";
const cases: readonly (readonly [rule: string, code: string])[] = [
  ['no-restricted-properties', 'export const a = Date.now();'],
  ['no-restricted-properties', 'export const a = AbortSignal.timeout(5);'],
  ['no-restricted-properties', 'export const a = process.hrtime.bigint();'],
  ['no-restricted-properties', 'globalThis.setTimeout(() => undefined, 5);'],
  ['no-restricted-syntax', 'export const a = new Date();'],
  ['no-restricted-syntax', 'export const a = Date();'],
  ['no-restricted-globals', 'setTimeout(() => undefined, 5);'],
  ['no-restricted-globals', 'setInterval(() => undefined, 5);'],
  ['no-restricted-globals', 'setImmediate(() => undefined);'],
  ['no-restricted-globals', 'export const a = performance.now();'],
  ['@typescript-eslint/no-restricted-imports', "import { setTimeout } from 'node:timers/promises';\nexport const a = setTimeout(5);"],
  ['@typescript-eslint/no-restricted-imports', "import { performance } from 'node:perf_hooks';\nexport const a = performance.timeOrigin;"],
  ['@typescript-eslint/no-restricted-imports', "import { timer } from 'rxjs';\nexport const a = timer(5);"],
  ['no-restricted-syntax', 'export enum Colour { red }'],
  ['no-restricted-syntax', 'const a = 1;\nexport default a;'],
  ['no-restricted-syntax', 'const a = 1;\nexport { a as default };'],
  ['@typescript-eslint/no-explicit-any', 'export const a = (b: any[]): number => b.length;'],
  ['@typescript-eslint/no-non-null-assertion', 'export const a = (b: number[]): number => b[0]!;'],
  ['@typescript-eslint/no-floating-promises', 'Promise.resolve(1);'],
  ['no-console', "console.log('here');"],
  ['rxjs-x/no-floating-observables', `${header}rx.of(2);`],
  ['rxjs-x/no-ignored-error', `${header}source.subscribe((one) => void one);`],
  ['max-lines', `export {};\n${'\n'.repeat(300)}`],
  ['max-lines-per-function', `export function a(b: () => void): void {\n${'  b();\n'.repeat(60)}}`],
];

// the first case waits for the compiler to read the whole project
describe('each lint rule of ours catches what it forbids', { timeout: 120_000 }, () => {
  it.each(cases)('%s: %s', async (rule, code) => {
    expect(await rulesBroken(`${code}\n`, inSource)).toContain(rule);
  });

  it('lets clean code pass, so that what is caught is caught for its reason', async () => {
    expect(await rulesBroken('export const a = (nowMs: number): Date => new Date(nowMs);\n', inSource)).toEqual([]);
  });

  it('gives the clock its timers', async () => {
    expect(await rulesBroken('setTimeout(() => undefined, Date.now());\n', 'src/clock.ts')).toEqual([]);
  });

  it('gives tests their timers, and no enum', async () => {
    const file = 'test/architecture/lint.test.ts';
    expect(await rulesBroken('setTimeout(() => undefined, Date.now());\n', file)).toEqual([]);
    expect(await rulesBroken('export enum Colour { red }\n', file)).toContain('no-restricted-syntax');
  });
});
