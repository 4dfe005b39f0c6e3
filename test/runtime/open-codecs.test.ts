import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/map-value.ts';
import type { Codec, CodecUse } from '../../src/codec/codec.ts';
import { text } from '../../src/codec/text.ts';
import { CodecError, TransportError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { knownNumbers } from '../helpers/known-codec.ts';

async function world(codecs: { readonly value?: Codec<string>; readonly key?: Codec<string | null>; readonly out?: Codec<string> }) {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 1 });
  await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
  const { value = text(), key = text({ orNull: true }), out = text() } = codecs;
  const pipeline = definePipeline({
    name: 'p',
    input: topic('in', value, { key }),
    output: topic('out', out),
    deadLetter: topic('dead'),
    process: (source) => source.pipe(mapValue((one) => one)),
  });
  const begin = (startPatienceMs = 10_000) => start(pipeline, { transport, clock, log: silentLog, signals: false, startPatienceMs });
  return { clock, transport, begin };
}

describe('codecs that open', () => {
  it('are opened once for each use before the first record, stand in their places, and are closed at the end', async () => {
    const numbers = knownNumbers([1]);
    const codec = numbers.codec();
    const w = await world({ value: codec, key: codec, out: codec });
    w.transport.broker.append('in', 0, [{ key: Buffer.from('\u0001k'), value: Buffer.from('\u0001v'), headers: [] }]);
    const app = await w.begin();
    expect([...numbers.log].sort()).toEqual(['opened in key in', 'opened in value in', 'opened out value out']);
    await w.clock.advance(1_000);
    expect(app.stats()).toMatchObject({ done: 1 });
    const drained = app.drain();
    await w.clock.advance(1_000);
    await drained;
    expect(numbers.log.slice(3).sort()).toEqual(['closed in key in', 'closed in value in', 'closed out value out']);
  });

  it('are told what for, with a clock, a log and a signal that is not aborted by the end', async () => {
    const uses: CodecUse[] = [];
    const value: Codec<string> = { ...text(), open: (use) => Promise.resolve(text()).finally(() => uses.push(use)) };
    const w = await world({ value });
    const app = await w.begin();
    const drained = app.drain();
    await w.clock.advance(1_000);
    await drained;
    expect(uses).toMatchObject([{ topic: 'in', part: 'value', direction: 'in', clock: w.clock, signal: { aborted: false } }]);
    expect(() => uses[0]?.log('info', 'here')).not.toThrow();
  });

  it.each([
    ['an error of its own', new CodecError('schema_violation', 'subject in-value takes no such schema'), 'schema_violation'],
    ['any other', new TypeError('broken'), 'resource_failed'],
  ])('end the start when one cannot be opened (%s); the others are closed', async (_, error, code) => {
    const numbers = knownNumbers();
    const w = await world({ value: numbers.codec(), out: { ...text(), open: () => Promise.reject(error) } });
    await expect(w.begin()).rejects.toMatchObject({
      name: 'PipelineError',
      code,
      message: `codec text of the values of topic out (written) cannot be opened: ${error.message}`,
    });
    expect(numbers.log).toEqual(['opened in value in', 'closed in value in']);
  });

  it('are asked again while the start has patience and the error may pass, those alone that failed', async () => {
    let failures = 3;
    const numbers = knownNumbers();
    const out: Codec<string> = {
      ...text(),
      open: () => (
        (failures -= 1),
        failures >= 0 ? Promise.reject(new TransportError('transport_unavailable', 'the registry is away')) : Promise.resolve(text())
      ),
    };
    const w = await world({ value: numbers.codec(), out });
    const begun = w.begin();
    await w.clock.advance(8_000);
    const app = await begun;
    expect([app.state, numbers.log]).toEqual(['running', ['opened in value in']]);
    expect(app.stats().troubles).toEqual([]);
  });

  it('fail the start when its patience is over', async () => {
    const away = new TransportError('transport_unavailable', 'the registry is away');
    const w = await world({ value: { ...text(), open: () => Promise.reject(away) } });
    const begun = w.begin(5_000);
    const ended = expect(begun).rejects.toMatchObject({
      code: 'transport_unavailable',
      message: expect.stringMatching(
        /codec text of the values of topic in \(read\) cannot be opened: the registry is away; the start has waited 5 s/,
      ) as string,
    });
    await w.clock.advance(6_000);
    await ended;
  });
});
