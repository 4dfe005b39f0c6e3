import type { CancelTimer, Clock } from '../clock.ts';
import type { Owned } from '../flow/owned.ts';
import { formatPartition } from '../record/record.ts';
import type { OpenedCodec } from './open-codecs.ts';
import type { Stats } from './stats.ts';

const everyMs = 250;
/** A look-up is no trouble; what takes so long is told, whether its codec says why or not. */
const patienceMs = 2_000;
const mostNamed = 5;

/** Tells what codecs say of their troubles, and which partitions wait for them. The result ends it. */
export function watchCodecs(
  opened: readonly OpenedCodec[],
  { source, clock, stats }: { readonly source: { readonly partitions: readonly Owned[] }; readonly clock: Clock; readonly stats: Stats },
): CancelTimer {
  let cancel: CancelTimer = () => undefined;
  const look = (): void => {
    const nowMs = clock.nowMs();
    for (const { topic, part, direction, codec } of opened) {
      const waiting = direction === 'in' && codec.pending ? source.partitions.filter((one) => one.topic === topic && isWaiting(one)) : [];
      const isLong = waiting.some(({ unreadableSinceMs = nowMs }) => nowMs - unreadableSinceMs >= patienceMs);
      const why = codec.trouble?.() ?? (isLong ? 'it waits for what it needs to read a record' : undefined);
      const told = why === undefined ? undefined : `codec ${codec.name} of the ${part}s of topic ${topic}: ${why}`;
      stats.trouble(`codecs.${topic}.${part}.${direction}`, told, undefined, told === undefined ? undefined : waitingInWords(waiting));
    }
    cancel = clock.schedule(everyMs, look);
  };
  cancel = clock.schedule(everyMs, look);
  return () => {
    cancel();
  };
}

const isWaiting = ({ unreadableSinceMs }: Owned): boolean => unreadableSinceMs !== undefined;

function waitingInWords(waiting: readonly Owned[]): string | undefined {
  if (waiting.length === 0) return undefined;
  const more = waiting.length > mostNamed ? ` and ${String(waiting.length - mostNamed)} more` : '';
  return `${waiting.slice(0, mostNamed).map(formatPartition).join(', ')}${more} ${waiting.length === 1 ? 'waits' : 'wait'} for it`;
}
