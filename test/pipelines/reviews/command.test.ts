import { describe, expect, it, onTestFinished } from 'vitest';
import { reviewsCommand } from '../../../pipelines/reviews/command.ts';
import { systemClock } from '../../../src/clock.ts';
import type { CommandContext } from '../../../src/command.ts';
import { InferenceError } from '../../../src/errors.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { startOpenAiServer } from '../../helpers/openai-server.ts';

interface Seen {
  readonly lines: string[];
  readonly summaries: { readonly unfinished: number }[];
}

/** Sentiment or aspect: the first that is offered. */
const firstLabel = (body: object): string => `{"label":"${/one of: \\"([^\\]*)/.exec(JSON.stringify(body))?.[1] ?? ''}"}`;

/** `millrace demo` with sentences of our own through a server; `onLine` sees each line of results, from 1. */
async function demo(records: number, onLine: (nth: number, controller: AbortController) => void): Promise<Seen & { ended: unknown }> {
  const server = await startOpenAiServer({ latencyMs: 20, reply: ({ body }) => ({ tokens: [firstLabel(body)] }) });
  onTestFinished(() => server.close());
  const seen: Seen = { lines: [], summaries: [] };
  const controller = new AbortController();
  const nothing = (): void => undefined;
  const transport = memory({ clock: systemClock });
  const context: CommandContext = {
    settings: { transport: 'memory', brokers: [], json: false, logLevel: 'silent' },
    ...{ log: silentLog, clock: systemClock, signal: controller.signal },
    out: {
      ...{ isJson: false, isTty: false, width: 80, note: nothing, live: nothing, table: nothing, drained: () => Promise.resolve() },
      line: (text) => {
        onLine(seen.lines.push(text), controller);
      },
      json: (value) => {
        if (typeof value === 'object' && value !== null && 'summary' in value) seen.summaries.push(value.summary as Seen['summaries'][0]);
      },
    },
    openTransport: () => Promise.resolve({ transport, where: 'here', close: () => transport.close() }),
    pull: () => Promise.reject(new InferenceError('model_not_found', 'no data here')),
  };
  const unset = { kafka: false, all: false, apiKeyEnv: undefined, topicPrefix: undefined };
  const options = { ...unset, records, model: `${server.url}#small` } as unknown as Parameters<typeof reviewsCommand.run>[0]['options'];
  const running = Promise.resolve(reviewsCommand.run({ options, args: [] }, context));
  const ended = await running.catch((error: unknown) => error);
  return { ...seen, ended };
}

describe('millrace demo', () => {
  it('ends as interrupted, after its table, when sentences are left', async () => {
    const interruption = new DOMException('interrupted by SIGINT', 'AbortError');
    const { summaries, lines, ended } = await demo(12, (nth, controller) => {
      if (nth === 2) controller.abort(interruption);
    });
    expect(summaries[0]?.unfinished).toBeGreaterThan(0);
    expect(lines.length).toBeGreaterThan(2);
    expect(ended).toBe(interruption); // the command line exits with the signal's code for it
  });

  it('ends with 0 when it did all it was to do', async () => {
    expect(await demo(3, () => undefined)).toMatchObject({ ended: 0, summaries: [{ unfinished: 0 }] });
  });
});
