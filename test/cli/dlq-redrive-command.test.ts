import { of } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { dlqRedriveCommand } from '../../src/cli/dlq-redrive-command.ts';
import { text } from '../../src/codec/text.ts';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import { decodeHistory } from '../../src/flow/failure-history.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { headerText, textHeader } from '../../src/record/record.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import type { Consumer } from '../../src/transport/transport.ts';
import { bytesOf, dlqScene, letterOf, type Told } from './dlq-scene.ts';

const summaryOf = ({ json }: Told): Record<string, unknown> => (json.at(-1)?.['redrive'] ?? {}) as Record<string, unknown>;

describe('dlq redrive', () => {
  it('sends what a pipeline dead-lettered as it was read, byte by byte, and its history goes on', async () => {
    const { clock, transport, run, read } = await dlqScene();
    const headers = [
      ['h', new Uint8Array([255, 0])],
      ['h', null],
    ] as const;
    const input = topic('in', text());
    const pipeline = definePipeline({
      ...{ name: 'judge', input, deadLetter: topic('dead'), retry: 'none' },
      process: (words) =>
        words.pipe(
          mapConcurrent(
            (word) => {
              if (word === 'bad') throw new Error('it is bad');
              return of(word);
            },
            { concurrency: 1 },
          ),
        ),
    });
    transport.broker.append('in', 0, [{ key: bytesOf('k'), value: bytesOf('bad'), headers }]);
    const starting = start(pipeline as never, { transport, clock, signals: false, log: silentLog });
    await clock.advance(5_000);
    const app = await starting;
    expect((await run(dlqRedriveCommand)).code).toBe(0);
    await clock.advance(5_000);
    const [first, again] = read('in');
    expect([again?.key, again?.value]).toEqual([first?.key, first?.value]);
    expect(again?.headers.slice(0, 2)).toEqual(headers);
    expect(again?.headers.slice(2).map(([name]) => name)).toEqual(['millrace.redrives', 'millrace.redrive.history']);
    const second = read('dead')[1];
    expect(headerText(second?.headers ?? [], 'millrace.redrives')).toBe('1');
    const { entries } = decodeHistory(headerText(second?.headers ?? [], deadLetterHeaders.history));
    expect(new Set(entries.map(({ on }) => on))).toEqual(new Set(['in/0@0', 'in/0@1']));
    const draining = app.drain();
    await clock.advance(20_000);
    await draining;
  });

  it('ends where the topic ended at its start, and sends nothing twice when it is run again', async () => {
    const { run, values, letter } = await dlqScene();
    for (let i = 0; i < 45; i += 1) letter(String(i));
    const expected = Array.from({ length: 45 }, (_, i) => String(i));
    expect(await run(dlqRedriveCommand)).toMatchObject({ code: 0, json: [{ redrive: { sent: 45, sentTo: { in: 45 }, left: 0 } }] });
    expect(values('in')).toEqual(expected);
    expect(summaryOf(await run(dlqRedriveCommand))).toMatchObject({ sent: 0, left: 0, sentBefore: 45 });
    letter('more');
    expect(summaryOf(await run(dlqRedriveCommand))).toMatchObject({ sent: 1, sentBefore: 45 });
    expect(values('in')).toEqual([...expected, 'more']);
  });

  it('leaves what the filters do not ask for, to be sent by another run', async () => {
    const { run, values, letter } = await dlqScene();
    for (let i = 0; i < 30; i += 1)
      letter(String(i), { story: { [deadLetterHeaders.code]: i % 3 === 0 ? 'decode_failed' : 'call_timeout' } });
    const first = await run(dlqRedriveCommand, { code: 'decode_failed' });
    expect(summaryOf(first)).toMatchObject({ sent: 10, skipped: { filter: 20 }, left: 20 });
    expect(first.code).toBe(0);
    expect(summaryOf(await run(dlqRedriveCommand, { dryRun: true }))).toMatchObject({ sent: 20, sentBefore: 10, left: 0 });
    expect(summaryOf(await run(dlqRedriveCommand))).toMatchObject({ sent: 20, sentBefore: 10, left: 0 });
    expect([...values('in')].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
  });

  it('stopped in the middle and run again it sends the rest, at the rate it is given', async () => {
    const { clock, begin, run, values, letter } = await dlqScene();
    for (let i = 0; i < 40; i += 1) letter(String(i));
    const running = begin(dlqRedriveCommand, { rate: 10 });
    await clock.advance(2_050);
    const sent = values('in').length;
    expect(sent).toBeGreaterThanOrEqual(18);
    expect(sent).toBeLessThanOrEqual(22);
    running.interrupt();
    await clock.advance(5_000);
    const told = await running.told();
    expect([told.code, summaryOf(told)]).toEqual([130, expect.objectContaining({ sent, notLookedAt: String(40 - sent) })]);
    expect((await run(dlqRedriveCommand)).code).toBe(0);
    expect(values('in')).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
  });

  it.each([
    { fault: 'sends', committed: undefined },
    { fault: 'a commit, which came about', committed: true },
    { fault: 'a commit, which did not', committed: false },
  ])('sends nothing twice where $fault fails', async ({ committed }) => {
    const { transport, run, values, letter } = await dlqScene();
    for (let i = 0; i < 60; i += 1) letter(String(i));
    if (committed === undefined) transport.broker.failSends(2);
    else transport.broker.failTransactions(2, { committed });
    expect((await run(dlqRedriveCommand, { rate: 100 })).code).toBe(0);
    expect(values('in')).toEqual(Array.from({ length: 60 }, (_, i) => String(i)));
  });

  it('says why letters that were asked for stay, and ends with 3', async () => {
    const { run, transport, letter, values } = await dlqScene();
    const names = deadLetterHeaders;
    letter('fine');
    letter(null, { story: { [names.payload]: 'omitted' } });
    letter(null, { story: { [names.firstOffset]: '3' } });
    letter('often', { own: [textHeader('millrace.redrives', '3')] });
    letter('thrice', { own: [textHeader('millrace.redrives', '2')] });
    letter('nowhere', { story: { [names.topic]: 'gone' } });
    transport.broker.append('dead', 0, [{ key: null, value: bytesOf('of somebody else'), headers: [] }]);
    const told = await run(dlqRedriveCommand);
    expect([told.code, summaryOf(told)['skipped']]).toEqual([
      3,
      { payload_omitted: 1, unreadable: 1, loop_guard: 1, no_topic: 1, not_a_letter: 1 },
    ]);
    expect(values('in')).toEqual(['fine', 'thrice']);
    expect(summaryOf(await run(dlqRedriveCommand, { force: true }))).toMatchObject({ sent: 1, skipped: { payload_omitted: 1 } });
    expect(values('in')).toEqual(['fine', 'thrice', 'often']);
  });

  it('keeps the partition a record was in; with --to its key decides', async () => {
    const { run, values, transport, letter } = await dlqScene(3);
    await transport.createTopics([{ name: 'other' }]);
    for (let i = 0; i < 6; i += 1) letter(String(i), { key: null, story: { [deadLetterHeaders.partition]: String(i % 3) } }, (i + 1) % 3);
    await run(dlqRedriveCommand);
    expect([0, 1, 2].map((partition) => [...values('in', partition)].sort())).toEqual([
      ['0', '3'],
      ['1', '4'],
      ['2', '5'],
    ]);
    letter('again', {}, 2);
    letter('and again', {}, 1);
    await run(dlqRedriveCommand, { to: 'other' });
    expect([0, 1, 2].map((partition) => values('other', partition).length).sort()).toEqual([0, 0, 2]);
  });

  it('sends nothing that comes after it began', async () => {
    const { clock, begin, values, letter } = await dlqScene();
    for (let i = 0; i < 25; i += 1) letter(String(i)); // in two fetches
    const running = begin(dlqRedriveCommand, { rate: 10 });
    await clock.advance(1_000);
    for (let i = 25; i < 50; i += 1) letter(String(i));
    await clock.advance(30_000);
    expect((await running.told()).code).toBe(0);
    expect(values('in')).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
  });

  it.each(['joins', 'is given up'])('sends each letter once when another member joins, and when one %s', async (how) => {
    const { clock, begin, values, letter, transport } = await dlqScene(4);
    const consume = vi.spyOn(transport, 'consume');
    for (let i = 0; i < 80; i += 1) letter(String(i), { story: { [deadLetterHeaders.partition]: String(i % 4) } }, i % 4);
    const first = begin(dlqRedriveCommand, { rate: 20 });
    await clock.advance(1_500);
    const second = begin(dlqRedriveCommand, { rate: 20 });
    await clock.advance(500);
    const consumer = (await consume.mock.results[0]?.value) as Consumer;
    if (how === 'is given up') transport.broker.expel(consumer, { noticeMs: 400 });
    await clock.advance(60_000);
    const told = [await first.told(), await second.told()];
    expect(told.map(({ code }) => code)).toEqual([0, 0]);
    expect(told.map((one) => summaryOf(one)['sent'])).not.toContain(0); // both had a share
    const sent = [0, 1, 2, 3].flatMap((partition) => values('in', partition));
    expect(sent.sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 80 }, (_, i) => String(i)));
  });

  it('stops before it sends what cannot be noted, and says so', async () => {
    const { begin, clock, run, values, letter, transport } = await dlqScene();
    const total = 2_400;
    for (let i = 0; i < total; i += 1) {
      letter(String(i), { story: { [deadLetterHeaders.code]: i % 2 === 0 ? 'a' : 'b' } });
      if (i % 2 === 0) transport.broker.skipOffsets('dead', 0, 200);
    }
    const running = begin(dlqRedriveCommand, { code: 'b' }, false);
    await clock.advance(60_000);
    const told = await running.told();
    expect(told.code).toBe(3);
    expect(told.notes.at(-1)).toMatch(/partition 0: what was sent lies too scattered/);
    const first = values('in').length;
    expect(first).toBeGreaterThan(900);
    expect(first).toBeLessThan(total / 2);
    await run(dlqRedriveCommand);
    expect(new Set(values('in')).size).toBe(total);
    expect(values('in').length).toBe(total);
  });

  it('a dry run counts, estimates tokens, and sends nothing', async () => {
    const { run, values, letter } = await dlqScene();
    letter('x'.repeat(10));
    letter('y'.repeat(11));
    const told = await run(dlqRedriveCommand, { dryRun: true }, false);
    expect(told.lines).toEqual(['|letters', 'would be sent to in|2']);
    expect(told.notes).toEqual(['2 letters of dead would be sent, about 6 tokens (an estimate: bytes / 4)']);
    expect(values('in')).toEqual([]);
  });

  it('ends although the last offsets are no records', async () => {
    const { run, values, letter, transport } = await dlqScene();
    letter('one');
    const writer = await transport.transact({ transactionalId: 'pipeline' });
    const transaction = await writer.begin();
    await transaction.send('dead', 0, [letterOf('two', {})]);
    await transaction.commit();
    await writer.close();
    expect(await run(dlqRedriveCommand)).toMatchObject({ code: 0, json: [{ redrive: { sent: 2, notLookedAt: '0' } }] });
    expect(values('in')).toEqual(['one', 'two']);
  });

  it.each([
    [{ to: 'dead' }, /--to must not be the topic of the dead letters/],
    [{ to: 'nowhere' }, /topic nowhere \(--to\) does not exist/],
    [{ since: 'yesterday' }, /--since must be a time such as/],
    [{ since: '1h', until: '2h' }, /--since must be before --until/],
    [{ source: 'a/b' }, /--source must be topic/],
  ])('refuses %j', async (options, message) => {
    const { clock, begin } = await dlqScene();
    const running = begin(dlqRedriveCommand, options);
    const told = expect(running.told()).rejects.toThrow(message);
    await clock.advance(10_000);
    await told;
  });
});
