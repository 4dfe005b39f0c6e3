import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { finding, type Scene, playScene, wait } from '../helpers/group/scene.ts';
import { startKafka } from '../helpers/kafka-broker.ts';

export const name = 'storm';
export const summary =
  'workers join and leave without a pause, are killed, stopped past their session, starved: nothing lost, nothing called by two; about 4 minutes, --short half a minute';

const most = 6;
const toggleMs = 500;
const aSecond = 300;
const partitions = 12;
const keys = 500;
const given = { latencyMs: [5, 200] } as const;

/** 1 → 6 → 1 workers and so on; a worker joins or leaves every half second, done with the last change or not. */
async function toggle({ crew, feeder, say, signal }: Scene, forMs: number, killEvery: number): Promise<void> {
  const hands = [...(await crew.ready(most - 1)), ...(await crew.joined(1))];
  feeder.steadily(aSecond);
  const untilMs = performance.now() + forMs;
  let step = 1;
  for (let leaves = 0, changes = 1; performance.now() < untilMs && !signal.aborted; changes += 1) {
    const members = hands.filter(({ isIn }) => isIn);
    if (members.length === most) step = -1;
    else if (members.length === 1) step = 1;
    const [oldest] = members;
    if (step > 0) hands.find(({ isIn }) => !isIn)?.join();
    else if (oldest) {
      leaves += 1;
      hands.push(...hands.splice(hands.indexOf(oldest), 1)); // the next to join is another
      if (killEvery > 0 && leaves % killEvery === 0) {
        await crew.kill(oldest);
        hands.splice(hands.indexOf(oldest), 1, crew.hire());
      } else oldest.leave();
    }
    if (changes % 20 === 0) say(`${String(changes)} changes, ${String(crew.kills)} of them kills`);
    await wait(toggleMs);
  }
}

/** Members stand still one after the other, for so many milliseconds each. */
async function pauses({ crew, feeder, findings }: Scene, times: number, lengthMs: () => number, gapMs: number): Promise<void> {
  const hands = await crew.joined(3);
  feeder.steadily(aSecond);
  for (let time = 0; time < times; time += 1) {
    await wait(gapMs);
    const hand = hands[time % hands.length];
    if (hand) await crew.pause(hand, lengthMs());
  }
  findings.push(finding('stopped and continued', crew.pauses.length, String(times), crew.pauses.length === times));
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short } = context;
  const broker = await startKafka();
  const common = { partitions, keys, given };
  const forMs = short ? 6_000 : 60_000;
  const polite = { name: 'storm', act: (scene: Scene) => toggle(scene, forMs, 0) };
  const rough = { name: 'storm-kill', act: (scene: Scene) => toggle(scene, forMs, 3) };
  const zombie = { name: 'zombie', act: (scene: Scene) => pauses(scene, short ? 1 : 6, () => 3_000, 2_000) };
  const starved = { name: 'starved', act: (scene: Scene) => pauses(scene, 30, () => 500 + Math.random() * 1_400, 200) };
  const scenes = short ? [rough, zombie] : [polite, rough, zombie, starved];
  try {
    const measured = [];
    for (const scene of scenes) measured.push(...(await playScene(context, broker, { ...common, ...scene })));
    return { measured, pass: true };
  } finally {
    await broker.stop();
  }
}
