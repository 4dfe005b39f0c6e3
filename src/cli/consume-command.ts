import { type Command, defineCommand } from '../command.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { toJsonRecord } from './json-record.ts';
import { bytesText, headersText } from './record-text.ts';
import { type ReadRecord, readTopics } from './topic-reader.ts';

const options = {
  fromBeginning: { kind: 'flag', summary: 'read what is there, too; otherwise only what comes from now on' },
  max: { kind: 'integer', value: 'n', min: 1, summary: 'end after so many records' },
  keys: { kind: 'flag', summary: 'print the key, a tab, then the value' },
  headers: { kind: 'flag', summary: 'print the headers, a tab, then the rest' },
} as const;

export const consumeCommand: Command = defineCommand({
  name: 'consume',
  summary: 'print the records of a topic as they come',
  details: `Prints one value a line; with --json whole records: topic, partition, offset, timestampMs, key, value, headers. Values that
are JSON objects or arrays stand in there as they are, other texts as strings, bytes that are not UTF-8 as "valueBase64" (without
--json as base64:…). Control characters are shown, not sent, where stdout is a terminal. It reads in a group of its own and never ends by
itself: --max, Ctrl-C or the end of the reader (| head) end it, with 0.`,
  arguments: [{ name: 'topic', required: true, summary: 'what to read' }],
  options,
  examples: [
    { line: 'millrace consume reviews.enriched --from-beginning --brokers localhost:9092', does: 'all values, then the new ones' },
    { line: 'millrace consume reviews.dead --from-beginning --max 10 --headers', does: 'ten dead letters with their stories' },
    { line: "millrace consume reviews.enriched --json | jq -r '.value.sentiment'", does: 'one field of each' },
  ],
  run: async ({ options: { fromBeginning, max = Number.POSITIVE_INFINITY, keys, headers }, args: [topic = ''] }, given) => {
    const context = given as CliContext;
    const { settings, out, signal, log } = context;
    requireKafka('consume', settings);
    const { transport, where, close } = await context.openTransport();
    let seen = 0;
    const print = async (record: ReadRecord): Promise<void> => {
      if (record.undecodable)
        log.warn(
          { topic, partition: record.partition, offset: String(record.offset) },
          `a record cannot be read: ${record.undecodable.reason}`,
        );
      else if (out.isJson) out.raw(toJsonRecord(record));
      else
        out.line(
          [...(headers ? [headersText(record.headers)] : []), ...(keys ? [bytesText(record.key)] : []), bytesText(record.value)].join('\t'),
        );
      await out.drained();
    };
    try {
      await readTopics(transport, {
        topics: [topic],
        from: fromBeginning ? 'earliest' : 'latest',
        signal,
        onReady: () => {
          if (out.isTty) out.note(`reading ${topic} from ${where}; Ctrl-C ends it`);
        },
        onTrouble: (why) => {
          log.warn({ topic }, why);
        },
        take: async (records) => {
          for (const record of records) {
            if (seen >= max || signal.aborted) break;
            seen += 1;
            await print(record);
          }
          return seen >= max;
        },
      });
    } finally {
      await close();
    }
    return 0;
  },
});
