import { type Command, defineCommand } from '../command.ts';
import { OptionError } from '../errors.ts';
import type { Extent } from '../flow/reading-end.state.ts';
import { mostRedrives, RedrivePlan, skipReasons } from '../flow/redrive-plan.ts';
import { Rate } from '../flow/rate.state.ts';
import { resumeRedrive, wasSent } from '../flow/redrive.state.ts';
import type { StoredOffset, Transport } from '../transport/transport.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { letterFilter, letterOptions } from './letter-options.ts';
import { extentsOf, readingEnd, readToEnd } from './read-to-end.ts';
import { type RedriveEnd, redriveLetters } from './redrive-letters.ts';
import { RedriveTally } from './redrive-tally.ts';

const options = {
  ...letterOptions,
  to: { kind: 'text', value: 'topic', summary: 'send all to this topic; otherwise each to the topic it was read from' },
  rate: { kind: 'integer', value: 'n', min: 1, max: 1_000_000, summary: 'send at most so many per second' },
  dryRun: { kind: 'flag', summary: 'only count what would be sent, and estimate its tokens' },
  force: { kind: 'flag', summary: `send also what was sent ${String(mostRedrives)} times before, and failed each time` },
} as const;

const heldBack = 3;

export const dlqRedriveCommand: Command = defineCommand({
  name: 'dlq redrive',
  summary: 'send dead letters to their topics again',
  details: `Sends the records of the letters that the filters ask for, as they were read: key, value and headers, to the partition they were in
(with --to, where their key belongs), with the time of the sending. Ends where the topic ended when it began.

Each letter is sent once. What was sent is noted in the same transaction, in the consumer group millrace-redrive-TOPIC, whatever the
filters were: stopped, killed or run again, it goes on where it was, and what other filters left can still be sent. Readers of committed
records see nothing twice. The letters themselves stay in their topic.

The header millrace.redrives counts how often a record was sent again; above ${String(mostRedrives)} it is refused unless --force. Letters without payload
cannot be sent. Tokens are estimated: bytes of the values / 4.`,
  arguments: [{ name: 'topic', required: true, summary: 'the dead letters of a pipeline: its deadLetter' }],
  options,
  examples: [
    { line: 'millrace dlq redrive reviews.dead --code call_timeout --dry-run', does: 'what it would be, and what it would cost' },
    { line: 'millrace dlq redrive reviews.dead --code call_timeout --rate 50', does: 'gently' },
    { line: 'millrace dlq redrive reviews.dead --source reviews/3@2', does: 'one record' },
  ],
  exitCodes: {
    [heldBack]: 'all letters were looked at, but some that the filters ask for could not be sent',
    130: 'stopped by Ctrl-C before all was sent: run it again (143: by SIGTERM)',
  },
  run: async ({ options: { to, rate, dryRun, force, ...filters }, args: [topic = ''] }, given) => {
    const context = given as CliContext;
    const { settings, out, signal, clock } = context;
    requireKafka('dlq redrive', settings);
    if (to === topic) throw new OptionError(`--to must not be the topic of the dead letters itself (${topic})`);
    const filter = letterFilter(filters, clock.nowMs());
    const { transport, close } = await context.openTransport();
    try {
      const run: Run = {
        ...{ context, transport, topic, groupId: `millrace-redrive-${topic}`, tally: new RedriveTally() },
        plan: new RedrivePlan({ transport, filter, to, force }),
        extents: await extentsOf(transport, topic),
        rate: rate === undefined ? undefined : new Rate(rate),
      };
      await run.plan.check();
      const end = await (dryRun ? look(run) : send(run));
      out.live(undefined);
      report(run, end, dryRun);
      if (signal.aborted && end.unread > 0n) return context.interrupt.exitCode ?? 1;
      return run.tally.held > 0 || end.full.length > 0 ? heldBack : 0;
    } finally {
      out.live(undefined);
      await close();
    }
  },
});

interface Run {
  readonly context: CliContext;
  readonly transport: Transport;
  readonly topic: string;
  readonly groupId: string;
  readonly plan: RedrivePlan;
  readonly extents: readonly Extent[];
  readonly rate: Rate | undefined;
  readonly tally: RedriveTally;
}

const troubleOf =
  ({ context: { log }, topic }: Run) =>
  (why: string): void => {
    log.warn({ topic }, why);
  };

async function send(run: Run): Promise<RedriveEnd> {
  const { context, transport, topic, groupId, plan, extents, rate, tally } = run;
  const { clock, signal, out, settings } = context;
  for (const { low, start } of await startsOf(run)) tally.sentBefore += Number(start - low); // they are not even read
  return redriveLetters({
    ...{ transport, clock, signal, topic, groupId, plan, rate, tally },
    clientId: settings.kafka.clientId ?? 'millrace',
    end: readingEnd(extents, clock),
    onProgress: () => {
      out.live(`${String(tally.sent)} letters sent`);
    },
    onTrouble: troubleOf(run),
  });
}

/** Where reading goes on, partition by partition: before it all letters were sent. */
async function startsOf({
  transport,
  groupId,
  topic,
  extents,
}: Run): Promise<readonly (Extent & { readonly start: bigint; readonly committed: StoredOffset | undefined })[]> {
  const partitions = extents.map(({ partition }) => ({ topic, partition }));
  const stored = await transport.committed(groupId, partitions);
  return extents.map((extent) => {
    const { partition, low, high } = extent;
    const committed = stored.find((one) => one.partition === partition);
    const start = committed !== undefined && committed.offset > low && committed.offset <= high ? committed.offset : low;
    return { ...extent, start, committed };
  });
}

/** Counts what {@link send} would do now. */
async function look(run: Run): Promise<RedriveEnd> {
  const { context, transport, topic, plan, extents, tally } = run;
  const { clock, signal, out } = context;
  const progress = new Map(
    (await startsOf(run)).map(({ partition, start, committed }) => [partition, resumeRedrive(start, committed)] as const),
  );
  const unread = await readToEnd({
    ...{ transport, topic, extents, clock, signal, onTrouble: troubleOf(run) },
    take: async (record) => {
      const before = progress.get(record.partition);
      const { offset } = record;
      const isSent = before !== undefined && (offset < before.next || wasSent(before, offset));
      tally.add(isSent ? { offset, what: 'before' } : await plan.of(record));
      out.live(`${String(tally.sent)} letters would be sent`);
      return false;
    },
  });
  return { unread, full: [] };
}

function report({ context: { out }, topic, tally }: Run, { unread, full }: RedriveEnd, dryRun: boolean): void {
  const { sent, sentTo, skipped, estimatedTokens } = tally;
  const left = skipped.reduce((sum, [, letters]) => sum + letters, 0);
  out.json({
    redrive: {
      ...{ topic, dryRun, sent, sentTo: Object.fromEntries(sentTo), estimatedTokens, skipped: Object.fromEntries(skipped), left },
      ...{ notLookedAt: unread, sentBefore: tally.sentBefore },
    },
  });
  const rows = [
    ...sentTo.map(([to, letters]) => [`${dryRun ? 'would be sent' : 'sent'} to ${to}`, letters]),
    ...skipped.map(([why, letters]) => [`left: ${skipReasons[why]}`, letters]),
    ...(unread > 0n ? [['left: not looked at, at most', unread]] : []),
  ].map((row) => row.map(String));
  if (rows.length > 0) out.table([['', 'letters'], ...rows]);
  out.note(
    `${String(sent)} letters of ${topic} ${dryRun ? 'would be sent' : 'sent'}, about ${String(estimatedTokens)} tokens (an estimate: bytes / 4)` +
      (tally.sentBefore > 0 ? `; ${String(tally.sentBefore)} were sent before` : ''),
  );
  if (full.length > 0)
    out.note(
      `partition ${full.join(', ')}: what was sent lies too scattered among what stays to be noted; send or let expire the older letters first`,
    );
}
