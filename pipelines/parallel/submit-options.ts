import { contextHeaders, OptionError, type RecordContext, requireInteger, requireNumber } from 'millrace';

export interface SubmitOptions<In> {
  /** -1,000 to 1,000; a higher one is more urgent. @defaultValue that of `context`, else 0 */
  readonly priority?: number;
  /**
   * From `submit` on, in ms: what has not ended by then fails with `deadline_exceeded`, and what runs is aborted (up to 250 ms later). Of an asynchronous input each task's time begins when it is
   * taken. @defaultValue none
   */
  readonly deadlineMs?: number;
  /** One task after the other, in the order of the input. @defaultValue false */
  readonly serial?: boolean;
  /** Tasks with the same key run one after the other, in the order in which they were taken, also those of other submissions. @defaultValue none has one */
  readonly key?: string | ((input: In) => string | undefined);
  /** What the tasks are counted to when submissions share a model: see `EngineOptions.shares`. @defaultValue 'default' */
  readonly share?: string;
  /** Request id, tenant, trace: every step and every server that is asked sees them. @defaultValue none */
  readonly context?: RecordContext;
}

/** Least and most. */
export const priorities = [-1_000, 1_000] as const;

/** The lane of a task: who shares one runs one after the other. */
export type LaneOf<In> = (input: In) => string | null;

const known = { priority: true, deadlineMs: true, serial: true, key: true, share: true, context: true } as const satisfies Record<
  keyof SubmitOptions<unknown>,
  true
>;

/** @throws OptionError for an option that is unknown or outside its range. */
export function resolveSubmit<In>(options: SubmitOptions<In>, submission: number) {
  const unknown = Object.keys(options).find((name) => !(name in known));
  if (unknown !== undefined) throw new OptionError(`submit has no option ${unknown}: it has ${Object.keys(known).join(', ')}`);
  const { context = {}, deadlineMs, serial = false, key, share = 'default' } = options;
  const priority = options.priority ?? context.priority ?? 0;
  requireInteger('submit.priority', priority, ...priorities);
  if (deadlineMs !== undefined) requireNumber('submit.deadlineMs', deadlineMs, 0);
  if (serial && key !== undefined) throw new OptionError('submit.serial and submit.key contradict each other: give one of them');
  const whole = { ...context, priority };
  contextHeaders(whole); // throws for what does not fit
  const laneOf: LaneOf<In> = serial
    ? () => `serial ${String(submission)}`
    : typeof key === 'function'
      ? (input) => laneNamed(key(input))
      : () => laneNamed(key);
  return { priority, deadlineMs: deadlineMs ?? Infinity, laneOf, share, context: whole };
}

const laneNamed = (key: string | undefined): string | null => (key === undefined ? null : `key ${key}`);
