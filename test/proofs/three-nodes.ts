import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { longestStandstill } from '../helpers/group/checks.ts';
import { finding, playScene, type Scene, wait } from '../helpers/group/scene.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';

export const name = 'three-nodes';
export const summary =
  'three brokers, replication 3: leaders and the group coordinator go hard and in order, again and again; about 4 minutes, --short half a minute';

const partitions = 6;
const keys = 500;
const aSecond = 200;
const limitMs = 30_000;
const nodes = 3;

/** One node after the other, so that the group's coordinator and the leaders that fled to the next go again with it. */
async function bounce(scene: Scene, broker: RunningKafka, times: number, betweenMs: number): Promise<void> {
  for (let time = 0; time < times && !scene.signal.aborted; time += 1) {
    await wait(betweenMs);
    const node = time % nodes;
    const signal = time % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
    await broker.kill(node, signal);
    await wait(betweenMs / 2);
    await broker.restart(node);
    scene.say(`node ${String(node + 1)} went by ${signal} and is back`);
  }
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short } = context;
  const broker = await startKafka({ nodes });
  const act = async (scene: Scene): Promise<void> => {
    await scene.crew.joined(2);
    scene.feeder.steadily(aSecond);
    await bounce(scene, broker, short ? 2 : 5, short ? 2_000 : 6_000);
    const standstillMs = longestStandstill(await scene.crew.calls());
    const passes = `<= ${String(limitMs / 1_000)} s`;
    scene.findings.push(
      finding('longest standstill while a node is away', `${(standstillMs / 1_000).toFixed(1)} s`, passes, standstillMs <= limitMs),
    );
  };
  try {
    const measured = [];
    for (const keyless of short ? [false] : [false, true])
      measured.push(
        ...(await playScene(context, broker, {
          name: keyless ? 'three-nodes-keyless' : 'three-nodes',
          partitions,
          keys,
          given: { keyless },
          act,
        })),
      );
    return { measured, pass: true };
  } finally {
    await broker.stop();
  }
}
