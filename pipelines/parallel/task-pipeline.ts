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
import { batchDynamic, mapConcurrent, mapValue, unbatch } from 'millrace/operators';
import { openedModel } from './engine-model.ts';
import { type ResolvedOptions, tellsOfService } from './parallel-options.ts';
import { batchCall, type Outcome, taskCall } from './task-call.ts';
import type { Task } from './task.ts';

/** What the pipeline needs to know of the tasks that are under way. */
export interface TaskTable<In, Out> {
  find(number: number): Task<In, Out> | undefined;
  /** The end of a record, whose task may have ended before. */
  done(outcome: Outcome<In, Out>, degraded: readonly string[]): void;
  weightOf(share: string): number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The number of the task that a record, or its dead letter, is for. */
export const numberIn = (bytes: Uint8Array | null): number => (bytes === null ? Number.NaN : Number(decoder.decode(bytes)));

const taskCodec = <In, Out>(tasks: TaskTable<In, Out>): Codec<Task<In, Out>> => ({
  name: 'task',
  encode: (task) => encoder.encode(String(task.number)),
  decode: (bytes) => {
    const task = tasks.find(numberIn(bytes));
    if (!task) throw new CodecError('decode_failed', 'expected the number of a task under way, got another one');
    return task;
  },
});

/** The topics of an engine. They are its own: values stay in this process, so nobody else could read them. */
export const taskTopics = <In, Out>(tasks: TaskTable<In, Out>) =>
  ({ input: topic('parallel.tasks', taskCodec(tasks)), dead: topic('parallel.failed') }) as const;

/** A task as a record: its context in the headers, its lane as the key. */
export const recordOf = <In, Out>(task: Task<In, Out>): NewRecord<Task<In, Out>> => ({
  value: task,
  key: task.facts.lane,
  headers: contextHeaders(task.facts.context),
});

/** Tasks in; each reaches the end with what its call gave, or is a dead letter. */
export function taskPipeline<In, Out>(options: ResolvedOptions<In, Out>, tasks: TaskTable<In, Out>): Pipeline<Task<In, Out>> {
  const { input, dead } = taskTopics(tasks);
  const { ratePerSecond, breakerFailures } = options;
  const rate = rateLimit({ refillPerSecond: ratePerSecond, capacity: Math.max(1, Math.ceil(ratePerSecond)) });
  const resources = {
    rate,
    ...(breakerFailures === false ? {} : { breaker: circuitBreaker({ failures: breakerFailures, isFailure: tellsOfService }) }),
    ...(options.model === undefined ? {} : { model: openedModel(options.model, options) }),
    ...(options.journal === undefined ? {} : { journal: options.journal.kept }),
  } satisfies Record<string, Resource<unknown>>;
  return definePipeline({
    name: 'parallel',
    input,
    deadLetter: dead,
    ordering: 'key', // what must not run side by side has a key in common
    deadlineMs: 24 * 3_600_000, // a task has the deadline that its submission gave it; waiting for others is no fault of its own
    retry: 'none', // calls have their own
    resources,
    process: (records, opened) => {
      const parts = { options, rate, breaker: opened.breaker, model: opened.model, journal: opened.journal };
      const called =
        'runBatch' in options.work
          ? inBatches(records, options, tasks, batchCall(parts))
          : singly(records, options, tasks, taskCall(parts));
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
