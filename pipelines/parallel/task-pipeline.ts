import type { Observable } from 'rxjs';
import {
  type Codec,
  CodecError,
  contextHeaders,
  definePipeline,
  type Envelope,
  type NewRecord,
  type Pipeline,
  rateLimit,
  circuitBreaker,
  type Resource,
  schedule,
  topic,
} from 'millrace';
import { batchDynamic, drop, mapConcurrent, mapValue, unbatch } from 'millrace/operators';
import { openedModel } from './engine-model.ts';
import { type ResolvedOptions, tellsOfService } from './parallel-options.ts';
import { batchCall, type Outcome, taskCall } from './task-call.ts';
import type { Task } from './task.ts';

/** What the pipeline needs to know of the tasks that are under way. */
export interface TaskTable<In, Out> {
  /** Of the engine: others may be in the same topics. */
  readonly run: string;
  find(number: number): Task<In, Out> | undefined;
  /** The end of a record, whose task may have ended before. */
  done(outcome: Outcome<In, Out>, degraded: readonly string[]): void;
  weightOf(share: string): number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a record says: which engine's task it is, and its number there. */
const nameOf = (run: string, number: number): string => `${run} ${String(number)}`;

/** The number of the task that a record, or its dead letter, is for; undefined where it is another engine's. */
export function numberIn(bytes: Uint8Array | null, run: string): number | undefined {
  const [of, number] = bytes === null ? [] : decoder.decode(bytes).split(' ');
  return of === run ? Number(number) : undefined;
}

/** A task that is under way here, or undefined: of another engine, or of one that is gone. */
type Found<In, Out> = Task<In, Out> | undefined;

const taskCodec = <In, Out>(tasks: TaskTable<In, Out>): Codec<Found<In, Out>> => ({
  name: 'task',
  encode: (task) => encoder.encode(nameOf(tasks.run, task?.number ?? Number.NaN)),
  decode: (bytes) => {
    const number = numberIn(bytes, tasks.run);
    if (number === undefined) return undefined;
    const task = tasks.find(number);
    if (!task) throw new CodecError('decode_failed', 'expected the number of a task under way, got another one');
    return task;
  },
});

/** The topics of an engine. Values stay in its process: what others can read are numbers. */
export const taskTopics = <In, Out>(tasks: TaskTable<In, Out>, prefix = '') =>
  ({ input: topic(`${prefix}parallel.tasks`, taskCodec(tasks)), dead: topic(`${prefix}parallel.failed`) }) as const;

/** Its own, and new: what others have read is none of its business. */
export const groupOf = ({ run }: { readonly run: string }, prefix: string): string => `${prefix}parallel.${run}`;

/** A task as a record: its context in the headers, its lane as the key. */
export const recordOf = <In, Out>(task: Task<In, Out>): NewRecord<Found<In, Out>> => ({
  value: task,
  key: task.facts.lane,
  headers: contextHeaders(task.facts.context),
});

/** Tasks in; each reaches the end with what its call gave, or is a dead letter. */
export function taskPipeline<In, Out>(options: ResolvedOptions<In, Out>, tasks: TaskTable<In, Out>): Pipeline<Found<In, Out>> {
  const { input, dead } = taskTopics(tasks, options.topicPrefix);
  const { ratePerSecond, breakerFailures } = options;
  const rate = rateLimit({ refillPerSecond: ratePerSecond, capacity: Math.max(1, Math.ceil(ratePerSecond)) });
  const resources = {
    rate,
    ...(breakerFailures === false ? {} : { breaker: circuitBreaker({ failures: breakerFailures, isFailure: tellsOfService }) }),
    ...(options.model === undefined ? {} : { model: openedModel(options.model, options) }),
    ...(options.journal === undefined ? {} : { journal: options.journal.kept }),
  } satisfies Record<string, Resource<unknown>>;
  return definePipeline({
    name: `${options.topicPrefix}parallel`,
    groupId: groupOf(tasks, options.topicPrefix),
    input,
    deadLetter: dead,
    ordering: 'key', // what must not run side by side has a key in common
    deadlineMs: 24 * 3_600_000, // a task has the deadline that its submission gave it; waiting for others is no fault of its own
    retry: 'none', // calls have their own
    resources,
    process: (records, opened) => {
      const parts = { options, rate, breaker: opened.breaker, model: opened.model, journal: opened.journal };
      // only on a transport that is shared there are others
      const own = (
        options.transport === undefined ? records : records.pipe(drop((task: Found<In, Out>) => task === undefined && 'of another engine'))
      ) as Records<In, Out>;
      const called =
        'runBatch' in options.work ? inBatches(own, options, tasks, batchCall(parts)) : singly(own, options, tasks, taskCall(parts));
      return called.pipe(
        mapValue((outcome, envelope) => {
          tasks.done(outcome, envelope.degraded);
        }),
      );
    },
  });
}

type Records<In, Out> = Observable<Envelope<Task<In, Out>>>;

function singly<In, Out>(
  records: Records<In, Out>,
  options: ResolvedOptions<In, Out>,
  tasks: TaskTable<In, Out>,
  call: ReturnType<typeof taskCall<In, Out>>,
): Observable<Envelope<Outcome<In, Out>>> {
  const costOf = ({ facts }: Task<In, Out>): number => facts.length / tasks.weightOf(facts.share);
  const order = schedule<Task<In, Out>>({
    order: options.schedule,
    tokensOf: costOf,
    tenants: { of: ({ facts }) => facts.share },
    ...(options.preempt ? { preempt: true } : {}),
  });
  return records.pipe(mapConcurrent(call, { concurrency: options.maxWorkers * options.batchSize, schedule: order }));
}

/** A batch goes by its most urgent task, and by the share that most of it belongs to: tasks of several shares may keep each other company. */
function inBatches<In, Out>(
  records: Records<In, Out>,
  options: ResolvedOptions<In, Out>,
  tasks: TaskTable<In, Out>,
  call: ReturnType<typeof batchCall<In, Out>>,
): Observable<Envelope<Outcome<In, Out>>> {
  type Batch = readonly Task<In, Out>[];
  const order = schedule<Batch>({
    order: options.schedule,
    priorityOf: (batch) => Math.max(...batch.map(({ facts }) => facts.context.priority ?? 0)),
    tokensOf: (batch) => batch.reduce((sum, { facts }) => sum + facts.length / tasks.weightOf(facts.share), 0),
    tenants: { of: (batch) => batch[0]?.facts.share ?? '' },
  });
  return records.pipe(
    batchDynamic({
      maxSize: options.batchSize,
      maxQueueDelayMs: options.maxQueueDelayMs,
      lengthOf: ({ facts }: Task<In, Out>) => facts.length,
    }),
    mapConcurrent(call, { concurrency: options.maxWorkers, schedule: order }),
    unbatch(),
  );
}
