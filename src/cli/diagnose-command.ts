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
    const { base, headers } = baseOf(given);
    const asking = { ...context, headers };
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
      const text = await ask(new URL('/metrics', base), asking).catch((error: unknown) => {
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
    const snapshot = heapSnapshot ? await snapshotOf(base, asking) : undefined;
    if (snapshot !== undefined) out.line(`heap        ${snapshot}`);
    out.json({ ...found, situation, ...(snapshot === undefined ? {} : { heapSnapshot: snapshot }) });
  },
});

/** Nobody answered in time. */
class Silence extends Error {}

type Asking = Pick<CommandContext, 'clock' | 'signal'> & { readonly headers: Readonly<Record<string, string>> };

/** User and password of a URL go into a header, for a proxy in front of it: in the URL they would stand in what is said of it. */
function baseOf(given: string): { readonly base: URL; readonly headers: Readonly<Record<string, string>> } {
  const base = URL.parse(/^[a-z]+:\/\//i.test(given) ? given : `http://${given}`);
  if (base === null || base.host === '' || !/^https?:$/.test(base.protocol))
    throw new OptionError(`expected the URL of millrace run --http, such as http://localhost:9464, got ${shown(given)}`);
  const { username, password } = base;
  base.username = '';
  base.password = '';
  if (username === '' && password === '') return { base, headers: {} };
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return { base, headers: { authorization: `Basic ${login}` } };
}

/** As it was before it was written into a URL; what is no such writing stands as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const shown = (given: string): string => JSON.stringify(given.replace(/\/\/[^/]*@/, '//'));

async function ask(url: URL, { clock, signal, headers }: Asking, init: RequestInit = {}, limitMs = patienceMs): Promise<string> {
  const tooLong = new AbortController();
  const cancel = clock.schedule(limitMs, () => tooLong.abort(new Silence()));
  try {
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.any([signal, tooLong.signal]) });
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
    { ...asking, headers: { ...asking.headers, [snapshotHeader]: '1' } },
    { method: 'POST' },
    snapshotPatienceMs,
  );
  return (JSON.parse(body) as { readonly path: string }).path;
}
