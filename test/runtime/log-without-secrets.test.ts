import { expect, it } from 'vitest';
import type { Log } from '../../src/runtime/logging.ts';
import { logWithoutSecrets } from '../../src/runtime/log-without-secrets.ts';

it('tells a log nothing that looks like a secret, wherever it stands', () => {
  const lines: unknown[][] = [];
  const keep = (...line: unknown[]): void => void lines.push(line);
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const text = 'no answer of http://user:hunter2@10.0.0.1/m?token=sk-abc';
  const scrubbed = 'no answer of http://[redacted]@10.0.0.1/m?token=[redacted]';
  const cause = new Error(text);
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    logWithoutSecrets(log)[level]({ why: text, all: [text], cause, n: 3, big: 4n, deep: { one: text } }, text);
  const line = [{ why: scrubbed, all: [scrubbed], cause: scrubbed, n: 3, big: 4n, deep: { one: scrubbed } }, scrubbed];
  expect(lines).toEqual([line, line, line, line]);
});

it('cuts off what is no line of a log, and survives what goes round in circles', () => {
  const lines: unknown[][] = [];
  const keep = (...line: unknown[]): void => void lines.push(line);
  const round: Record<string, unknown> = {};
  round['self'] = round;
  logWithoutSecrets({ debug: keep, info: keep, warn: keep, error: keep }).info(round, 'x'.repeat(3_000_000));
  expect(JSON.stringify(lines).length).toBeLessThan(9_000);
});
