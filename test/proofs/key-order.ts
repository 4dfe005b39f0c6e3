import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { type Scene, playScene, wait } from '../helpers/group/scene.ts';
import { startKafka } from '../helpers/kafka-broker.ts';

export const name = 'key-order';
export const summary =
  'retried, slow and batched records of a key are called and written in order, while members join and leave; about 3 minutes, --short half a minute';

const partitions = 12;
const rebalances = 5;

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short } = context;
  const [records, keys, gapMs] = short ? [4_000, 300, 800] : [100_000, 1_000, 5_000];
  const broker = await startKafka();
  const act = async ({ crew, feeder, say }: Scene): Promise<void> => {
    await feeder.feed(records);
    await crew.joined(2);
    for (let change = 0; change < rebalances; change += 1) {
      await wait(gapMs);
      const members = crew.alive.filter(({ isIn }) => isIn);
      if (change % 2 === 0) (crew.alive.find(({ isIn }) => !isIn) ?? crew.hire()).join();
      else members[0]?.leave();
      say(`rebalance ${String(change + 1)}`);
    }
  };
  try {
    const alone = await playScene(context, broker, { name: 'key-order', partitions, keys, given: { retriedEvery: 5 }, act });
    const batches = await playScene(context, broker, {
      name: 'key-order-batched',
      partitions,
      keys,
      given: { retriedEvery: 5, batchOf: 8 },
      act,
    });
    return { measured: [...alone, ...batches], pass: true };
  } finally {
    await broker.stop();
  }
}
