import { finalize } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const [records, places, callMs] = [400, 4, 100];

/** Every fifth record is of one key; all of them wait in the window from the beginning. */
async function runAll() {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 2 });
  await transport.createTopics([{ name: 'in' }]);
  const numbers = json() as Codec<number>;
  for (let i = 0; i < records; i += 1) {
    const key = Buffer.from(i % 5 === 0 ? 'busy' : `k${String(i)}`);
    transport.broker.append('in', i % 5 === 0 ? 0 : i % 2, [{ key, value: numbers.encode(i), headers: [] }]);
  }
  const startMs = clock.nowMs();
  const ends: { readonly i: number; readonly endedMs: number }[] = [];
  const pipeline = definePipeline({
    name: 'busy-key',
    input: { in: topic('in', numbers) },
    deadLetter: 'stop',
    ordering: 'key',
    process: (source) =>
      source.pipe(
        mapConcurrent(
          (i) =>
            call(async ({ signal }) => {
              await sleep(clock, callMs, signal);
              return i;
            }).pipe(finalize(() => ends.push({ i, endedMs: clock.nowMs() - startMs }))),
          {
            concurrency: places,
          },
        ),
      ),
  });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
  for (let ms = 0; ends.length < records && ms < 60_000; ms += callMs) await clock.advance(callMs);
  const drained = app.drain();
  await clock.advance(10_000);
  await drained;
  return ends;
}

describe('a busy key among many others', () => {
  it('is worked on from the beginning, so that no place is empty at the end, in its order', async () => {
    const ends = await runAll();
    const idealMs = (records * callMs) / places; // one after the other, the busy key's alone take 8 of these 10 s
    expect(ends.at(-1)?.endedMs).toBeLessThanOrEqual(idealMs / 0.95);
    const busy = ends.map(({ i }) => i).filter((i) => i % 5 === 0);
    expect(busy).toEqual(busy.toSorted((a, b) => a - b));
  });
});
