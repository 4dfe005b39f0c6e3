import { join } from 'node:path';
import { catchError, type Observable, throwError } from 'rxjs';
import {
  type ChatOptions,
  type Clock,
  DocumentError,
  isStreamError,
  type Journal,
  journal,
  type Log,
  type Model,
  RecordError,
  type Resource,
  ResultsFile,
  runMonitor,
  type RunMonitor,
  type Transport,
  writeReport,
} from 'millrace';
import { ask } from './ask.ts';
import { parallel } from './parallel.ts';
import { Patience } from './patience.ts';
import { tellsOfService, type Work } from './parallel-options.ts';
import type { TaskResult } from './task.ts';
import type { FileInput, FileTask } from './tasks-in.ts';
import { untilAborted } from './until-aborted.ts';

export interface RunFileOptions {
  readonly tasks: AsyncIterable<FileTask>;
  readonly out: string;
  readonly model: Resource<Model>;
  /** For the key of the journal, and the report. */
  readonly modelName: string;
  readonly maxTokens: number;
  readonly workers: number;
  readonly timeoutMs: number;
  readonly attempts: number;
  /** A model that answers nothing for so long, in ms, and for longer than two attempts may take, ends the run. @defaultValue 300,000 */
  readonly modelPatienceMs?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly monitor?: RunMonitor;
  /** What the numbers of tasks go through; stays its owner's to close. @defaultValue a broker in memory */
  readonly transport?: Transport | undefined;
  /** Before the names of its topics. */
  readonly topicPrefix?: string;
}

export interface FileSummary {
  readonly succeeded: number;
  /** Of these, answered by the journal. */
  readonly fromJournal: number;
  readonly failed: number;
  /** Whether the input was read to its end. */
  readonly isComplete: boolean;
  /** Where the results are: `results.jsonl`, or `results.part.jsonl` where the run is not complete. */
  readonly results: string;
}

/** Results that wait to be written; more are not read. */
const mostPendingBytes = 2 ** 20;

/**
 * Works on the tasks of a file; `results.jsonl`, `report.json` and `report.html` in `out` are made anew, from `out/journal` where a task was done before: until the run is complete its lines are in `results.part.jsonl`. When the signal aborts nothing more is taken, and what
 * runs is finished. Nobody else may work in `out` meanwhile: whoever comes second is told `journal_in_use` before anything of the first one's is touched.
 */
export async function runFile(options: RunFileOptions): Promise<FileSummary> {
  const kept = journal({ dir: join(options.out, 'journal'), exclusive: true });
  const { clock, log, signal } = options;
  const { close } = await kept.open({ clock, signal, log: (level, message, details = {}) => log[level](details, message) });
  try {
    return await workOn(options, kept);
  } finally {
    await close();
  }
}

async function workOn(options: RunFileOptions, kept: Resource<Journal>): Promise<FileSummary> {
  const { out, workers, maxTokens, modelName, clock, monitor = runMonitor({ clock }) } = options;
  const asked = new WeakMap<FileInput, FileTask>();
  const called = new WeakSet<FileInput>();
  const asking = askCut({ maxTokens, temperature: 0 }, asked);
  await using engine = parallel<FileInput, string>({
    run: (input, given) => {
      called.add(input);
      return asking(input, given);
    },
    ...{ model: options.model, maxWorkers: workers, timeoutMs: options.timeoutMs, attempts: options.attempts, clock, log: options.log },
    ...{ journal: kept, journalKey: JSON.stringify([modelName, maxTokens]) },
    ...(options.transport === undefined ? {} : { transport: options.transport, topicPrefix: options.topicPrefix ?? '' }),
    ...{ maxInFlight: 4 * workers, schedule: 'fifo' }, // what is taken is finished when it is stopped
  });
  const given = new Map<number, FileTask>();
  const state = { isComplete: false };
  const ended: { error?: Error } = {};
  const stop = (error: Error): void => {
    ended.error ??= error;
    results.cancel();
  };
  const file = await ResultsFile.begin(out, stop);
  const counts = { succeeded: 0, fromJournal: 0, failed: 0 };
  const results = engine.submit(inputsOf(options, { given, asked }, () => (state.isComplete = true)));
  const patience = new Patience({
    ...{ clock, ms: Math.max(options.modelPatienceMs ?? 300_000, 2 * options.timeoutMs), isAsking: () => engine.stats().inFlight > 0 },
    onEnd: stop,
  });
  try {
    for await (const result of results) {
      if (ended.error) break;
      if (result.status === 'error' && tellsOfService(result.error)) patience.failed(result.error);
      else patience.answered();
      const task = given.get(result.index);
      given.delete(result.index);
      const reused = result.status === 'success' && !called.has(result.input) ? 1 : 0;
      counts.fromJournal += reused;
      if (result.status === 'success') counts.succeeded += 1;
      else counts.failed += 1;
      const failure = result.status === 'error' ? { error: result.error } : {};
      monitor.item({ id: task?.id ?? String(result.index), processingMs: result.latencyMs, calls: 1 - reused, reused, ...failure });
      file.push(lineOf(task, result));
      if (file.pendingBytes > mostPendingBytes) await file.written();
    }
  } finally {
    patience.stop();
    await file.close();
  }
  if (ended.error) throw ended.error;
  await writeReport(out, { title: 'parallel', noun: 'tasks', facts: { model: modelName, workers, maxTokens }, run: monitor.snapshot() });
  return { ...counts, isComplete: state.isComplete, results: state.isComplete ? await file.publish() : file.path };
}

interface Taken {
  /** By their place among all. */
  readonly given: Map<number, FileTask>;
  readonly asked: WeakMap<FileInput, FileTask>;
}

async function* inputsOf(
  { tasks, signal }: RunFileOptions,
  { given, asked }: Taken,
  onEnd: () => void,
): AsyncGenerator<FileInput, void, undefined> {
  let nth = 0;
  for await (const task of untilAborted(tasks, signal)) {
    given.set(nth, task);
    asked.set(task.asks, task);
    nth += 1;
    yield task.asks;
  }
  if (!signal.aborted) onEnd();
}

/** Asks as it stands, and where that is too long for the model once more, with the fields cut. */
function askCut(options: ChatOptions, asked: WeakMap<FileInput, FileTask>) {
  const asking = ask(options);
  return (input: FileInput, work: Work): Observable<string> => {
    if ('problem' in input) return throwError(() => problemOf(input));
    return asking(input.prompt, work).pipe(
      catchError((error: unknown) => {
        const task = asked.get(input);
        if (!task || !isStreamError(error) || error.code !== 'prompt_too_long') throw error;
        return asking(task.cuttable(), work);
      }),
    );
  };
}

const problemOf = ({ code, problem }: Extract<FileInput, { readonly problem: string }>): Error =>
  code === 'unreadable_document' ? new DocumentError(problem) : new RecordError(code, problem);

/** A result as one line, without secrets that errors might tell: their messages have none. */
function lineOf(task: FileTask | undefined, result: TaskResult<FileInput, string>): object {
  const { status } = result;
  const head = { index: result.index, line: task?.line, id: task?.id, status, input: task?.input };
  if (status === 'success') {
    const degraded = result.degraded.length === 0 ? {} : { degraded: result.degraded };
    return { ...head, result: result.result, ...degraded };
  }
  if (status === 'cancelled') return head;
  const { error } = result;
  return { ...head, error: { code: isStreamError(error) ? error.code : 'call_failed', message: error.message } };
}
