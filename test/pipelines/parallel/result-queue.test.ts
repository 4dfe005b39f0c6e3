import { describe, expect, it } from 'vitest';
import { ResultQueue } from '../../../pipelines/parallel/result-queue.ts';

interface Value {
  readonly n: number;
}

function queue() {
  const read: number[] = [];
  return { read, made: new ResultQueue<Value>((bytes) => read.push(bytes)) };
}

describe('ResultQueue', () => {
  it('gives values in their order, to readers that wait too, and tells the bytes of what is read', async () => {
    const { made, read } = queue();
    const early = [made.next(), made.next()];
    made.push({ n: 1 }, 10);
    made.push({ n: 2 }, 20);
    made.push({ n: 3 }, 30);
    expect(made.size).toBe(1);
    expect(read).toEqual([10, 20]);
    const all = await Promise.all([...early, made.next()]);
    expect(all.map(({ value }) => value?.n)).toEqual([1, 2, 3]);
    expect(read).toEqual([10, 20, 30]);
    expect(made.size).toBe(0);
  });

  it('ends behind all values, for each reader', async () => {
    const { made } = queue();
    made.push({ n: 1 }, 1);
    made.complete();
    expect(await made.next()).toEqual({ done: false, value: { n: 1 } });
    expect(await Promise.all([made.next(), made.next()])).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  it('fails behind all values, once; the first end counts', async () => {
    const { made } = queue();
    made.push({ n: 1 }, 1);
    made.fail(new Error('input'));
    made.complete();
    expect(await made.next()).toMatchObject({ done: false });
    await expect(made.next()).rejects.toThrow('input');
    expect(await made.next()).toEqual({ done: true, value: undefined });
    const other = queue().made;
    other.complete();
    other.fail(new Error('late'));
    expect(await other.next()).toEqual({ done: true, value: undefined });
  });

  it('forgets what is not read, and says so', async () => {
    const { made, read } = queue();
    made.push({ n: 1 }, 5);
    made.push({ n: 2 }, 6);
    made.clear();
    expect(read).toEqual([5, 6]);
    expect(made.size).toBe(0);
    expect(await made.next()).toEqual({ done: true, value: undefined });
  });
});
