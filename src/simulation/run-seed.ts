import type { Pipeline } from '../pipeline.ts';
import type { StartOptions } from '../runtime/options.ts';
import { checkHistory } from './check-history.ts';
import type { Deed, FedRecord, WorldPlan } from './deed.ts';
import { codesOfModelFaults, faultDeeds, feedDeeds, gapDeeds, type SimulatedFault } from './fault-mix.ts';
import type { Event, Expected } from './history.ts';
import { eventsOf, placeOf, type Problem } from './problem.ts';
import { randomFrom } from './random.ts';
import type { Resource } from '../resource.ts';
import { openTrialCodecs } from './open-trial-codecs.ts';
import { fedRecords, identifyOutput, type OutputRules, type SimulatedRecord } from './simulated-record.ts';
import type { AppSide, Subject } from './subject.ts';
import { watchModels } from './watched-model.ts';
import { calmWeather, type Weather, weatherOf } from './weather.ts';
import { World } from './world.ts';

/** A pipeline under test, with everything that its runs have in common. */
export interface Trial extends OutputRules {
  readonly pipeline: () => Pipeline;
  readonly records: (seed: number) => readonly SimulatedRecord<unknown, unknown>[];
  readonly registries: readonly { setAvailable(isAvailable: boolean): void }[];
  readonly resources: ((weather: Weather) => Readonly<Record<string, Resource<unknown>>>) | undefined;
  readonly expected: ((record: SimulatedRecord<unknown, unknown>, number: number) => readonly unknown[] | undefined) | undefined;
  readonly mix: ReadonlySet<SimulatedFault>;
  readonly mayFail: readonly string[] | undefined;
  readonly partitions: number;
  readonly options: WorldPlan['options'] & Pick<StartOptions, 'commitIntervalMs'>;
}

/** Everything that happens in one run, which can be taken apart to find what of it matters. */
export interface Script {
  readonly seed: number;
  readonly records: readonly FedRecord[];
  readonly feeds: readonly Deed[];
  readonly faults: readonly Deed[];
}

export interface SeedRun {
  readonly script: Script;
  readonly problems: readonly Problem[];
  readonly history: readonly Event[];
  /** Whether the run without faults is wrong already. */
  readonly isCalm: boolean;
}

/** The run of a seed: first without faults, to learn what has to come out of each record, then with them. */
export async function runSeed(trial: Trial, seed: number): Promise<SeedRun> {
  const pipeline = trial.pipeline();
  const given = trial.records(seed);
  const codecs = await openTrialCodecs(pipeline);
  const random = randomFrom(seed, 'simulation');
  const fed = [...fedRecords(codecs, given, trial.partitions)];
  const inputs = Object.values(pipeline.inputs).map(({ name }) => name);
  if (trial.mix.has('undecodable') && pipeline.deadLetter !== 'stop')
    for (let i = random.int(0, 2); i > 0; i -= 1)
      fed.splice(random.int(0, fed.length), 0, undecodable(given.length + i, inputs, trial, random.int));
  const gaps = trial.mix.has('gaps') ? gapDeeds(random, inputs, trial.partitions) : [];
  const feeds = [...feedDeeds(random, fed), ...gaps].sort((a, b) => a.atMs - b.atMs);
  const calm: Script = { seed, records: fed, feeds, faults: [] };
  const { history, busyMs, problems } = await runCalm(trial, calm);
  const ends = endsOf(history);
  const unmeant = given.flatMap((record, number) => unexpected(trial, record, number, ends));
  if (problems.length + unmeant.length > 0) return { script: calm, problems: [...unmeant, ...problems], history, isCalm: true };
  const script: Script = {
    ...calm,
    faults: faultDeeds(random, trial.mix, {
      busyMs: busyMs + 300,
      isExact: pipeline.delivery === 'exactly-once',
      hasRegistries: trial.registries.length > 0,
    }),
  };
  return { script, ...(await runScript(trial, script)), isCalm: false };
}

/** A run with faults, judged by one of the same records without. */
export async function runScript(
  trial: Trial,
  script: Script,
): Promise<{ readonly history: readonly Event[]; readonly problems: readonly Problem[] }> {
  const calm = await runCalm(trial, { ...script, faults: [] });
  const ends = endsOf(calm.history);
  const mayFail = trial.mayFail ?? (trial.resources ? codesOfModelFaults(trial.mix) : []);
  const expected = (record: number): Expected => {
    const { outputs, codes } = ends.get(record) ?? nothing;
    return { outputs, codes: [...codes, ...mayFail], mustFail: codes.length > 0 };
  };
  const { history } = await runWorld(trial, script, weatherOf(script.seed, trial.mix, script.faults), expected);
  return { history, problems: checkHistory(history) };
}

/** What came of a record: the parts that were written, and the codes of its dead letters. */
interface End {
  readonly outputs: string[];
  readonly codes: string[];
}

const nothing: End = { outputs: [], codes: [] };
/** Codes that no record should end with, whatever its pipeline is meant to do. */
const neverMeant: ReadonlySet<string> = new Set(['envelope_lost', 'lineage_reused', 'pipeline_threw']);

/** The run without faults: what it shows is what is expected, and it has to keep every other promise. */
async function runCalm(trial: Trial, script: Script) {
  const { history, busyMs } = await runWorld(trial, script, calmWeather(script.seed), () => nothing as unknown as Expected);
  const ends = endsOf(history);
  const known = history.map((event): Event => {
    if (event.kind !== 'input') return event;
    const { outputs, codes } = ends.get(event.record) ?? nothing;
    return { ...event, expected: { outputs, codes, mustFail: codes.length > 0 } };
  });
  const failed = [...ends].flatMap(([record, { codes }]) => codes.filter((code) => neverMeant.has(code)).map((code) => ({ record, code })));
  const misuse = failed.map(
    ({ record, code }): Problem => ({ kind: 'wrong', record, message: `without any fault record ${String(record)} fails with ${code}` }),
  );
  return { history: known, busyMs, problems: [...misuse, ...checkHistory(known)] };
}

async function runWorld(trial: Trial, script: Script, weather: Weather, expected: (record: number) => Expected) {
  const shape = trial.pipeline();
  const { deadLetter, groupId, ordering, delivery } = shape;
  const deeds = [...script.feeds, ...script.faults].map((deed): Deed => {
    if (deed.do !== 'feed') return deed;
    return { ...deed, records: deed.records.map((one) => ({ ...one, expected: expected(one.record) })) };
  });
  const plan: WorldPlan = {
    seed: script.seed,
    groupId,
    ordering,
    delivery,
    inputs: Object.values(shape.inputs).map(({ name }) => name),
    outputs: Object.values(shape.outputs).map(({ name }) => name),
    deadLetter: deadLetter === 'stop' ? undefined : deadLetter.name,
    retryTopics: shape.retryTopics,
    partitions: trial.partitions,
    maxFetchRecords: randomFrom(script.seed, 'fetch').pick([1, 3, 20, 1_000]),
    options: trial.options,
    isHasty: true, // nobody knows how long a pipeline's work may take
    deeds: deeds.sort((a, b) => a.atMs - b.atMs),
  };
  const world = new World(plan, subjectOf(trial, await openTrialCodecs(shape), weather));
  return { history: await world.run(), busyMs: world.busyMs };
}

const subjectOf = (trial: Trial, shape: Pipeline, weather: Weather): Subject => ({
  registries: (isAvailable) => {
    for (const one of trial.registries) one.setAvailable(isAvailable);
  },
  pipeline: (side: AppSide) => {
    const pipeline = trial.pipeline();
    const resources = { ...pipeline.resources, ...trial.resources?.(weather) };
    return { ...pipeline, resources: watchModels(resources, side) };
  },
  identify: (topic, output) => identifyOutput(shape, trial, topic, output),
});

function endsOf(history: readonly Event[]): ReadonlyMap<number, End> {
  const ends = new Map<number, End>();
  const places = new Map(eventsOf(history, 'input').map(({ log, offset, record }) => [placeOf(log, offset), record]));
  const endOf = (record: number): End => {
    const end = ends.get(record) ?? { outputs: [], codes: [] };
    ends.set(record, end);
    return end;
  };
  for (const event of history) {
    if (event.kind === 'output' && event.record !== undefined) endOf(event.record).outputs.push(event.part);
    const record = event.kind === 'letter' ? places.get(placeOf(event.log, event.offset)) : undefined;
    if (event.kind === 'letter' && record !== undefined) endOf(record).codes.push(event.code);
  }
  return ends;
}

/** What the user says has to come of a record, and did not, although nothing was in its way. */
function unexpected(
  trial: Trial,
  given: SimulatedRecord<unknown, unknown>,
  record: number,
  ends: ReadonlyMap<number, End>,
): readonly Problem[] {
  const wanted = trial.expected?.(given, record);
  if (!wanted) return [];
  const { outputs, codes } = ends.get(record) ?? nothing;
  const says = outputs.map((part) => part.slice(part.indexOf(' ') + 1));
  const missing = wanted.map((one) => JSON.stringify(one)).filter((one) => !says.some((said) => said.endsWith(one)));
  const got = [...says, ...codes.map((code) => `a dead letter with ${code}`)].join(', ') || 'nothing';
  return missing.map((one) => ({
    kind: 'wrong',
    record,
    message: `without any fault record ${String(record)} should come to ${one}, got ${got}`,
  }));
}

function undecodable(
  record: number,
  inputs: readonly string[],
  { partitions }: Trial,
  int: (from: number, to: number) => number,
): FedRecord {
  const [topic = ''] = [inputs[int(0, inputs.length - 1)]];
  const range = { offsets: int(1, 3), bytes: int(1, 500) };
  return {
    record,
    topic,
    partition: int(0, partitions - 1),
    key: null,
    value: null,
    headers: [],
    undecodable: range,
    expected: { outputs: [], codes: ['undecodable_batch'], mustFail: true },
  };
}
