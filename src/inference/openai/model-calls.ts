import type OpenAI from 'openai';
import { Observable } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { abortReason } from '../../clock.ts';
import type { OpenContext } from '../../resource.ts';
import { estimatePromptTokens } from '../internal/estimate-tokens.ts';
import type { ChatTurn, Usage } from '../model.ts';
import type { RequestSettings } from './chat-request.ts';
import { contextHttpHeaders } from '../internal/context-http-headers.ts';
import { idempotencyKey } from './idempotency-key.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { openAiError } from './openai-error.ts';
import { isRecord } from './plain-errors.ts';
import { requestSettings } from './request-settings.ts';
import { serverProfiles } from './server-profile.ts';

/** What a back end works with. */
export interface OpenAiConnection {
  readonly client: OpenAI;
  readonly name: string;
  readonly shownUrl: string;
  readonly options: OpenAiCompatibleOptions;
  readonly log: OpenContext['log'];
  /** Aborted when the resource is closed. */
  readonly closing: AbortSignal;
}

/** What goes with each request beside its body. */
export interface Asked {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request as a cold call: `work` emits what it makes of the answer; unsubscribing closes the connection. */
export type Request = <T>(ctx: CallContext | undefined, body: unknown, work: (asked: Asked) => AsyncIterable<T>) => Observable<T>;

/** What the calls of one model share. */
export interface ModelCalls extends OpenAiConnection {
  readonly request: Request;
  /** Counts where the server does not. */
  readonly estimated: (turns: readonly ChatTurn[], outputTokens: number) => Usage;
  readonly settings: RequestSettings;
}

export function modelCalls(connection: OpenAiConnection): ModelCalls {
  const settings = requestSettings(connection.options);
  return { ...connection, request: requester(connection), estimated: estimator(connection), settings };
}

/** Servers without usage send about one token a piece, some several. */
export const outputOf = (pieces: number, chars: number): number => Math.max(pieces, Math.ceil(chars / 4));

const requester =
  ({ options: { model, apiKey, contextFields, idempotency = false, server = 'generic' }, shownUrl, closing }: OpenAiConnection): Request =>
  <T>(ctx: CallContext | undefined, body: unknown, work: (asked: Asked) => AsyncIterable<T>) =>
    new Observable<T>((out) => {
      const { closesStreams } = serverProfiles[server];
      const { clock, context, position, attempt } = currentScope();
      const key = idempotency ? idempotencyKey(ctx ?? { position, attempt }, body) : undefined;
      const headers = {
        ...contextHttpHeaders(ctx?.context ?? context, contextFields),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(closesStreams && isRecord(body) && body['stream'] === true ? { connection: 'close' } : {}),
      };
      const own = new AbortController();
      const signal = AbortSignal.any([own.signal, closing]);
      out.add(() => {
        own.abort();
      });
      const run = async (): Promise<void> => {
        try {
          for await (const value of work({ signal, headers })) {
            if (out.closed) return;
            out.next(value);
          }
          out.complete();
        } catch (error) {
          // the client ends an aborted stream as if the server had: what looks like a cut is our own doing
          out.error(signal.aborted ? abortReason(signal) : openAiError(error, { shownUrl, model, apiKey, nowMs: clock.nowMs() }));
        }
      };
      void run();
    });

/** Counts where the server does not, and says so once. */
function estimator({ name, shownUrl, log }: OpenAiConnection): (turns: readonly ChatTurn[], outputTokens: number) => Usage {
  let warned = false;
  return (turns, outputTokens) => {
    if (!warned) log('warn', `model ${name}: the server sends no usage, tokens are counted by estimate`, { baseUrl: shownUrl });
    warned = true;
    const inputTokens = estimatePromptTokens(turns);
    return { inputTokens, cachedTokens: 0, outputTokens, totalTokens: inputTokens + outputTokens };
  };
}
