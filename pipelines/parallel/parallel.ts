import { type ChatOptions, OptionError, type Prompt } from 'millrace';
import { ask } from './ask.ts';
import { type Engine, ParallelEngine } from './engine.ts';
import { type EngineOptions, resolveOptions, type Run, type RunBatch } from './parallel-options.ts';

/** Prompts, asked as they stand. */
export interface AskOptions extends EngineOptions<Prompt> {
  readonly model: NonNullable<EngineOptions<Prompt>['model']>;
  /** How they are asked. @defaultValue the model's own */
  readonly ask?: ChatOptions;
}

export interface RunOptions<In, Out> extends EngineOptions<In> {
  readonly run: Run<In, Out>;
}

export interface RunBatchOptions<In, Out> extends EngineOptions<In> {
  readonly runBatch: RunBatch<In, Out>;
}

/**
 * An engine for a pile of work: tasks side by side, as many as the other side can take, with the policies that a pipeline has. Use it where work comes as an array or an iterator and
 * not as a topic; what it does is done by a pipeline on a broker in memory.
 *
 * In: tasks of any kind, which stay in this process. Out: for each exactly one result. Nothing is started before the first task, and `close` (or `await using`) ends what was.
 *
 * | policy, on by default | value |
 * |---|---|
 * | timeout of an attempt | 30 s, aborted within one token |
 * | attempts | 2, about 1 s apart; overloads wait as long as they ask and are no attempt |
 * | token bucket | 10,000 starts a second |
 * | breaker | open after 5 failures of the service in a row, probes after 1 s, at most 10 s; a 500 or a time-out behind it is forgiven once a task |
 * | degradation | a batch that fails for memory or for one of its tasks is cut in two, until that one stands alone; data of a prompt that is too long loses its end; then `fallback`, where there is one |
 *
 * Holds at most `maxInFlight` tasks, and of each submission `maxUnread` that nobody has read, 64 MiB of inputs each.
 * A task fails with its call's error, or `deadline_exceeded`; what concerns all (a wrong API key, a model that is not there) fails all tasks, those of later submissions too.
 * @throws OptionError at call time, for options out of range or without their partner.
 */
export function parallel(options: AskOptions): Engine<Prompt, string>;
export function parallel<In, Out>(options: RunOptions<In, Out> | RunBatchOptions<In, Out>): Engine<In, Out>;
export function parallel<In, Out>(
  options: AskOptions | RunOptions<In, Out> | RunBatchOptions<In, Out>,
): Engine<Prompt, string> | Engine<In, Out> {
  if ('run' in options && 'runBatch' in options)
    throw new OptionError('parallel.run and parallel.runBatch contradict each other: give one of them');
  if ('run' in options) {
    const { run, ...rest } = options;
    return new ParallelEngine(resolveOptions(rest, { run }));
  }
  if ('runBatch' in options) {
    const { runBatch, ...rest } = options;
    return new ParallelEngine(resolveOptions(rest, { runBatch }));
  }
  const { ask: asking = {}, ...rest } = options;
  if ((rest.model as unknown) === undefined)
    throw new OptionError('parallel needs a model whose answers are the results, or run, or runBatch');
  return new ParallelEngine(resolveOptions(rest, { run: ask(asking) }));
}
