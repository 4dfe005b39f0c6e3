import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { SeedOrder } from '../../../pipelines/synthesis/agent/order.ts';
import { seedProcess } from '../../../pipelines/synthesis/seed-process.ts';
import type { SeedProcess } from '../../../pipelines/synthesis/start-seed-process.ts';
import { virtualClock } from '../../../src/testing.ts';

const child = () => Object.assign(new EventEmitter(), { connected: true, send: () => true });
const given = (one: EventEmitter, isReady: boolean): SeedProcess =>
  ({ child: one, isReady, isAlive: true, stderr: '', kill: () => undefined }) as never;

it.each([true, false])(
  'takes another process where the one begun ahead (ready: %s) was killed before it asked; one of its own that dies is an attempt',
  (isReady) => {
    const [waited, own] = [child(), child()];
    const left = [given(waited, isReady), given(own, false)];
    const failures: unknown[] = [];
    const processes = {
      take: (give: (one: SeedProcess, isAhead: boolean) => void) => {
        const next = left.shift();
        if (next) give(next, left.length > 0);
        return () => undefined;
      },
      beginAhead: () => undefined,
    };
    const parts = { ask: () => expect.unreachable(), clock: virtualClock(), timeoutMs: 1_000, memoryMb: 64, processes };
    const order = { sourceId: 's' } as SeedOrder;
    seedProcess(order, parts as never).subscribe({ error: (error: unknown) => failures.push(error) });
    waited.emit('exit', null, 'SIGKILL');
    expect([failures.length, left.length]).toEqual([0, 0]);
    waited.emit('exit', null, 'SIGKILL'); // what is told of it later is of no concern
    expect(failures).toEqual([]);
    own.emit('exit', null, 'SIGKILL');
    expect(failures).toMatchObject([{ code: 'call_failed', message: 'the process of seed s is gone: it was ended by SIGKILL' }]);
  },
);
