import { OptionError, requireInteger } from '../errors.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Resource } from '../resource.ts';
import type { WorldPlan } from './deed.ts';
import { allFaults, requireFaults, type SimulatedFault } from './fault-mix.ts';
import type { Event } from './history.ts';
import { eventsOf } from './problem.ts';
import { type Random, randomFrom } from './random.ts';
import { reportOf, type SimulationReport } from './report.ts';
import { runSeed, type Trial } from './run-seed.ts';
import type { SimulatedOutput, SimulatedRecord } from './simulated-record.ts';
import type { Weather } from './weather.ts';

export interface SimulateOptions<In, Out, K> {
  /** What is fed, in this order; a function is given a source of chance, so that each seed has other records. At least one. */
  readonly records: readonly SimulatedRecord<In, K>[] | ((random: Random) => readonly SimulatedRecord<In, K>[]);
  /**
   * Resources in the place of the pipeline's own, by name; called for each member of each run. Give `weather.model` to `scripted`,
   * and calls fail as calls do. @defaultValue the pipeline's own, which must not work in real time
   */
  readonly resources?: (weather: Weather) => Readonly<Record<string, Resource<unknown>>>;
  /**
   * Of the schemas of its codecs: `memoryRegistry()`s, which cannot be reached now and then (`registry-down`). All members share them, and what is registered stays.
   * @defaultValue none: then that does not happen
   */
  readonly registries?: readonly { setAvailable(isAvailable: boolean): void }[];
  /** Runs the seeds from 1 to so many, up to the first that is broken. @defaultValue 100 */
  readonly seeds?: number;
  /** Runs this one alone. @defaultValue the environment's MILLRACE_SEED, if it is set */
  readonly seed?: number;
  /** What may happen. @defaultValue everything there is */
  readonly faults?: readonly SimulatedFault[];
  /** Codes with which a record may fail that does not fail without faults. @defaultValue with `resources`: what model faults come to */
  readonly mayFail?: readonly string[];
  /** What of an output must be the same with faults and without. @defaultValue all of its value */
  readonly compare?: (output: SimulatedOutput<Out>) => unknown;
  /** The number of the record that an output comes from. @defaultValue by a header that outputs keep unless the pipeline sets others */
  readonly identify?: (output: SimulatedOutput<Out>) => number | undefined;
  /** The values (what `compare` makes of them) that a record must come to; undefined: no opinion. @defaultValue whatever it comes to without faults */
  readonly expected?: (record: SimulatedRecord<In, K>, number: number) => readonly unknown[] | undefined;
  /** Of every topic. @defaultValue 3 */
  readonly partitions?: number;
  /** How the pipeline is started. @defaultValue as `start` does */
  readonly options?: WorldPlan['options'];
}

/**
 * Runs a pipeline of yours from source to commit among faults: members of its group join, leave, crash, are thrown out and stand
 * still; the broker goes down, answers late or not at all; models refuse, fail, hang and talk nonsense. All in virtual time and in
 * this process; the seed decides everything, and the same seed is the same run. Use it in any test runner.
 *
 * Each seed runs twice: without faults, which says what comes of each record, and with them, where it must come of it again: nothing
 * lost, nothing twice without a reason, nothing in another order, nothing committed before it was finished.
 *
 * In: the pipeline, or a function that makes it where it keeps state of its own (members share what the module holds). Out: a report;
 * of the first broken seed with what can be left out left out, in at most 200 further runs. Holds one run at a time.
 * Wrong is only what shows from outside: time, chance and services must come from `ctx`, the clock and the resources.
 * @throws OptionError for options out of range, and records that cannot be written
 * @see FoundationDB's simulation; "Testing Distributed Systems w/ Deterministic Simulation" (Will Wilson, 2014)
 */
export async function simulate<In, Out, K>(
  pipeline: Pipeline<In, Out, K> | (() => Pipeline<In, Out, K>),
  options: SimulateOptions<In, Out, K>,
): Promise<SimulationReport> {
  const trial = trialOf(pipeline, options);
  const seeds = seedsOf(options);
  const faults: Record<string, number> = {};
  let history: readonly Event[] = [];
  for (const [at, seed] of seeds.entries()) {
    const run = await runSeed(trial, seed);
    history = run.history;
    for (const { name } of eventsOf(history, 'fault')) faults[name] = (faults[name] ?? 0) + 1;
    if (run.problems.length > 0) return await reportOf(trial, run, { seeds: seeds.slice(0, at + 1), faults });
  }
  return { seeds, faults, history, problems: [], message: `${String(seeds.length)} seeds, no problem`, verify: () => undefined };
}

function trialOf<In, Out, K>(pipeline: Pipeline<In, Out, K> | (() => Pipeline<In, Out, K>), options: SimulateOptions<In, Out, K>): Trial {
  const { records, resources, faults = allFaults, mayFail, compare, identify, expected, partitions = 3, options: started = {} } = options;
  const { registries = [] } = options;
  requireInteger('partitions', partitions, 1, 100);
  const list = typeof records === 'function' ? records : () => records;
  const trial = {
    pipeline: typeof pipeline === 'function' ? pipeline : () => pipeline,
    records: (seed: number) => {
      const made = list(randomFrom(seed, 'records'));
      if (made.length === 0) throw new OptionError('records must be at least one, got none');
      return made;
    },
    ...{ registries, resources, mayFail, compare, identify, expected, partitions, options: started },
    mix: requireFaults(faults),
  };
  return trial as unknown as Trial; // within, values are whatever the codecs make of them
}

function seedsOf({ seed = givenSeed(), seeds = 100 }: { readonly seed?: number | undefined; readonly seeds?: number }): readonly number[] {
  if (seed !== undefined) {
    requireInteger('seed', seed, 0);
    return [seed];
  }
  requireInteger('seeds', seeds, 1);
  return Array.from({ length: seeds }, (_, i) => i + 1);
}

function givenSeed(): number | undefined {
  const given = process.env['MILLRACE_SEED'];
  return given === undefined || given === '' ? undefined : Number(given);
}
