import { defer, type MonoTypeOperatorFunction, Observable, retry, switchMap, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { currentScope } from '../../../src/call.ts';
import type { Clock } from '../../../src/clock.ts';
import type { Finding } from '../../helpers/experiment.ts';
import * as batchesByLength from './batches-by-length.ts';
import { hotKey, slowCalls, steady } from './full-server.ts';
import { race, type Way } from './million.ts';
import * as outage from './outage.ts';
import * as sharedLimit from './shared-limit.ts';
import { lengths } from './shortest-first.ts';
import { noticed, share, type Sharing } from './two-tenants.ts';

const failuresOf = (findings: readonly Finding[]): readonly string[] => findings.filter(({ pass }) => !pass).map(({ what }) => what);

const fails = async (what: RegExp, findings: Promise<readonly Finding[]>): Promise<void> => {
  expect(failuresOf(await findings)).toContainEqual(expect.stringMatching(what));
};

const after = (clock: Clock, ms: number): Observable<unknown> => new Observable((out) => clock.schedule(ms, () => out.next(undefined)));

/** All together, as long as it takes. */
const retryAfter =
  (ms: number): MonoTypeOperatorFunction<number> =>
  (call) =>
    defer(() => {
      const { clock } = currentScope();
      return call.pipe(retry({ delay: () => after(clock, ms) }));
    });

/** The first seconds after the outage go by without a call. */
const lazily: MonoTypeOperatorFunction<number> = (call) =>
  defer(() => {
    const { clock } = currentScope();
    const second = (clock.nowMs() / 1_000) % 1_000;
    return second >= 5 && second < 51
      ? after(clock, (51 - second) * 1_000).pipe(
          take(1),
          switchMap(() => call),
        )
      : call;
  });

/** What is played must be able to fail: each judge is shown what it is there to find. */
describe('the flow benchmark tells when', { timeout: 60_000 }, () => {
  it('a server is not kept full', async () => {
    await fails(/of the ideal/, steady(500, { concurrency: 24 }));
    await fails(/of the ideal/, slowCalls(500, { concurrency: 24 }));
    await fails(/of the ideal/, slowCalls(500, { ordering: 'partition' }));
  });

  it('keys hold up each other, or are not in order', async () => {
    await fails(/of the ideal that key order/, hotKey(500, { ordering: 'partition' }));
    await fails(/inversions/, hotKey(500, { ordering: 'none' }));
  });

  it('a limit is passed, or not used', async () => {
    const alone = sharedLimit.findings({ delivery: 'at-least-once', sharedBy: 'nobody' });
    await fails(/most tokens in any 60 s/, alone);
    await fails(/answers of 429/, alone);
    await fails(/used between faults/, sharedLimit.findings({ delivery: 'at-least-once', tokensPerMinute: 55_000 }));
  });

  it.each<{ what: RegExp; guard: MonoTypeOperatorFunction<number> }>([
    { what: /calls for each record/, guard: retryAfter(100) },
    { what: /fullest 100 ms/, guard: retryAfter(9_000) },
    { what: /back to 90 %/, guard: lazily },
    { what: /dead letters/, guard: retryAfter(5_000) },
  ])('nothing keeps calls from a service that is down: $what', async ({ what, guard }) => {
    await fails(
      what,
      outage.findings('no breaker', () => (call) => call.pipe(guard)),
    );
  });

  it('the longest wait has no bound, or shortest first is not', async () => {
    const starved = lengths(2_500, { order: 'priority', priorityOf: (i) => (i % 10 === 0 ? -10 : 10), patienceMs: 60_000 });
    await fails(/at most/, starved);
    await fails(/longest wait/, starved);
    await fails(/mean wait/, lengths(1_000, { order: 'fifo' }));
  });

  it('the one with more has more', async () => {
    const inTurn: Sharing = () => ({});
    await fails(
      /share of the small/,
      share(3, 1, inTurn).then((one) => [one]),
    );
    await fails(
      /p99/,
      noticed(3, 'even', inTurn).then((one) => [one]),
    );
  });

  it('batches are not of values alike in length', async () => {
    await fails(
      /padding/,
      batchesByLength.run(() => 1).then(({ measured }) => measured),
    );
  });
});

it('the flow benchmark tells what is slower than RxJS, is not linear, or leaves something', () => {
  const spin = (times: number): number => {
    const { user, system } = process.cpuUsage();
    for (let now = { user, system }; now.user + now.system < user + system + times; now = process.cpuUsage());
    return 0;
  };
  const ways: Readonly<Record<string, Way>> = {
    reference: { work: (values) => spin(values / 20) },
    slow: { work: (values) => spin(values / 5), against: 'reference' },
    square: { work: (values) => spin(values ** 2 / 4_000_000) },
    leaking: { work: () => 1 },
  };
  const failed = failuresOf(race(ways, { short: false, say: () => undefined }));
  expect(failed).toEqual(expect.arrayContaining(['slow: for each', 'square: for each of ten times as many', 'leaking: left behind']));
  expect(failed.filter((what) => what.startsWith('reference'))).toEqual([]);
});
