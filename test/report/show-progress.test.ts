import { expect, it } from 'vitest';
import { type Output, runMonitor, showProgress } from '../../src/index.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

function recording(
  isTty: boolean,
  isJson = false,
): { readonly out: Output; readonly live: (string | undefined)[]; readonly notes: string[] } {
  const live: (string | undefined)[] = [];
  const notes: string[] = [];
  const unused = (): void => undefined;
  const out: Output = {
    ...{ isJson, isTty, width: 60, line: unused, json: unused, table: unused, drained: () => Promise.resolve() },
    note: (text) => void notes.push(text),
    live: (text) => void live.push(text),
  };
  return { out, live, notes };
}

it('rewrites one line on a terminal, no longer than it is wide, and takes it away', async () => {
  const clock = virtualClock();
  const monitor = runMonitor({ clock, total: 4 });
  const { out, live, notes } = recording(true);
  const stop = showProgress({
    monitor,
    out,
    clock,
    noun: 'documents',
    remarks: () => ['paused by a budget that is used up until the next minute'],
  });
  await clock.advance(2_000);
  monitor.item({ processingMs: 5 });
  await clock.advance(2_000);
  expect(live).toHaveLength(16);
  expect(live.at(-1)).toBe('1 of 4 documents · 15.0/min · 12 s left · paused by a bud');
  stop();
  await clock.advance(2_000);
  expect([live.length, live.at(-1), notes]).toEqual([17, undefined, []]);
});

it('says elsewhere every 10 s what has changed, and with --json nothing', async () => {
  const clock = virtualClock();
  const monitor = runMonitor({ clock });
  const plain = recording(false);
  const json = recording(false, true);
  const stops = [plain, json].map(({ out }) => showProgress({ monitor, out, clock, noun: 'items' }));
  await clock.advance(30_000);
  monitor.item({ processingMs: 5 });
  await clock.advance(20_000);
  for (const stop of stops) stop();
  expect(plain.notes).toEqual(['0 items · 0.0/s · 10 s so far', '1 items · 1.5/min · 40 s so far']);
  expect(json.notes).toEqual([]);
});
