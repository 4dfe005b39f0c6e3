import { Observable } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import type { OpenContext } from '../../resource.ts';
import { contextHttpHeaders } from '../internal/context-http-headers.ts';
import { estimatePromptTokens } from '../internal/estimate-tokens.ts';
import type { ChatTurn, Usage } from '../model.ts';
import { type Facts, modelFacts } from './model-facts.ts';
import { tritonError } from './triton-error.ts';
import { type Http, tritonHttp } from './triton-http.ts';
import type { TritonOptions } from './triton-options.ts';

/** What goes with each request beside its body. */
export interface Asked {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
  /** In the clock's milliseconds; Infinity where nobody says. */
  readonly leftMs: number;
  readonly of: Pick<CallContext, 'context' | 'key'>;
}

/** A model of the server, as it is asked. */
export interface AskedModel {
  readonly path: string;
  readonly facts: Facts;
}

/** What the calls of one resource share. */
export interface TritonCalls {
  readonly options: TritonOptions;
  readonly name: string;
  readonly shownUrl: string;
  readonly http: Http;
  /** The resource's model, or another one of the same server. */
  readonly model: (name?: string) => AskedModel;
  /** Work as a cold call; unsubscribing closes its connections. */
  readonly request: <T>(ctx: CallContext | undefined, work: (asked: Asked) => AsyncIterable<T>) => Observable<T>;
  readonly running: () => number;
  /** Counts where the server does not, and says so once. */
  readonly estimated: (turns: readonly ChatTurn[], outputTokens: number) => Usage;
}

export function tritonCalls(options: TritonOptions, log: OpenContext['log'], closing: AbortSignal): TritonCalls {
  const { url, version, apiKey, headers = {}, name = options.model, contextFields } = options;
  const { origin, pathname } = new URL(url);
  const shownUrl = `${origin}${pathname.replace(/\/+$/, '')}`;
  const secrets = [...(apiKey === undefined ? [] : [apiKey]), ...Object.values(headers).filter((one) => one.length > 3)];
  const http = tritonHttp(options);
  const models = new Map<string, AskedModel>(); // the model, and those of two tasks
  let running = 0;

  const request: TritonCalls['request'] = (ctx, work) =>
    new Observable((out) => {
      const { clock, context: scoped, deadlineMs: until, key: scopedKey } = currentScope();
      const { context = scoped, deadlineMs = until, key = scopedKey } = ctx ?? {};
      const own = new AbortController();
      const signal = AbortSignal.any([own.signal, closing]);
      const asked = {
        signal,
        headers: contextHttpHeaders(context, contextFields),
        leftMs: deadlineMs - clock.nowMs(),
        of: { context, key },
      };
      running += 1;
      out.add(() => {
        running -= 1;
        own.abort();
      });
      const run = async (): Promise<void> => {
        try {
          for await (const value of work(asked)) {
            if (out.closed) return;
            out.next(value);
          }
          out.complete();
        } catch (error) {
          out.error(
            signal.aborted ? abortReason(signal) : tritonError(error, { shownUrl, model: options.model, secrets, nowMs: clock.nowMs() }),
          );
        }
      };
      void run();
    });

  return {
    ...{ options, name, shownUrl, http, request },
    running: () => running,
    model: (asked = options.model) => {
      const known = models.get(asked);
      if (known !== undefined) return known;
      const versioned = version === undefined || asked !== options.model ? '' : `/versions/${encodeURIComponent(version)}`;
      const path = `/v2/models/${encodeURIComponent(asked)}${versioned}`;
      const made = { path, facts: modelFacts(http, path, shownUrl) };
      models.set(asked, made);
      return made;
    },
    estimated: estimator(name, shownUrl, log),
  };
}

/** Counts where the server does not, and says so once. */
function estimator(name: string, url: string, log: OpenContext['log']): TritonCalls['estimated'] {
  let warned = false;
  return (turns, outputTokens) => {
    if (!warned) log('warn', `model ${name}: the server tells no usage, tokens are counted by estimate`, { url });
    warned = true;
    const inputTokens = estimatePromptTokens(turns);
    return { inputTokens, cachedTokens: 0, outputTokens, totalTokens: inputTokens + outputTokens };
  };
}
