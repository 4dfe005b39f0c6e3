import { describe, expect, it } from 'vitest';
import { letterOf, redriven } from '../../src/flow/letter.ts';
import { headerText } from '../../src/record/record.ts';
import { mill } from '../helpers/mill.ts';

const waits = { ordering: 'none', retryTopics: { delaysMs: [60_000, 600_000] } } as const;
const options = { createTopics: true };

describe.each(['at-least-once', 'exactly-once'] as const)('a dead letter, %s', (delivery) => {
  it.each([
    { what: 'a record without a key', key: null, value: '{', given: 'whole', keyed: 'in/0@0', header: 'none' },
    { what: 'one with a key', key: 'k', value: '{', given: 'whole', keyed: 'k', header: undefined },
    {
      what: 'one that is too large, without a key',
      key: null,
      value: 'x'.repeat(4_900),
      given: 'omitted',
      keyed: 'in/0@0',
      header: 'none',
    },
    { what: 'one whose key is too large', key: 'k'.repeat(4_900), value: '{', given: 'omitted', keyed: 'in/0@0', header: undefined },
  ])('is written to a topic that has become a compacted one: $what', async ({ key, value, given, keyed, header }) => {
    const m = await mill({ maxRecordBytes: 5_000 });
    await m.start((s) => s, { delivery, ordering: 'none' });
    m.transport.broker.setCompacted('dead');
    const own = [['h', new Uint8Array([1])]] as const;
    m.transport.broker.append('in', 0, [{ key: key === null ? null : Buffer.from(key), value: Buffer.from(value), headers: own }]);
    await m.clock.advance(2_000);
    const [written, ...more] = m.transport.broker.records('dead', 0);
    const letter = written && letterOf(written);
    expect([more.length, Buffer.from(written?.key ?? []).toString(), letter?.payload]).toEqual([0, keyed, given]);
    expect([headerText(written?.headers ?? [], 'millrace.key'), m.committed()]).toEqual([header, [1n]]);
    if (letter?.payload !== 'whole') return;
    const again = redriven(letter);
    expect([again.key && Buffer.from(again.key).toString(), Buffer.from(again.value ?? []).toString()]).toEqual([key, value]);
    expect(again.headers[0]).toEqual(['h', new Uint8Array([1])]);
  });
});

it.each([
  { topic: 'dead', spec: {}, says: 'topic dead, for dead letters, is compacted: those of one key would delete each other' },
  { topic: 'mill.retry.2', spec: waits, says: 'topic mill.retry.2, for records that wait to run again, is compacted' },
])('a start refuses the compacted topic $topic, in which failed records would not last', async ({ topic, spec, says }) => {
  const m = await mill();
  await m.transport.createTopics([{ name: topic }]);
  m.transport.broker.setCompacted(topic);
  await expect(m.start((s) => s, spec, options)).rejects.toMatchObject({
    code: 'invalid_option',
    message: expect.stringContaining(says) as unknown,
  });
});

it('a start asks nothing of an output that is compacted, which may well be wanted', async () => {
  const m = await mill();
  m.transport.broker.setCompacted('out');
  const app = await m.start((s) => s);
  expect(app.state).toBe('running');
});
