import type { Output } from 'millrace';
import type { RatedSentence } from './data.ts';
import type { EnrichedReview } from './schema.ts';
import type { Agreement, Summary } from './tally.ts';

/** A dead letter as it is shown. */
export interface ShownLetter {
  /** Of the source record, as `topic/partition@offset`. */
  readonly position: string;
  readonly code: string;
  readonly message: string;
}

/** One result: what the model says, what people say, and the sentence as far as the line is wide. */
export function resultLine(result: EnrichedReview, { rating }: RatedSentence, width: number): string {
  const { sentiment, confidence, aspect, latencyMs, text } = result;
  const people = `${rating > 0 ? '+' : ''}${rating.toFixed(1)}`;
  const facts = `${sentiment} ${confidence.toFixed(2)}  ${aspect.padEnd(7)}  people ${people.padStart(4)}  ${String(latencyMs).padStart(5)} ms  `;
  const room = Math.max(20, width - facts.length - 1);
  return facts + (text.length > room ? `${text.slice(0, room - 1)}…` : text);
}

export interface Progress {
  readonly finished: number;
  readonly records: number;
  /** Of this run. */
  readonly done: number;
  readonly tokens: number;
  readonly inFlight: number;
  /** What does not work at present. */
  readonly trouble?: string | undefined;
  readonly elapsedMs: number;
  /** Until the demo stops by itself; undefined: when all is done. */
  readonly leftMs: number | undefined;
}

/** The live line. */
export function progressLine({ finished, records, done, tokens, inFlight, trouble, elapsedMs, leftMs }: Progress): string {
  const seconds = Math.max(0.001, elapsedMs / 1000);
  const rate = done / seconds;
  const neededMs = rate > 0 ? ((records - finished) / rate) * 1000 : Number.POSITIVE_INFINITY;
  const etaMs = Math.min(neededMs, Math.max(0, leftMs ?? Number.POSITIVE_INFINITY));
  const speed = `${rate.toFixed(1)} records/s · ${String(Math.round(tokens / seconds))} tokens/s`;
  if (trouble !== undefined) return `${String(finished)} of ${String(records)} · trouble: ${trouble}`;
  return `${String(finished)} of ${String(records)} · ${speed} · ${String(inFlight)} in flight · ETA ${clockTime(etaMs)}`;
}

/** Minutes and seconds. */
function clockTime(ms: number): string {
  if (!Number.isFinite(ms)) return '-:--';
  const seconds = Math.ceil(ms / 1000);
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}

/** The table at the end, and the dead letters below it. */
export function showSummary(out: Output, summary: Summary, letters: readonly ShownLetter[], people: string): void {
  const { records, done, failed, dropped, unfinished, earlier, repeated, tokens, agreement, p50Ms, p99Ms, seconds } = summary;
  const rows: (readonly [string, string])[] = [
    ['done', `${String(done)} of ${String(records)}${earlier > 0 ? `, ${String(earlier)} of them by an earlier run` : ''}`],
    ['failed', String(failed)],
    ['dropped', String(dropped)],
    ...(unfinished > 0 ? [['unfinished', String(unfinished)] as const] : []),
    ...(repeated > 0 ? [['repeated', `${String(repeated)} (done again after a crash: at least once)`] as const] : []),
    ['tokens', String(tokens)],
    ['latency', p50Ms === null || p99Ms === null ? '-' : `p50 ${String(p50Ms)} ms, p99 ${String(p99Ms)} ms`],
    [`agrees with ${people}`, shown(agreement.beyond1, 'rated beyond ±1')],
    ['', shown(agreement.all, 'of all, those rated 0 left out')],
    ['time', `${String(seconds)} s`],
  ];
  out.line('');
  out.table([['', 'this demo'], ...rows]);
  if (letters.length > 0) {
    out.line('');
    out.table([['dead letter of', 'code', 'message'], ...letters.map(({ position, code, message }) => [position, code, message])]);
  }
}

const shown = ({ share, of }: Agreement, which: string): string =>
  share === null ? `no sentences ${which}` : `${(share * 100).toFixed(0)} % of ${String(of)} ${which}`;
