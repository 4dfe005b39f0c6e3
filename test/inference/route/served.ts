import { Observable } from 'rxjs';
import { currentScope } from '../../../src/call.ts';
import { InferenceError, OverloadError } from '../../../src/errors.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import type { Resource } from '../../../src/resource.ts';
import { fakeBackend, usageOf } from '../fake-backend.ts';

export interface Served {
  readonly name: string;
  readonly slots: number;
  /** What one call takes in a slot. */
  readonly serviceMs: number;
  /** Calls that may wait for a slot; above it the answer is 429 with so long a Retry-After. */
  readonly queue?: number;
  readonly retryAfterMs?: number;
  /** Between these times so many slots are taken by others. */
  readonly others?: readonly [number, number, number];
  /** Every call fails at once between these times. */
  readonly down?: readonly [number, number];
}

/** A server with slots and a queue, in virtual time: what a policy makes of it shows in how many calls it ends. */
export function served({ name, slots, serviceMs, queue = Infinity, retryAfterMs, others = [0, 0, 0], down = [0, 0] }: Served) {
  const waiting: (() => void)[] = [];
  const counts = { running: 0, done: 0, refused: 0, failed: 0 };
  const chat = (): Observable<ChatChunk> =>
    new Observable<ChatChunk>((out) => {
      const { clock } = currentScope();
      const nowMs = clock.nowMs();
      if (nowMs >= down[0] && nowMs < down[1]) {
        counts.failed += 1;
        out.error(new InferenceError('model_failed', `${name} is down`, { status: 500 }));
        return;
      }
      const free = slots - (nowMs >= others[0] && nowMs < others[1] ? others[2] : 0);
      if (counts.running >= free && waiting.length >= queue) {
        counts.refused += 1;
        out.error(new OverloadError(`${name} is full`, { status: 429, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }));
        return;
      }
      const leave = (): void => {
        counts.running -= 1;
        waiting.shift()?.();
      };
      const begin = (): void => {
        counts.running += 1;
        const cancel = clock.schedule(serviceMs, () => {
          counts.done += 1;
          out.next({ text: name, index: 0 });
          out.next({ text: '', index: 1, usage: usageOf(10, 10), finishReason: 'stop' });
          out.complete();
        });
        out.add(cancel);
        out.add(leave);
      };
      if (counts.running < slots) begin();
      else {
        waiting.push(begin);
        out.add(() => {
          const at = waiting.indexOf(begin);
          if (at >= 0) waiting.splice(at, 1);
        });
      }
    });
  const model = completeModel({ ...fakeBackend([]), name, chat });
  const resource: Resource<Model> = { name, open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) };
  return { resource, counts };
}
