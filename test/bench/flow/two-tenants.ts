import { schedule } from '../../../src/policies/schedule.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { arrival, busyMs, type Piece, places, quantile, type Ran, runPieces, type RunOptions, tells } from './pieces.ts';

const perSecond = (1_000 * places) / busyMs;
const warmUpMs = 2_000; // at first the small one has nothing that waits

const load = (topic: string, rate: number, seconds: number): readonly Piece[] =>
  Array.from({ length: Math.floor(rate * seconds) }, (_, i) => ({
    ...{ topic, key: `${topic}${String(i)}`, factor: 1 },
    atMs: arrival(1 + (i * 1_000) / rate),
  }));

/** How a pipeline shares; a test takes it away. */
export type Sharing = (weights?: Readonly<Record<string, number>>) => Pick<RunOptions, 'schedule' | 'weights'>;

const byWeight: Sharing = (weights) => ({ schedule: schedule({ tenants: weights ? { weights } : {} }), ...(weights && { weights }) });

const ofSmall = (ran: readonly Ran[]): readonly Ran[] => ran.filter(({ piece }) => piece.topic === 'small');
const p99Of = (ran: readonly Ran[]): number =>
  quantile(
    ofSmall(ran).map(({ piece, endedMs }) => endedMs - piece.atMs),
    0.99,
  );

/** The small one with 15 % of what the server can do, alone, and beside one with 150 %. */
export async function noticed(seconds: number, server: 'loaded' | 'even', sharing = byWeight): Promise<Finding> {
  const [small, big] = [load('small', perSecond * 0.15, seconds), load('big', perSecond * 1.5, seconds)];
  const options = { server, untilMs: seconds * 1_000 };
  const alone = p99Of(await runPieces(small, { ...options, ...sharing() }));
  const beside = p99Of(await runPieces([...small, ...big], { ...options, ...sharing() }));
  const measured = `${beside.toFixed(0)} ms, alone ${alone.toFixed(0)} ms`;
  // a server that is slower when it is full is so for everybody, whoever goes first
  if (server === 'loaded') return tells('p99 of the small tenant, on a server that is 3.8 x slower when it is full', measured);
  return { what: 'p99 of the small tenant beside one with 10 x its load', measured, passes: '<= 2 x alone', pass: beside <= 2 * alone };
}

/** Both with more than they can have. */
export async function share(seconds: number, weight: number, sharing = byWeight): Promise<Finding> {
  const untilMs = seconds * 1_000;
  const pieces = [...load('small', perSecond * 1.1, seconds), ...load('big', perSecond * 11, seconds)];
  const ran = (await runPieces(pieces, { untilMs, ...sharing({ small: weight, big: 1 }) })).filter(({ startedMs }) => startedMs > warmUpMs);
  const seen = ofSmall(ran).length / ran.length;
  const due = weight / (weight + 1);
  return {
    what: `share of the small tenant, weights ${String(weight)} to 1, both with too much`,
    measured: `${(100 * seen).toFixed(1)} %`,
    passes: `${String(100 * due)} % ± 5 %`,
    pass: Math.abs(seen / due - 1) <= 0.05,
  };
}

export async function run({ short }: Pick<ExperimentContext, 'short'>): Promise<ExperimentResult> {
  const [seconds, crowded] = short ? [6, 4] : [30, 10];
  return {
    measured: [await share(crowded, 1), await share(crowded, 3), await noticed(seconds, 'even'), await noticed(seconds, 'loaded')],
    pass: true,
  };
}
