import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, type Pipeline, topic } from '../../src/pipeline.ts';
import { randomFrom } from '../../src/simulation/random.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import type { Deed, FaultDeed, FedRecord, WorldPlan } from '../../src/simulation/deed.ts';
import type { Event, Expected } from '../../src/simulation/history.ts';
import type { AppSide, Subject } from '../../src/simulation/subject.ts';
import { weatherOf } from '../../src/simulation/weather.ts';
import { World } from '../../src/simulation/world.ts';
import { buildProcess } from './build.ts';
import { type Item, meantFor, weatherMix } from './meant.ts';
import { makePlan, type Plan, type PlannedDeed, type PlannedRecord } from './plan.ts';

const items = json() as Codec<Item>;
const dead = 'dead';
const group = 'sim';

/** The run of a seed: a random pipeline among random faults. */
export const runSeed = (seed: number): Promise<readonly Event[]> => runPlan(makePlan(seed));

const runPlan = (plan: Plan): Promise<readonly Event[]> => new World(worldPlanOf(plan), subjectOf(plan)).run();

const subjectOf = (plan: Plan): Subject => ({
  pipeline: (side) => pipelineOf(plan, side),
  identify: (_topic, { value }) => {
    const { id, path } = items.decode(value);
    return { record: id, part: path };
  },
});

const isStorm = (deed: PlannedDeed): deed is FaultDeed => deed.do === 'storm-429' || deed.do === 'storm-5xx';

function pipelineOf(plan: Plan, side: AppSide): Pipeline {
  const many = Object.fromEntries(plan.routes.map((name) => [name, topic(name, items)]));
  const pipeline = definePipeline({
    name: group,
    input: Object.fromEntries(Object.keys(plan.inputs).map((name) => [name, topic(name, items)])),
    weights: plan.inputs,
    output: plan.routes.length === 1 ? topic('out', items) : many,
    deadLetter: topic(dead),
    ordering: plan.ordering,
    delivery: plan.delivery,
    deadlineMs: plan.deadlineMs,
    retry: 'none', // a call's attempts are those of its plan
    ...(plan.delaysMs.length > 0 ? { retryTopics: { delaysMs: plan.delaysMs, orderLoss: 'accept' } } : {}),
    process: buildProcess({
      plan,
      clock: side.clock,
      kept: [],
      model: scripted(({ text }) => text, weatherOf(plan.seed, weatherMix(plan), plan.deeds.filter(isStorm)).model),
      called: (at, { id, path }, step) => {
        side.called(id, `${String(at)}:${path}`, step, plan.stages[at]?.kind === 'batch');
      },
    }),
  });
  return pipeline as unknown as Pipeline;
}

const codes = { poison: 'decode_failed', tombstone: 'unexpected_tombstone', undecodable: 'undecodable_batch' };

function worldPlanOf(plan: Plan): WorldPlan {
  let ids = 0;
  const inputs = Object.keys(plan.inputs) as [string, ...string[]]; // at least one
  const expectedOf = (record: number, body: PlannedRecord['body']): Expected =>
    body === 'value' ? meantFor(plan, record) : { outputs: [], codes: [codes[body]], mustFail: true };
  const fed = ({ partition, key, body, padding, removed }: PlannedRecord): FedRecord => {
    const record = ids++;
    const where = { record, topic: randomFrom(plan.seed, 'topic', record).pick(inputs), partition, expected: expectedOf(record, body) };
    if (body === 'undecodable')
      return { ...where, key: null, value: null, headers: [], undecodable: { offsets: 1 + (padding % 3), bytes: padding } };
    return {
      ...where,
      key: key === null ? null : Buffer.from(key),
      value: { value: items.encode({ id: record, path: '' }), poison: Buffer.from('{"id":'), tombstone: null }[body],
      headers: [['padding', Buffer.alloc(padding)]],
      removed: removed && body === 'value',
    };
  };
  const deeds = plan.deeds.map((deed): Deed => {
    if (deed.do === 'feed') return { ...deed, records: deed.records.map(fed) };
    return deed.do === 'skip' ? { ...deed, topic: inputs[0] } : deed;
  });
  const { partitions, maxFetchRecords, ordering, options } = plan;
  const outputs = plan.routes;
  return {
    seed: plan.seed,
    groupId: group,
    inputs,
    outputs,
    deadLetter: dead,
    retryTopics: plan.delaysMs.map((delayMs, i) => ({ name: `${group}.retry.${String(i + 1)}`, delayMs })),
    ordering,
    delivery: plan.delivery,
    partitions,
    maxFetchRecords,
    options,
    isHasty: isHasty(plan),
    deeds,
  };
}

/** Whether what is in flight may be given back when its partition moves: time is short, or the stream may end on its way out. */
const isHasty = ({ options, deadlineMs, stages }: Plan): boolean =>
  options.revokeDeadlineMs < 30_000 || deadlineMs < 600_000 || stages.some(({ kind }) => kind === 'early' || kind === 'unguarded');
