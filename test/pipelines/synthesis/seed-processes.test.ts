import { expect, it } from 'vitest';
import { SeedProcesses } from '../../../pipelines/synthesis/seed-processes.ts';
import type { SeedProcess } from '../../../pipelines/synthesis/start-seed-process.ts';

function world(most: number, seeds: number, mostStarting = 9) {
  const begun: (SeedProcess & { isAlive: boolean; isKilled: boolean })[] = [];
  const ups: (() => void)[] = [];
  let left = seeds;
  const processes = new SeedProcesses({
    most,
    mostStarting,
    left: () => left,
    start: (onUp) => {
      ups.push(onUp);
      const one = { child: {} as never, isReady: true, isAlive: true, isKilled: false, stderr: '', kill: () => void (one.isKilled = true) };
      begun.push(one);
      return one;
    },
  });
  const take = () => {
    left -= 1;
    let taken: SeedProcess | undefined;
    const leave = processes.take((given) => (taken = given));
    return { given: () => taken, leave };
  };
  return { processes, begun, ups, take };
}

it('begins one ahead when a seed waits, and gives it to the next', () => {
  const { processes, begun, take } = world(1, 3);
  expect([take().given() === begun[0], begun.length]).toEqual([true, 1]);
  processes.beginAhead();
  processes.beginAhead(); // no more than may wait
  expect(begun.length).toBe(2);
  expect([take().given() === begun[1], begun.length]).toEqual([true, 2]);
});

it('begins none for seeds that are not there, and none where there is no room', () => {
  const { processes, begun, take } = world(4, 2);
  take();
  for (let i = 0; i < 4; i += 1) processes.beginAhead();
  expect(begun.length).toBe(2); // one seed is left
  const narrow = world(0, 9);
  narrow.processes.beginAhead();
  expect(narrow.begun.length).toBe(0);
});

it('gives nobody one that has died while it waited, and has another in its place', () => {
  const { processes, begun, take } = world(1, 4);
  processes.beginAhead();
  Object.assign(begun[0] ?? {}, { isAlive: false });
  expect(take().given()).toBe(begun[1]);
  processes.beginAhead();
  Object.assign(begun[2] ?? {}, { isAlive: false });
  processes.beginAhead();
  expect(take().given()).toBe(begun[3]);
});

it('ends what waits, and begins nothing any more', () => {
  const { processes, begun, take } = world(2, 9);
  const working = take().given();
  processes.beginAhead();
  processes.close();
  processes.beginAhead();
  expect(begun.map(({ isKilled }) => isKilled)).toEqual([false, true]);
  expect(working).toBe(begun[0]);
});

it('begins those for the first seeds before there is a seed, as many as may wait', () => {
  const { processes, begun, take } = world(3, 9);
  processes.beginFirst(4);
  expect(begun.length).toBe(3);
  expect(take().given()).toBe(begun[0]);
  const narrow = world(0, 9);
  narrow.processes.beginFirst(4);
  expect(narrow.begun.length).toBe(0);
});

it('starts no more at once than it may: who comes then waits for one that is up, and may leave', () => {
  const { begun, ups, take, processes } = world(4, 9, 2);
  const four = [take(), take(), take(), take()];
  processes.beginAhead();
  expect(begun.length).toBe(2);
  four[2]?.leave();
  ups[1]?.();
  expect(four.map(({ given }) => begun.indexOf(given() as never))).toEqual([0, 1, -1, 2]);
  ups[0]?.();
  ups[2]?.();
  expect(begun.length).toBe(3); // nobody waits any more
  processes.beginAhead();
  expect(begun.length).toBe(4);
});
