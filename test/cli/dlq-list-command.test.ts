import { describe, expect, it } from 'vitest';
import { dlqListCommand } from '../../src/cli/dlq-list-command.ts';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import { dlqScene } from './dlq-scene.ts';

describe('dlq list', () => {
  it('counts by code, source and pipeline', async () => {
    const { run, letter, transport } = await dlqScene();
    letter('a');
    letter('b', { story: { [deadLetterHeaders.failedAt]: '2026-03-01T09:00:00.000Z' } });
    letter(null, { story: { [deadLetterHeaders.code]: 'x', [deadLetterHeaders.payload]: 'omitted' } });
    transport.broker.append('dead', 0, [{ key: null, value: null, headers: [] }]);
    const { json, code } = await run(dlqListCommand);
    expect(code).toBe(0);
    const kind = { source: 'in', pipeline: 'judge' };
    expect(json).toEqual([
      { code: 'call_timeout', ...kind, letters: 2, withoutPayload: 0, first: '2026-03-01T09:00:00.000Z', last: '2026-03-01T11:00:00.000Z' },
      { code: 'x', ...kind, letters: 1, withoutPayload: 1, first: '2026-03-01T11:00:00.000Z', last: '2026-03-01T11:00:00.000Z' },
      { summary: { topic: 'dead', letters: 3, withoutPayload: 1, notLetters: 1, ungrouped: 0 } },
    ]);
  });

  it('says that there is nothing', async () => {
    const { run } = await dlqScene();
    expect(await run(dlqListCommand, {}, false)).toMatchObject({ code: 0, lines: [], notes: ['0 letters in dead'] });
  });
});
