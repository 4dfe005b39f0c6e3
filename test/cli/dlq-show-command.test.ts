import { describe, expect, it } from 'vitest';
import { dlqShowCommand } from '../../src/cli/dlq-show-command.ts';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import { textHeader } from '../../src/record/record.ts';
import { dlqScene } from './dlq-scene.ts';

describe('dlq show', () => {
  it('tells stories, and shows the payload only when it is asked to', async () => {
    const { run, letter } = await dlqScene();
    letter('secret', { own: [textHeader('token', 'hidden')], key: 'person' });
    const quiet = await run(dlqShowCommand, {}, false);
    expect(quiet.lines.join('\n')).toMatch(/^dead\/0@0 {2}call_timeout\n {2}record {4}in\/0@7\n/);
    expect(JSON.stringify([quiet, await run(dlqShowCommand)])).not.toMatch(/secret|hidden|person/);
    const loud = (await run(dlqShowCommand, { payload: true }, false)).lines.join('\n');
    expect(loud).toMatch(/key +person\n +headers +token=hidden\n +value +secret/);
    const { json } = await run(dlqShowCommand, { payload: true });
    expect(json[0]?.['record']).toEqual({
      topic: 'in',
      partition: 0,
      offset: '7',
      key: 'person',
      value: 'secret',
      headers: [['token', 'hidden']],
    });
  });

  it('shows one letter, as many as asked for, or says that there is none', async () => {
    const { run, letter } = await dlqScene();
    for (let i = 0; i < 30; i += 1) letter(String(i));
    const shown = async (options: Record<string, unknown>): Promise<readonly unknown[]> =>
      (await run(dlqShowCommand, options)).json.map(({ letter: at }) => (at as { readonly offset: string }).offset);
    expect(await shown({ offset: '0:17' })).toEqual(['17']);
    expect(await shown({ max: 3 })).toEqual(['0', '1', '2']);
    expect((await shown({})).length).toBe(20);
    expect((await run(dlqShowCommand, { offset: '0:99' })).code).toBe(1);
    expect((await run(dlqShowCommand, { max: 3 }, false)).notes).toEqual(['there may be more: --max 30']);
  });
});

describe('filters', () => {
  const names = deadLetterHeaders;
  it.each([
    [{ code: 'call_timeout' }, ['a', 'b']],
    [{ code: 'x, y' }, ['c']],
    [{ pipeline: 'other' }, ['b']],
    [{ source: 'in' }, ['a', 'b']],
    [{ source: 'in/1' }, ['b']],
    [{ source: 'in/0@7' }, ['a']],
    [{ source: 'in/0@8' }, []],
    [{ since: '2026-03-01T11:00:00Z' }, ['a', 'b']],
    [{ since: '90m' }, ['a', 'b']],
    [{ until: '2026-03-01T11:00Z' }, ['c']],
    [{ since: '30m' }, []],
  ])('%j', async (options, expected) => {
    const { run, letter } = await dlqScene();
    letter('a');
    letter('b', { story: { [names.pipeline]: 'other', [names.partition]: '1' } });
    letter('c', { story: { [names.code]: 'x', [names.topic]: 'elsewhere', [names.failedAt]: '2026-03-01T10:00:00.000Z' } });
    const { json } = await run(dlqShowCommand, { ...options, payload: true });
    expect(json.map(({ record }) => (record as { readonly value: string }).value)).toEqual(expected);
  });
});
