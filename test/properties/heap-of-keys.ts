import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { of } from 'rxjs';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { type Mill, mill } from '../helpers/mill.ts';

const atOnce = 20_000;
/** Until the broker's logs are full, and V8 has compiled what it wants to. */
const warmUp = 5 * atOnce;

/**
 * What a whole pipeline, from the broker through the source and its lanes to the commit, keeps of each of so many distinct keys:
 * bytes of heap. An entry in a Map or a Set, with its key, would be 60 and more.
 */
export async function heapOfKeys(keys: number): Promise<number> {
  const m = await mill({ partitions: 4, retentionBytes: 2 ** 20 });
  const app = await m.start((s) => s.pipe(mapConcurrent((value) => of(value), { concurrency: 64 })));
  let before = 0;
  for (let fed = 0; fed < keys + warmUp; fed += atOnce) {
    if (fed === warmUp) before = await heapUsed(m);
    const records = Array.from({ length: atOnce }, (_, i) => ({ key: `customer ${String(fed + i)}`, value: fed + i }));
    await m.feed(records);
    await m.clock.advance(1_000);
  }
  const { done } = app.stats();
  if (done !== keys + warmUp) throw new Error(`only ${String(done)} of ${String(keys + warmUp)} records came through`);
  const left = (await heapUsed(m)) - before;
  const drained = app.drain();
  await m.clock.advance(10_000);
  await drained;
  return left / keys;
}

/** Without what the broker keeps; what finalizers let go is collected by the next round. */
async function heapUsed({ transport: { broker }, partitions }: Mill): Promise<number> {
  for (let partition = 0; partition < partitions; partition += 1)
    for (const name of ['in', 'out']) broker.truncate(name, partition, (broker.lastOffset(name, partition) ?? -1n) + 1n);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
}
