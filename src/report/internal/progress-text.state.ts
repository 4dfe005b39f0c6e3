import type { RunProgress } from '../run-snapshot.state.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** `3.2 s`, `4 min 05 s`, `2 h 07 min`. */
export function lengthText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${String(seconds)} s`;
  if (seconds < 3_600) return `${String(Math.floor(seconds / 60))} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(ms / minuteMs);
  if (minutes < 48 * 60) return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${String(Math.round(ms / hourMs / 24))} days`;
}

/** Per second, minute or hour, whichever has a digit before the point. */
function rateText(perSecond: number): string {
  const [value, unit] =
    perSecond >= 1 || perSecond === 0 ? [perSecond, 's'] : perSecond >= 1 / 60 ? [perSecond * 60, 'min'] : [perSecond * 3_600, 'h'];
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)}/${unit}`;
}

/** How a run stands, in one line: `210 of 1,000 documents · 3 failed · 4.2/s · 3 min 08 s left`. */
export function progressText({ total, doneBefore, done, failed, rate, etaMs, elapsedMs }: RunProgress, noun: string): string {
  const ended = doneBefore + done + failed;
  const all = total === undefined ? '' : ` of ${total.toLocaleString('en-US')}`;
  const isOver = total !== undefined && ended >= total;
  return [
    `${ended.toLocaleString('en-US')}${all} ${noun}`,
    ...(doneBefore > 0 ? [`${doneBefore.toLocaleString('en-US')} done before`] : []),
    ...(failed > 0 ? [`${failed.toLocaleString('en-US')} failed`] : []),
    ...(isOver ? [] : [rateText(rate)]),
    isOver || etaMs === undefined ? `${lengthText(elapsedMs)} so far` : `${lengthText(etaMs)} left`,
  ].join(' · ');
}
