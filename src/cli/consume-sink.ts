import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import { CodecError, messageOf } from '../errors.ts';
import { AvroOutput } from './avro-output.ts';
import { type AvroReaders, type AvroValues, shownBytes } from './avro-values.ts';
import type { CliContext } from './context.ts';
import { toJsonRecord } from '../runtime/json-record.ts';
import { bytesText, headersText } from './record-text.ts';
import type { ReadRecord } from '../runtime/topic-reader.ts';

/** Where the records go that are consumed. */
export interface ConsumeSink {
  /** Takes a record, also one that cannot be read, which it tells. */
  take(record: ReadRecord): Promise<void>;
  close(): Promise<void>;
  /** What came of it; undefined: nothing is to be said. */
  ended(): { readonly text: string; readonly counts: object; readonly isWhole: boolean } | undefined;
}

type Context = Pick<CliContext, 'out' | 'log' | 'clock'>;

/** To stdout: keys and values as they are, or as what Avro says they are. */
export function printingSink(
  avro: AvroReaders,
  { keys, headers }: { readonly keys: boolean; readonly headers: boolean },
  { out, log }: Context,
): ConsumeSink {
  const shown = async (record: ReadRecord): Promise<ReadRecord> => ({
    ...record,
    key: await shownBytes(avro.keys, record.key),
    value: await shownBytes(avro.values, record.value),
  });
  return {
    take: async (given) => {
      const record = await readable(given, shown, log);
      if (record === undefined) return;
      if (out.isJson) out.raw(toJsonRecord(record, avro.keys !== undefined));
      else
        out.line(
          [...(headers ? [headersText(record.headers)] : []), ...(keys ? [bytesText(record.key)] : []), bytesText(record.value)].join('\t'),
        );
      await out.drained();
    },
    close: () => Promise.resolve(),
    ended: () => undefined,
  };
}

/** To an Avro file. What is a tombstone, or cannot be read, is not in it, and counted. @throws OptionError for a file that cannot be written */
export async function avroFileSink(
  path: string,
  values: AvroValues & { readonly schema: AvroSchema },
  { out, log, clock }: Context,
): Promise<ConsumeSink> {
  const file = await AvroOutput.open(path, values.schema, clock);
  const counts = { records: 0, tombstones: 0, unreadable: 0 };
  return {
    take: async (record) => {
      const { value: bytes } = record;
      if (bytes === null && !record.undecodable) {
        counts.tombstones += 1;
        return;
      }
      const read = await readable(record, async () => ({ value: await values.decode(bytes ?? new Uint8Array()) }), log);
      if (read === undefined) counts.unreadable += 1;
      else {
        await file.add(read.value);
        counts.records += 1;
        out.live(`${String(counts.records)} records to ${path}`);
      }
    },
    close: async () => {
      out.live(undefined);
      await file.close();
    },
    ended: () => {
      const { records, tombstones, unreadable } = counts;
      const left =
        tombstones + unreadable === 0 ? '' : `, without ${String(tombstones)} tombstone(s) and ${String(unreadable)} that cannot be read`;
      const text = `${String(records)} records written to ${path}${left}`;
      return { text, counts: { out: path, ...counts }, isWhole: unreadable === 0 };
    },
  };
}

/** What is made of a record; undefined, when it is told that it cannot be read. */
async function readable<T>(record: ReadRecord, read: (record: ReadRecord) => Promise<T>, log: Context['log']): Promise<T | undefined> {
  const { topic, partition, offset, undecodable } = record;
  const tell = (why: string): void => {
    log.warn({ topic, partition, offset: String(offset) }, `a record cannot be read: ${why}`);
  };
  if (undecodable) tell(undecodable.reason);
  else
    try {
      return await read(record);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      tell(messageOf(error));
    }
  return undefined;
}
