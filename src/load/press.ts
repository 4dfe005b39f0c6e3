import type { Clock } from '../clock.ts';
import type { GpuState } from '../serve/gpus.ts';
import { askOverHttp } from './ask-over-http.ts';
import { GpuTally } from './gpu-tally.ts';
import type { LoadPlan } from './load-plan.ts';
import { type LoadReport, loadReport } from './load-report.ts';
import { LoadTally } from './load-tally.state.ts';
import { watchLoop } from './loop-watch.ts';
import { type LoadPrompt, promptOrder } from './prompts.ts';
import { requestBody } from './request-body.ts';
import { runLoad } from './run-load.ts';
import type { TaskEnd } from './task-end.state.ts';
import { TaskLog } from './task-log.ts';

export interface PressOptions {
  readonly plan: LoadPlan;
  readonly prompts: readonly LoadPrompt[];
  /** For the report. */
  readonly promptsFrom: string;
  readonly apiKey?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A file that gets a JSON line for each task of the measured part; what was in it is lost. */
  readonly log?: string | undefined;
  /** Asked every 5 s, while tasks run. */
  readonly gpus?: () => Promise<readonly GpuState[]>;
  /** The measured part begins. */
  readonly onBegin?: (tally: LoadTally) => void;
}

const gpuEveryMs = 5_000;

/**
 * Presses a target over HTTP, and says what came of it. Stopped by its signal it says what came of it up to then.
 * @throws OptionError where the log cannot be written.
 */
export async function press(options: PressOptions): Promise<LoadReport> {
  const { plan, prompts, promptsFrom, apiKey, clock, signal, log, gpus, onBegin } = options;
  const promptOf = promptOrder(prompts, plan.seed);
  const bodyOf = ({ number, user }: { readonly number: number; readonly user: string | undefined }): string =>
    requestBody(plan, promptOf(number), user);
  const { ask, close } = askOverHttp({ plan, clock, apiKey, bodyOf });
  const taskLog = log === undefined ? undefined : await TaskLog.open(log);
  const seen = new GpuTally();
  const end = new AbortController();
  let measured = { tally: new LoadTally(clock.nowMs(), plan.timeoutMs), startedMs: clock.nowMs() };
  let generator = watchLoop(clock);
  const begin = (tally: LoadTally): void => {
    generator();
    generator = watchLoop(clock);
    measured = { tally, startedMs: clock.nowMs() };
    if (gpus) watchGpus(gpus, seen, clock, end.signal);
    onBegin?.(tally);
  };
  try {
    const onEnd = (one: TaskEnd): void => taskLog?.write(one, measured.startedMs);
    const isComplete = await runLoad({ plan, clock, ask, signal, onBegin: begin, onEnd });
    await taskLog?.close();
    return loadReport({ plan, promptsFrom, ...measured, isComplete, generator: generator(), gpus: seen.use(), log: taskLog });
  } finally {
    generator();
    end.abort();
    close();
    await taskLog?.close();
  }
}

function watchGpus(look: () => Promise<readonly GpuState[]>, seen: GpuTally, clock: Clock, signal: AbortSignal): void {
  let cancel = (): void => undefined;
  const again = (): void => {
    void look().then((states) => {
      if (signal.aborted) return;
      seen.add(states);
      if (states.length > 0) cancel = clock.schedule(gpuEveryMs, again);
    });
  };
  signal.addEventListener('abort', () => cancel(), { once: true });
  again();
}
