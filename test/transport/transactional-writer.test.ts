import { describe, expect, it } from 'vitest';
import { TransportError } from '../../src/errors.ts';
import { type TransactionLink, TransactionalWriter } from '../../src/transport/transactional-writer.ts';
import { gate } from '../conformance/transport/gate.ts';
import { record } from '../conformance/transport/world.ts';

/** A link that writes down what it is asked. */
function linked(more: Partial<TransactionLink> = {}) {
  const asked: string[] = [];
  const note =
    (what: string, answer: () => Promise<unknown> = () => Promise.resolve()) =>
    async (): Promise<never> => {
      asked.push(what);
      return (await answer()) as never;
    };
  const { begin, send, storeOffsets, commit, abort } = more as Partial<Record<string, () => Promise<unknown>>>;
  const writer = new TransactionalWriter({
    transactionalId: 'w',
    begin: note('begin', begin),
    send: note('send', send),
    storeOffsets: note('storeOffsets', storeOffsets),
    commit: note('commit', commit),
    abort: note('abort', abort),
    disconnect: note('disconnect'),
  });
  return { writer, asked };
}

const failing = (code: ConstructorParameters<typeof TransportError>[0]) => () =>
  Promise.reject(new TransportError(code, `because ${code}`));
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'fine',
    (error: unknown) => (error as TransportError).code,
  );
const one = [record('v')];

describe('TransactionalWriter', () => {
  it.each(['fenced', 'transport_unavailable', 'transport_failed', 'unknown_topic'] as const)(
    '%s spends it: the log is asked nothing more',
    async (code) => {
      const { writer, asked } = linked({ send: failing(code) });
      const transaction = await writer.begin();
      expect(await codeOf(transaction.send('t', 0, one))).toBe(code);
      const before = asked.length;
      expect(await codeOf(transaction.storeOffsets('g', [{ topic: 't', partition: 0, offset: 0n, metadata: '' }]))).toBe(code);
      expect(await codeOf(transaction.commit())).toBe(code);
      expect(await codeOf(writer.begin())).toBe(code);
      await writer.close();
      expect(asked.slice(before)).toEqual(['disconnect']);
    },
  );

  it.each(['record_too_large', 'record_rejected'] as const)('%s does not', async (code) => {
    const { writer, asked } = linked({ send: failing(code) });
    const transaction = await writer.begin();
    expect(await codeOf(transaction.send('t', 0, one))).toBe(code);
    expect(await codeOf(transaction.commit())).toBe('fine');
    expect(asked).toEqual(['begin', 'send', 'commit']);
  });

  it('a failure that is none of ours spends it as transport_failed', async () => {
    const { writer } = linked({ commit: () => Promise.reject(new Error('a bug')) });
    expect(await codeOf((await writer.begin()).commit())).toBe('transport_failed');
    expect(await codeOf(writer.begin())).toBe('transport_failed');
  });

  it.each(['commit', 'abort'] as const)('%s waits for what is under way, and is the last thing asked', async (end) => {
    const goOn = gate();
    const { writer, asked } = linked({ send: () => goOn.opened as Promise<never> });
    const transaction = await writer.begin();
    const sending = transaction.send('t', 0, one);
    const ending = transaction[end]();
    expect(await codeOf(transaction.send('t', 0, one))).toBe('transport_failed');
    expect(await codeOf(writer.begin())).toBe('transport_failed');
    expect(asked).toEqual(['begin', 'send']);
    goOn.open();
    await Promise.all([sending, ending]);
    expect(asked).toEqual(['begin', 'send', end]);
  });

  it('does not commit behind a send that failed meanwhile', async () => {
    const goOn = gate();
    const { writer, asked } = linked({ send: () => goOn.opened.then(failing('transport_unavailable')) });
    const transaction = await writer.begin();
    const sending = codeOf(transaction.send('t', 0, one));
    const committing = codeOf(transaction.commit());
    goOn.open();
    expect([await sending, await committing, asked]).toEqual(['transport_unavailable', 'transport_unavailable', ['begin', 'send']]);
  });

  it('close waits for a commit under way, aborts only what is open, and ends whatever the abort says', async () => {
    const goOn = gate();
    const committing = linked({ commit: () => goOn.opened });
    const commit = (await committing.writer.begin()).commit();
    const closed = committing.writer.close();
    goOn.open();
    await Promise.all([commit, closed, committing.writer.close()]);
    expect(committing.asked).toEqual(['begin', 'commit', 'disconnect']);
    const open = linked({ abort: failing('transport_unavailable') });
    const transaction = await open.writer.begin();
    await open.writer.close();
    expect(open.asked).toEqual(['begin', 'abort', 'disconnect']);
    expect(await codeOf(transaction.commit())).toBe('transport_failed');
    expect(await codeOf(open.writer.begin())).toBe('transport_failed');
  });

  it('can begin again where beginning failed without spending it, and asks nothing for nothing', async () => {
    const { writer, asked } = linked();
    const transaction = await writer.begin();
    await transaction.storeOffsets('g', []);
    expect(await codeOf(transaction.send('t', 0, []))).toBe('transport_failed');
    await transaction.abort();
    expect(await codeOf(transaction.abort())).toBe('transport_failed');
    await writer.begin();
    expect(asked).toEqual(['begin', 'abort', 'begin']);
  });
});
