import { expect, it } from 'vitest';
import { createLogger } from '../../src/runtime/logging.ts';

function linesOf(log: (logger: ReturnType<typeof createLogger>) => void): readonly Record<string, unknown>[] {
  const lines: string[] = [];
  log(createLogger({ destination: { write: (line: string) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('cuts off a text that is no line of a log', () => {
  const [line] = linesOf((log) => {
    log.error({ error: 'x'.repeat(3_000_000), short: 'as it is', count: 3 }, 'a part failed');
  });
  expect(line).toMatchObject({ msg: 'a part failed', short: 'as it is', count: 3 });
  expect(String(line?.['error'])).toMatch(/^x{4000}… \(3000000 characters\)$/);
});

it('cuts out what may be a secret', () => {
  const [line] = linesOf((log) => {
    log.info({ password: 'x', sasl: { password: 'y' }, nested: { token: 'z' } }, 'connected');
  });
  expect(line).toMatchObject({ password: '[redacted]', sasl: '[redacted]', nested: { token: '[redacted]' } });
});
