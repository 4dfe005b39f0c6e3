import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { ProgramLog } from '../../../../src/inference/openai/server/program-log.ts';
import { virtualClock } from '../../../../src/virtual-clock.ts';
import { withoutSecrets } from '../../../../src/without-secrets.ts';

vi.mock(import('../../../../src/without-secrets.ts'), async (original) => {
  const real = await original();
  return { ...real, withoutSecrets: vi.fn(real.withoutSecrets) };
});

test('of a flood only the lines that are told, and the last ones, are looked through for secrets', async () => {
  const told: string[] = [];
  const log = new ProgramLog({ name: 'w', log: (_level, message) => told.push(message), clock: virtualClock(), secrets: ['hunter2'] });
  const stream = new PassThrough();
  log.read(stream);
  stream.write('a line with hunter2\n'.repeat(20_000));
  stream.end('sk-1234567890\nthe last');
  await new Promise((resolve) => stream.on('close', resolve));
  log.flush();
  expect(told).toHaveLength(51);
  expect(told[0]).toBe('w: a line with [redacted]');
  expect(told[50]).toBe('w: 19952 lines left out');
  expect(log.tail.split('\n').slice(-3)).toEqual(['a line with [redacted]', '[redacted]', 'the last']);
  expect(vi.mocked(withoutSecrets).mock.calls.length).toBeLessThan(100);
});
