import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import type { Clock } from '../clock.ts';
import type { Output } from '../command.ts';
import { requireText } from '../errors.ts';
import { progressText } from './internal/progress-text.state.ts';
import type { RunMonitor } from './run-monitor.ts';

export interface ShowProgressOptions {
  readonly monitor: Pick<RunMonitor, 'progress'>;
  readonly out: Output;
  readonly clock: Clock;
  /** What the items are, in the plural: `documents`. */
  readonly noun: string;
  /** What else there is to say at present, shortest first: `paused by budget`. */
  readonly remarks?: () => readonly string[];
}

const names: OptionNames<ShowProgressOptions> = { monitor: true, out: true, clock: true, noun: true, remarks: true };
const liveEveryMs = 250;
const plainEveryMs = 10_000;

/**
 * Shows how a run stands until the result is called: on a terminal as one line that is written anew, elsewhere as a remark every 10 s, where something has changed. With `--json`
 * nothing is shown.
 * @throws OptionError for an option that is missing.
 */
export function showProgress(options: ShowProgressOptions): () => void {
  requireOptions('showProgress', options, names);
  const { monitor, out, clock, noun, remarks = () => [] } = options;
  requireMethods('showProgress.monitor', monitor, ['progress'], 'a runMonitor({ … })');
  requireText('showProgress.noun', noun);
  if (out.isJson) return () => undefined;
  let shown = '';
  const show = (): void => {
    const progress = monitor.progress();
    const more = remarks();
    const text = [progressText(progress, noun), ...more].join(' · ');
    const ended = [progress.done + progress.failed, ...more].join();
    if (out.isTty) out.live(text.slice(0, Math.max(0, out.width - 3)));
    else if (ended !== shown) out.note(text);
    shown = ended;
    cancel = clock.schedule(everyMs, show);
  };
  const everyMs = out.isTty ? liveEveryMs : plainEveryMs;
  let cancel = clock.schedule(everyMs, show);
  return () => {
    cancel();
    out.live(undefined);
  };
}
