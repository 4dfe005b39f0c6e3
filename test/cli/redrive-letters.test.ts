import { describe, expect, it, vi } from 'vitest';
import { dlqRedriveCommand } from '../../src/cli/dlq-redrive-command.ts';
import { deadLetterHeaders } from '../../src/flow/dead-letters.ts';
import type { Consumer } from '../../src/transport/transport.ts';
import { dlqScene, mortal, type Told } from './dlq-scene.ts';

const partitions = 4;
const letters = 80;
const all = Array.from({ length: letters }, (_, i) => String(i));

const sentBy = ({ json }: Told): number => Number((json.at(-1)?.['redrive'] as Record<string, unknown> | undefined)?.['sent']);

/** Letters of four partitions, and a broker that takes its time, so that whatever happens falls between two steps of a transaction. */
async function slowScene() {
  const scene = await dlqScene(partitions);
  for (const i of all)
    scene.letter(i, { story: { [deadLetterHeaders.partition]: String(Number(i) % partitions) } }, Number(i) % partitions);
  scene.transport.broker.delayTransactions(20);
  scene.transport.broker.delayAcknowledgements(20);
  scene.transport.broker.delayCompletion(40);
  const sent = (): string[] =>
    Array.from({ length: partitions }, (_, partition) => scene.values('in', partition))
      .flat()
      .sort((a, b) => Number(a) - Number(b));
  let written = 0;
  const transact = scene.transport.transact.bind(scene.transport);
  vi.spyOn(scene.transport, 'transact').mockImplementation(async (options) => {
    const producer = await transact(options);
    const begin = producer.begin.bind(producer);
    producer.begin = async () => {
      const transaction = await begin();
      const send = transaction.send.bind(transaction);
      transaction.send = (topic, partition, records) => {
        written += records.length;
        return send(topic, partition, records);
      };
      return transaction;
    };
    return producer;
  });
  return { ...scene, sent, written: () => written };
}

describe('redriving letters', () => {
  it.each(Array.from({ length: 40 }, (_, i) => ({ atMs: 13 + i * 29 })))(
    'sends each once when it is killed after $atMs ms, and run again',
    async ({ atMs }) => {
      const { clock, transport, begin, run, sent } = await slowScene();
      const killed = mortal(clock, transport);
      begin(dlqRedriveCommand, { rate: 100 }, true, killed);
      await clock.advance(atMs);
      killed.kill();
      expect((await run(dlqRedriveCommand)).code).toBe(0);
      expect(sent()).toEqual(all);
    },
  );

  it('sees what a killed run had committed, although it was not carried out yet', async () => {
    const { clock, transport, begin, run, sent } = await slowScene();
    transport.broker.delayCompletion(10 ** 7);
    const killed = mortal(clock, transport);
    begin(dlqRedriveCommand, {}, true, killed);
    await clock.advance(1_000);
    killed.kill();
    const told = await run(dlqRedriveCommand);
    expect([told.code, told.warnings]).toEqual([0, []]);
    expect(sentBy(told)).toBeLessThan(letters);
    expect(sent()).toEqual(all);
  });

  it.each(Array.from({ length: 30 }, (_, i) => ({ atMs: 20 + i * 17 })))(
    'sends each once by two runs at a time, the second of which joins after $atMs ms, and none in vain',
    async ({ atMs }) => {
      const { clock, begin, sent, written } = await slowScene();
      const first = begin(dlqRedriveCommand);
      await clock.advance(atMs);
      const second = begin(dlqRedriveCommand);
      await clock.advance(60_000);
      const told = [await first.told(), await second.told()];
      expect(sent()).toEqual(all);
      expect(told.map(({ code, warnings }) => ({ code, warnings }))).toEqual(told.map(() => ({ code: 0, warnings: [] })));
      expect(told.reduce((sum, one) => sum + sentBy(one), 0)).toBe(letters);
      expect(written()).toBe(letters); // a transaction under way is finished before its partition goes
    },
  );

  it.each(Array.from({ length: 20 }, (_, i) => ({ atMs: 100 + i * 37 })))(
    'sends each once when the group gives one up after $atMs ms, which it hears of later',
    async ({ atMs }) => {
      const { clock, transport, begin, sent } = await slowScene();
      const consume = vi.spyOn(transport, 'consume');
      const runs = [begin(dlqRedriveCommand, { rate: 50 }), begin(dlqRedriveCommand, { rate: 50 })];
      await clock.advance(atMs);
      const consumer = (await consume.mock.results[0]?.value) as Consumer | undefined;
      if (consumer) transport.broker.expel(consumer, { noticeMs: 400 });
      await clock.advance(60_000);
      expect(await Promise.all(runs.map((one) => one.told().then(({ code }) => code)))).toEqual([0, 0]);
      expect(sent()).toEqual(all);
    },
  );
});
