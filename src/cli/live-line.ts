import type { Clock } from '../clock.ts';
import type { Output } from '../command.ts';
import type { App } from '../runtime/start.ts';
import type { StatsSnapshot } from '../runtime/stats.ts';

const everyMs = 250;
const windowMs = 5_000;

/** Keeps the live line of a running pipeline up to date. The result takes it away. */
export function liveLine(app: Pick<App, 'stats' | 'state'>, out: Output, clock: Clock): () => void {
  if (!out.isTty) return () => undefined;
  const seen: { readonly atMs: number; readonly settled: number }[] = [];
  const show = (): void => {
    const stats = app.stats();
    const now = { atMs: clock.nowMs(), settled: settledOf(stats) };
    seen.push(now);
    while (seen[0] !== undefined && seen[0].atMs < now.atMs - windowMs) seen.shift();
    const first = seen[0] ?? now;
    const perSecond = now.atMs > first.atMs ? ((now.settled - first.settled) * 1000) / (now.atMs - first.atMs) : 0;
    out.live(statsLine(stats, perSecond, app.state).slice(0, out.width - 3));
    cancel = clock.schedule(everyMs, show);
  };
  let cancel = clock.schedule(everyMs, show);
  return () => {
    cancel();
    out.live(undefined);
  };
}

/** Shows what holds up a start. `end` it when the pipeline runs: then {@link liveLine} has the line. */
export function startingLine(out: Output): { readonly show: (troubles: readonly string[]) => void; readonly end: () => void } {
  let isOver = false;
  return {
    show: ([why]) => {
      if (!isOver) out.live(why === undefined ? undefined : shortened(`starting · ${why}`, out.width - 3));
    },
    end: () => {
      isOver = true;
    },
  };
}

/** To so many characters; how long a wait may still be is the last to go. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const left = /, at most \d+ s more$/.exec(text)?.[0] ?? '';
  return `${text.slice(0, Math.max(0, most - left.length - 1))}…${left}`.slice(0, most);
}

/** Records that need nothing more. */
export const settledOf = ({ done, failed, dropped }: StatsSnapshot): number => done + failed + dropped;

function statsLine(stats: StatsSnapshot, perSecond: number, state: string): string {
  const { recordsInFlight, failed, dropped, lag, pausedBy, holds, troubles } = stats;
  const waits = [...(pausedBy === undefined ? [] : [pausedBy]), ...holds.map(({ reason }) => reason)];
  return [
    ...(state === 'running' ? [] : [state]),
    `${perSecond < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0)} records/s`,
    `${String(settledOf(stats))} settled`,
    `${String(recordsInFlight)} in flight`,
    ...(failed > 0 ? [`${String(failed)} failed`] : []),
    ...(dropped > 0 ? [`${String(dropped)} dropped`] : []),
    `lag ${String(lag)}`,
    ...(waits.length > 0 ? [`paused by ${waits.join(', ')}`] : []),
    ...troubles.slice(0, 1).map((why) => `trouble: ${why}`),
  ].join(' · ');
}
