import { Observable } from 'rxjs';
import { type CallContext, type Clock, OptionError, permits, systemClock, TimeoutError } from 'millrace';
import { withPermit } from 'millrace/operators';
import { type IsolatedOptions, resolveIsolated } from './isolated-options.ts';
import { WorkerPool } from './worker-pool.ts';

/** For a process or thread to be there, on a machine that does much else. */
const longestStartMs = 30_000;

type CancelTimer = ReturnType<Clock['schedule']>;

/** A step that runs apart. */
export interface Isolated<In, Out> {
  /** For `parallel({ run })`, or as a step in one. Unsubscribing kills what runs. */
  run(input: In, work: { readonly ctx: Pick<CallContext, 'context' | 'deadlineMs'> }): Observable<Out>;
  /** Ends all workers; what runs in them fails. */
  close(): Promise<void>;
}

/**
 * Runs a step of yours, the function `run(input, context)` that a module exports, in processes or threads of their own: for code that is not trusted, may crash, or computes for long. Inputs and results are copied
 * (structured clone), so a task sees nothing of the application's state. What it costs: some 25 MiB and 50 ms for each process, once, and 0.1 to 0.5 ms a task; with `'task'` 13 MiB while it runs, and 15 to 30 ms a task.
 *
 * A throw, a crash, memory beyond `maxHeapMb` and the time-out fail the task that ran, and no other. A process is no sandbox: it has the files and the network that this one has.
 * Holds at most `maxWorkers` processes or threads; tasks beyond wait. Fails with `project_threw` (a throw, or an input that cannot be copied), `call_timeout`, `call_failed` (it has ended).
 * @throws OptionError at call time, for options out of range.
 */
export function isolated<In, Out>(module: URL, options: IsolatedOptions & { readonly clock?: Clock } = {}): Isolated<In, Out> {
  if (!((module as unknown) instanceof URL))
    throw new OptionError("isolated expects the URL of a module: new URL('./step.ts', import.meta.url)");
  const { clock = systemClock } = options;
  const settings = resolveIsolated(options);
  const { timeoutMs } = settings;
  const slots = permits(settings.maxWorkers);
  const pool = new WorkerPool(module, settings);
  const once = (input: In, context: object): Observable<Out> =>
    new Observable<Out>((out) => {
      const limit = (ms: number, what: string): CancelTimer =>
        clock.schedule(ms, () => {
          if (kill()) out.error(new TimeoutError(`the isolated step has not ${what} within ${String(ms)} ms, and was killed`));
        });
      let cancel = limit(longestStartMs, 'started');
      const kill = pool.ask(input, context, {
        begins: () => {
          cancel();
          cancel = limit(timeoutMs, 'ended');
        },
        answer: (result) => {
          out.next(result as Out);
          out.complete();
        },
        fail: (error) => {
          out.error(error);
        },
      });
      out.add(() => {
        cancel();
        kill();
      });
    });
  return {
    run: (input, { ctx: { context, deadlineMs } }) =>
      once(input, { ...context, ...(deadlineMs === Infinity ? {} : { deadlineMs }) }).pipe(withPermit(slots)),
    close: () => pool.close(),
  };
}
