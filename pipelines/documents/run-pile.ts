import {
  type CommandContext,
  type DocumentSource,
  keyFrom,
  messageOf,
  type OpenedTransport,
  OptionError,
  runMonitor,
  showProgress,
  showPull,
  topicPrefixFrom,
  writableFolder,
} from 'millrace';
import { chooseModels, requireOneModel } from './choose-models.ts';
import { itemOf } from './item-of.ts';
import { reportPile } from './report-pile.ts';
import { runDocuments } from './run-documents.ts';
import type { DocumentsSummary } from './run-options.ts';
import type { ResolvedSettings } from './settings.ts';
import { answerLine } from './show.ts';
import { parseTask } from './tasks/parse-task.ts';
import { topicDocuments } from './topic-documents.ts';

/** A pile of work, as the command line gives it. */
export interface Pile {
  readonly input: AsyncIterable<DocumentSource> | { readonly topic: string };
  /** How many documents it has, where that can be known beforehand; never rejects. */
  readonly total?: Promise<number | undefined> | undefined;
  /** What the input is, for people. */
  readonly title: string;
  readonly tasks: readonly string[];
  readonly folder: string;
  readonly settings: ResolvedSettings;
  readonly given: {
    readonly model?: string | undefined;
    readonly compare?: string | undefined;
    readonly fallbackModel?: string | undefined;
    readonly apiKeyEnv?: string | undefined;
    readonly kafka: boolean;
    readonly topicPrefix?: string | undefined;
  };
}

/** Works on a pile, shows how it goes, and writes the report beside the answers. Resolves with the exit code. */
export async function runPile({ input, total, title, tasks, folder, settings, given }: Pile, context: CommandContext): Promise<number> {
  const { out, clock, log, signal } = context;
  const { model = 'smollm2', compare, fallbackModel: fallback, apiKeyEnv, topicPrefix = 'millrace' } = given;
  const apiKey = apiKeyEnv === undefined ? undefined : keyFrom(apiKeyEnv);
  const chosen = chooseModels({ model, compare, fallback, apiKey, concurrency: settings.concurrency });
  const options = { vote: settings.vote, slots: chosen.isRemote ? 'fenced' : 'bare' } as const;
  const parsed = await Promise.all(tasks.map((text) => parseTask(text, options)));
  if (parsed.some(({ kind }) => kind === 'embed')) requireOneModel(model);
  await writableFolder(folder);
  for (const name of chosen.pull) await showPull(context, name);
  const onKafka = given.kafka || context.settings.transport === 'kafka';
  const opened = onKafka ? await context.openTransport({ kind: 'kafka', startBroker: true }) : undefined;
  const monitor = runMonitor({ clock });
  const now = { calls: 0, troubles: [] as readonly string[], waits: [] as readonly string[] };
  const remarks = (): readonly string[] => [
    ...(now.calls > 0 ? [`${now.calls.toLocaleString('en-US')} calls`] : []),
    ...now.waits,
    ...now.troubles,
  ];
  const stopShowing = showProgress({ monitor, out, clock, noun: 'documents', remarks });
  // what cannot be counted is told by the run itself
  void total?.then((count) => count !== undefined && monitor.expect(count));
  const report = async (summary: DocumentsSummary, failure?: unknown): Promise<void> => {
    stopShowing();
    await reportPile({ title, tasks, folder, model, compare, run: monitor.snapshot(), summary, failure }, out);
  };
  let soFar: DocumentsSummary | undefined;
  try {
    out.note(`${title} through ${model}, on ${opened?.where ?? 'the embedded broker'}: answers to ${folder}`);
    const summary = await runDocuments({
      ...settings,
      input: 'topic' in input ? recordsOf(input.topic, opened, context) : input,
      ...{ tasks: parsed, models: chosen.models, fallback: chosen.fallback, out: folder, isLimited: chosen.isRemote },
      ...(opened && { transport: opened.transport, prefix: topicPrefixFrom(topicPrefix) }),
      ...{ clock, log, signal },
      onTroubles: (troubles) => (now.troubles = troubles),
      onWaits: (waits) => (now.waits = waits),
      onCall: () => (now.calls += 1),
      onTotal: (count) => {
        monitor.expect(count);
      },
      onAnswer: (result) => {
        monitor.item(itemOf(result));
        out.json(result);
        out.line(answerLine(result, out.width));
      },
      onFailure: (summary) => (soFar = summary),
    });
    await report(summary);
    if (!summary.isComplete) signal.throwIfAborted();
    return summary.error === 0 && summary.isComplete ? 0 : 1;
  } catch (error) {
    // a report that cannot be written, either, must not hide what ended the run
    if (soFar) await report(soFar, error).catch((other: unknown) => out.note(`there is no report of this run: ${messageOf(other)}`));
    throw error;
  } finally {
    stopShowing();
    await opened?.close();
  }
}

function recordsOf(
  topic: string,
  opened: OpenedTransport | undefined,
  { clock, log, signal }: CommandContext,
): AsyncIterable<DocumentSource> {
  if (opened) return topicDocuments({ transport: opened.transport, topic, clock, log, signal });
  throw new OptionError(`topic:${topic} is on Kafka: add --kafka, or --brokers; the embedded broker begins empty`);
}
