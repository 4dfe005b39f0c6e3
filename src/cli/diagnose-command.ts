import { sleep } from '../clock.ts';
import { type Command, type CommandContext, defineCommand } from '../command.ts';
import { isStreamError, messageOf, OptionError } from '../errors.ts';
import { diagnose, type Diagnosis, unanswered } from '../serve/diagnose.state.ts';
import { snapshotHeader } from '../serve/heap-snapshot.ts';
import { readMetrics } from '../serve/read-metrics.ts';
import { type Look, situationOf } from '../serve/situation.ts';

const looksEveryMs = 1_000;
const patienceMs = 10_000;
const snapshotPatienceMs = 600_000; // a heap of gigabytes takes minutes

export const diagnoseCommand: Command = defineCommand({
  name: 'diagnose',
  summary: 'say what holds a running pipeline up, and what to change',
  details: `URL is that of millrace run --http PORT. It looks at /metrics for ten seconds and names the bottleneck (source, queue, model, sink, cpu, memory,
gc, or none), what was seen that says so, and what to change.`,
  arguments: [{ name: 'url', required: true, summary: 'http://HOST:PORT' }],
  options: {
    seconds: { kind: 'integer', value: 'n', min: 1, max: 3_600, summary: 'how long it looks (default: 10)' },
    heapSnapshot: {
      kind: 'flag',
      summary: 'have the process write a heap snapshot on its machine (asked from there only; it holds payloads), and say where',
    },
  },
  examples: [
    { line: 'millrace diagnose http://localhost:9464', does: 'ten seconds, then the bottleneck' },
    { line: 'millrace diagnose http://localhost:9464 --heap-snapshot', does: 'and what lives on the heap, for DevTools' },
  ],
  run: async ({ options: { seconds = 10, heapSnapshot }, args: [given = ''] }, context) => {
    const { out, clock, signal } = context;
    const base = baseOf(given);
    const looks: Look[] = [];
    const show = ({ bottleneck, evidence, advice }: Diagnosis): void => {
      out.live(undefined);
      out.line(`bottleneck  ${bottleneck}`);
      for (const [i, one] of evidence.entries()) out.line((i === 0 ? 'evidence' : '').padEnd(12) + one);
      out.line(`change      ${advice}`);
    };
    for (let i = 0; i <= seconds; i += 1) {
      if (i > 0) await sleep(clock, looksEveryMs, signal);
      out.live(`looking at ${base.host}: ${String(seconds - i)} s`);
      const text = await ask(new URL('/metrics', base), context).catch((error: unknown) => {
        if (error instanceof Silence) return undefined;
        throw error;
      });
      if (text === undefined) {
        const found = unanswered(patienceMs / 1_000);
        show(found);
        out.json(found);
        return;
      }
      const reading = readMetrics(text);
      if (!reading.has('millrace_pipeline_state'))
        throw new OptionError(`${base.origin}/metrics is not of a pipeline of Millrace: give the URL that millrace run --http prints`);
      looks.push({ atMs: clock.nowMs(), reading });
    }
    const situation = situationOf(looks);
    const found = diagnose(situation);
    show(found);
    if (situation.state !== 'running' || situation.troubles > 0)
      out.line(`also        it is ${situation.state}, with troubles: see ${base.origin}/healthz`);
    const snapshot = heapSnapshot ? await snapshotOf(base, context) : undefined;
    if (snapshot !== undefined) out.line(`heap        ${snapshot}`);
    out.json({ ...found, situation, ...(snapshot === undefined ? {} : { heapSnapshot: snapshot }) });
  },
});

/** Nobody answered in time. */
class Silence extends Error {}

type Asking = Pick<CommandContext, 'clock' | 'signal'>;

function baseOf(given: string): URL {
  const url = URL.parse(/^https?:\/\//.test(given) ? given : `http://${given}`);
  if (url === null || url.host === '')
    throw new OptionError(`expected the URL of millrace run --http, such as http://localhost:9464, got ${JSON.stringify(given)}`);
  return url;
}

async function ask(url: URL, { clock, signal }: Asking, init: RequestInit = {}, limitMs = patienceMs): Promise<string> {
  const tooLong = new AbortController();
  const cancel = clock.schedule(limitMs, () => tooLong.abort(new Silence()));
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, tooLong.signal]) });
    const body = await response.text();
    if (!response.ok) throw new OptionError(`${url.href} answered ${String(response.status)}: ${body.slice(0, 200).trim()}`);
    return body;
  } catch (error) {
    if (signal.aborted || isStreamError(error) || error instanceof Silence) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new OptionError(`${url.origin} does not answer (${messageOf(cause)}); does the pipeline run with --http, and is this its port?`, {
      cause: error,
    });
  } finally {
    cancel();
  }
}

async function snapshotOf(base: URL, asking: Asking): Promise<string> {
  const body = await ask(
    new URL('/heap-snapshot', base),
    asking,
    { method: 'POST', headers: { [snapshotHeader]: '1' } },
    snapshotPatienceMs,
  );
  return (JSON.parse(body) as { readonly path: string }).path;
}
