/** One failed try, or the failure that ended one run of a record. */
export interface HistoryEntry {
  /** ISO 8601. */
  readonly at: string;
  /** Where the record was read, as `topic/partition@offset`: its own topic, or a retry topic. */
  readonly on: string;
  readonly code: string;
  /** Only of a run's last failure. */
  readonly message?: string;
  /** Calls of the whole run; only of a run's last failure. */
  readonly attempts?: number;
}

/** What has happened to a record so far, oldest first. */
export interface FailureHistory {
  /** Entries that were cut off at the old end. */
  readonly omitted: number;
  readonly entries: readonly HistoryEntry[];
}

const noHistory: FailureHistory = { omitted: 0, entries: [] };

/** Beside payload and story this leaves a letter far below what any broker takes. */
const mostBytes = 8_000;
const mostEntries = 100;
const mostMessageChars = 200;

/** The history with more at its young end; the oldest is cut off beyond 100 entries, or 8,000 bytes as text. */
export function extendHistory(history: FailureHistory, more: readonly HistoryEntry[]): FailureHistory {
  const entries = [...history.entries, ...more.map(shortened)];
  let bytes = entries.reduce((sum, one) => sum + bytesOf(one), 0);
  let cut = 0;
  while (entries.length - cut > 1 && (entries.length - cut > mostEntries || bytes > mostBytes)) {
    const oldest = entries[cut];
    if (oldest) bytes -= bytesOf(oldest);
    cut += 1;
  }
  return { omitted: history.omitted + cut, entries: entries.slice(cut) };
}

const shortened = (one: HistoryEntry): HistoryEntry =>
  one.message === undefined || one.message.length <= mostMessageChars
    ? one
    : { ...one, message: `${one.message.slice(0, mostMessageChars)}…` };

const bytesOf = (one: HistoryEntry): number => Buffer.byteLength(JSON.stringify(one)) + 1;

/** As JSON: a list of entries, before it `{"omitted": n}` where some were cut off. */
export const encodeHistory = ({ omitted, entries }: FailureHistory): string =>
  JSON.stringify(omitted > 0 ? [{ omitted }, ...entries] : entries);

/** What {@link encodeHistory} has written; of anything else what can be read. Headers may come from anybody. */
export function decodeHistory(text: string | undefined): FailureHistory {
  if (text === undefined) return noHistory;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return noHistory;
  }
  if (!Array.isArray(list)) return noHistory;
  const [first] = list as readonly unknown[];
  const omitted = isObject(first) && Number.isSafeInteger(first['omitted']) ? Math.max(0, Number(first['omitted'])) : 0;
  return extendHistory({ omitted, entries: [] }, (list as readonly unknown[]).flatMap(entryOf));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

function entryOf(value: unknown): HistoryEntry[] {
  if (!isObject(value)) return [];
  const { at, on, code, message, attempts } = value;
  if (typeof at !== 'string' || typeof on !== 'string' || typeof code !== 'string') return [];
  return [
    {
      at,
      on,
      code,
      ...(typeof message === 'string' ? { message } : {}),
      ...(typeof attempts === 'number' ? { attempts } : {}),
    },
  ];
}
