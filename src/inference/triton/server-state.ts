import { defer, from, map, type Observable, of } from 'rxjs';
import { currentScope } from '../../call.ts';
import type { ModelState } from '../model.ts';
import type { TritonCalls } from './triton-calls.ts';
import { jsonOf } from './triton-http.ts';

/** How long an answer is waited for: who asks how busy a model is has something else to do. */
const patienceMs = 1_000;

interface Sample {
  readonly atMs: number;
  readonly queuedNs: number;
}

/**
 * Own calls that run, and how many requests of anybody waited in the server's queue on average since the last look, by Little's law: the time that
 * was spent waiting (statistics extension) by the time that has passed. 0 at the first look, and where the server does not tell.
 */
export function serverState(calls: TritonCalls): () => Observable<ModelState> {
  let last: Sample | undefined;
  const stateWith = (waiting: number): ModelState => ({ running: calls.running(), waiting, slots: undefined });
  return () =>
    defer(() => {
      const { clock } = currentScope();
      if (last !== undefined && clock.nowMs() - last.atMs < 1) return of(stateWith(0));
      return from(queuedNs(calls)).pipe(
        map((queued) => {
          if (queued === undefined) return stateWith(0);
          const now = { atMs: clock.nowMs(), queuedNs: queued };
          const waited = last === undefined ? 0 : Math.max(0, now.queuedNs - last.queuedNs) / 1e6 / Math.max(1, now.atMs - last.atMs);
          last = now;
          return stateWith(Math.round(waited));
        }),
      );
    });
}

/** What all requests have waited so far; undefined where nobody says. */
async function queuedNs({ http, model, shownUrl }: TritonCalls): Promise<number | undefined> {
  const { clock } = currentScope();
  const own = new AbortController();
  const cancel = clock.schedule(patienceMs, () => {
    own.abort();
  });
  try {
    const { model_stats: stats } = await jsonOf(await http({ path: `${model().path}/stats`, signal: own.signal }), shownUrl);
    const queues = (Array.isArray(stats) ? (stats as readonly Stats[]) : []).map((one) => one.inference_stats?.queue?.ns);
    return queues.reduce<number | undefined>((sum, ns) => (typeof ns === 'number' ? (sum ?? 0) + ns : sum), undefined);
  } catch {
    return undefined; // nothing depends on it
  } finally {
    cancel();
  }
}

interface Stats {
  readonly inference_stats?: { readonly queue?: { readonly ns?: unknown } };
}
