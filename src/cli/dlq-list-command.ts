import { type Command, defineCommand } from '../command.ts';
import { type Letter, letterOf } from '../flow/letter.ts';
import { passes } from '../flow/letter-filter.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { letterFilter, letterOptions } from './letter-options.ts';
import { extentsOf, readToEnd } from './read-to-end.ts';

/** Letters of one error code, source topic and pipeline. */
interface Group {
  readonly code: string;
  readonly source: string;
  readonly pipeline: string;
  letters: number;
  withoutPayload: number;
  firstMs: number;
  lastMs: number;
}

const mostGroups = 1_000;

export const dlqListCommand: Command = defineCommand({
  name: 'dlq list',
  summary: 'count the dead letters of a topic',
  details: `Counts what is in the topic now by error code, source topic and pipeline, with the times of the first and the last failure, most
letters first. Letters that were sent to their topics again are still there, and counted. With --json one line for each count, then
{"summary": …}. It reads in a group of its own and changes nothing.`,
  arguments: [{ name: 'topic', required: true, summary: 'the dead letters of a pipeline: its deadLetter' }],
  options: letterOptions,
  examples: [
    { line: 'millrace dlq list reviews.dead --brokers localhost:9092', does: 'what failed, where, since when' },
    { line: 'millrace dlq list reviews.dead --since 2h --code call_timeout', does: 'only such as these' },
  ],
  exitCodes: { 130: 'stopped by Ctrl-C before all was counted (143: by SIGTERM)' },
  run: async ({ options, args: [topic = ''] }, given) => {
    const context = given as CliContext;
    const { settings, out, signal, log, clock } = context;
    requireKafka('dlq list', settings);
    const filter = letterFilter(options, clock.nowMs());
    const groups = new Map<string, Group>();
    const count = { letters: 0, withoutPayload: 0, notLetters: 0, ungrouped: 0 };
    const { transport, close } = await context.openTransport();
    try {
      const extents = await extentsOf(transport, topic);
      await readToEnd({
        ...{ transport, topic, extents, clock, signal },
        onTrouble: (why) => {
          log.warn({ topic }, why);
        },
        take: (record) => {
          const letter = letterOf(record);
          if (letter === undefined) count.notLetters += 1;
          else if (passes(filter, letter)) {
            count.letters += 1;
            if (letter.payload !== 'whole') count.withoutPayload += 1;
            if (!addTo(groups, letter)) count.ungrouped += 1;
          }
          if (count.letters % 1_000 === 1) out.live(`${String(count.letters)} letters`);
          return false;
        },
      });
    } finally {
      out.live(undefined);
      await close();
    }
    signal.throwIfAborted();
    const rows = [...groups.values()].sort((a, b) => b.letters - a.letters);
    for (const { firstMs, lastMs, ...group } of rows) out.json({ ...group, first: isoOf(firstMs), last: isoOf(lastMs) });
    if (rows.length > 0) out.table([head, ...rows.map(cellsOf)]);
    if (count.ungrouped > 0)
      out.note(`and ${String(count.ungrouped)} letters of other kinds: more than ${String(mostGroups)} are not told apart`);
    out.note(
      `${String(count.letters)} letters in ${topic}` +
        (count.withoutPayload > 0 ? `, ${String(count.withoutPayload)} of them without payload` : '') +
        (count.notLetters > 0 ? `; ${String(count.notLetters)} records are no dead letters of ours` : ''),
    );
    out.json({ summary: { topic, ...count } });
    return 0;
  },
});

const head = ['letters', 'no payload', 'code', 'source', 'pipeline', 'first failed', 'last failed'];

const cellsOf = ({ letters, withoutPayload, code, source, pipeline, firstMs, lastMs }: Group): readonly string[] => [
  ...[String(letters), withoutPayload > 0 ? String(withoutPayload) : '', code, source, pipeline],
  ...[isoOf(firstMs), isoOf(lastMs)],
];

const isoOf = (ms: number): string => new Date(ms).toISOString();

/** False: there is no room for one more kind. */
function addTo(groups: Map<string, Group>, { code, source: { topic: source }, pipeline, payload, failedAtMs }: Letter): boolean {
  const id = JSON.stringify([code, source, pipeline]);
  let group = groups.get(id);
  if (group === undefined) {
    if (groups.size >= mostGroups) return false;
    group = { code, source, pipeline, letters: 0, withoutPayload: 0, firstMs: failedAtMs, lastMs: failedAtMs };
    groups.set(id, group);
  }
  group.letters += 1;
  if (payload !== 'whole') group.withoutPayload += 1;
  group.firstMs = Math.min(group.firstMs, failedAtMs);
  group.lastMs = Math.max(group.lastMs, failedAtMs);
  return true;
}
