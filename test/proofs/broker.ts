import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { nowUs } from '../helpers/group/call-log.ts';
import { finding, playScene, type Scene, wait } from '../helpers/group/scene.ts';
import { type RunningKafka, startKafka } from '../helpers/kafka-broker.ts';

export const name = 'broker';
export const summary =
  'the only broker is killed again and again, is away for 90 s, is not there at the start: nothing lost, running again within 30 s; about 5 minutes, --short half a minute';

const partitions = 12;
const keys = 500;
const aSecond = 200;
const limitMs = 30_000;

/** How long after its broker was back the group did its next work; the broker's own start does not count. */
async function backToWork({ crew, signal }: Scene, backUs: number): Promise<number> {
  while (!signal.aborted && nowUs() - backUs < 3 * limitMs * 1_000) {
    const after = (await crew.calls()).filter(({ end, endUs, startUs }) => end === 'done' && startUs > backUs && endUs > backUs);
    const [first] = after.sort((a, b) => a.endUs - b.endUs);
    if (first) return (first.endUs - backUs) / 1_000;
    await wait(100);
  }
  return Number.POSITIVE_INFINITY;
}

const told = (what: string, gapsMs: readonly number[]): Finding =>
  finding(
    what,
    gapsMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(' '),
    `<= ${String(limitMs / 1_000)} s each`,
    gapsMs.every((ms) => ms <= limitMs),
  );

/** Kills it so many times; it stays away for the time given, and is started again. */
async function bounce(scene: Scene, broker: RunningKafka, times: number, awayMs: number, betweenMs: number): Promise<readonly number[]> {
  const gaps: number[] = [];
  for (let time = 0; time < times && !scene.signal.aborted; time += 1) {
    await wait(betweenMs * (0.5 + Math.random()));
    await broker.kill();
    await wait(awayMs);
    await broker.restart();
    gaps.push(await backToWork(scene, nowUs()));
    scene.say(`killed ${String(time + 1)} times, back at work ${(gaps.at(-1) ?? 0).toFixed(0)} ms after it was back`);
  }
  return gaps;
}

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const { short } = context;
  const broker = await startKafka();
  const common = { partitions, keys };
  const killed = async (scene: Scene): Promise<void> => {
    await scene.crew.joined(2);
    scene.feeder.steadily(aSecond);
    scene.findings.push(told('killed: at work again after it was back', await bounce(scene, broker, short ? 1 : 5, 0, 3_000)));
    if (short) return;
    scene.findings.push(told('down for long: at work again after it was back', await bounce(scene, broker, 1, 90_000, 3_000)));
  };
  const absent = async (scene: Scene): Promise<void> => {
    await scene.feeder.feed(1_000);
    await broker.kill();
    const hands = await scene.crew.ready(2);
    for (const hand of hands) hand.join();
    await wait(short ? 3_000 : 15_000);
    await broker.restart();
    scene.findings.push(told('at work after it was there', [await backToWork(scene, nowUs())]));
  };
  try {
    const measured = [
      ...(await playScene(context, broker, { name: 'broker', ...common, act: killed })),
      ...(await playScene(context, broker, { name: 'broker-absent', ...common, act: absent })),
    ];
    return { measured, pass: true };
  } finally {
    await broker.stop();
  }
}
