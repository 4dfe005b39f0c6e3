import { bytes } from '../codec/bytes.ts';
import { nullable } from '../codec/nullable.ts';
import { type Clock, sleep } from '../clock.ts';
import { messageOf, OptionError } from '../errors.ts';
import { topic } from '../pipeline.ts';
import { recordBytes } from '../record/record.ts';
import type { Client } from '../runtime/connect.ts';
import { fromJsonRecord, isJsonRecord, type RawRecord } from '../runtime/json-record.ts';
import type { InputLine } from './line-batches.ts';

export interface FeedOptions {
  readonly client: Client;
  readonly topic: string;
  /** Up to here the group has committed: the first offset that is not settled. */
  readonly watermark: () => bigint;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What the embedded broker may hold that is not committed: well below what it keeps, so that nothing is forgotten unread. */
const maxAhead = { records: 20_000, bytes: 64 * 1024 * 1024 };
const pollMs = 20;

/**
 * Writes lines as records: `{"key", "value", "headers"}` as such, any other line as a value of its own; empty lines are
 * skipped. Waits while the pipeline is behind by 20,000 records or 64 MiB. Resolves with the number of records.
 */
export async function feedInput(
  batches: AsyncIterable<readonly InputLine[]>,
  { client, topic: name, watermark, clock, signal }: FeedOptions,
): Promise<number> {
  const target = topic(name, nullable(bytes()), { key: nullable(bytes()) });
  const ahead: { readonly last: bigint; readonly records: number; readonly bytes: number }[] = [];
  const room = (): boolean => {
    while (ahead[0] !== undefined && ahead[0].last < watermark()) ahead.shift();
    return (
      ahead.reduce((sum, one) => sum + one.records, 0) < maxAhead.records && ahead.reduce((sum, one) => sum + one.bytes, 0) < maxAhead.bytes
    );
  };
  let fed = 0;
  for await (const lines of batches) {
    if (signal.aborted) break;
    const records = lines.filter((line) => line.bytes.length > 0).map(toRecord);
    if (records.length === 0) continue;
    while (!room()) await sleep(clock, pollMs, signal);
    const written = await client.produce(target, records, { signal });
    fed += records.length;
    ahead.push({
      last: written.at(-1)?.offset ?? 0n,
      records: records.length,
      bytes: records.reduce((sum, one) => sum + recordBytes(one), 0),
    });
  }
  return fed;
}

function toRecord({ number, bytes: line }: InputLine): RawRecord {
  const text = Buffer.from(line).toString('utf8');
  if (!isJsonRecord(text)) return { key: null, value: line, headers: [] };
  try {
    return fromJsonRecord(text);
  } catch (error) {
    throw new OptionError(`line ${String(number)} of the input: ${messageOf(error)}`, { cause: error });
  }
}
