import { ignoreElements, type Observable, tap } from 'rxjs';
import { isStreamError, messageOf, StreamError } from '../../errors.ts';
import type { ChatChunk, ChatOptions, Embedding, Model } from '../../inference/model.ts';
import { withoutSecrets } from '../../without-secrets.ts';
import type { UnplacedAnswer } from './answer-writer.ts';
import type { ViaRequest } from './via-topics.ts';

/** What comes of a run, without the names that it goes by. */
export type RunAnswer = UnplacedAnswer extends infer One ? (One extends UnplacedAnswer ? Omit<One, 'id' | 'run'> : never) : never;

const vectorsAtOnce = 64; // a record of 64 vectors of 1,536 numbers is half a megabyte

/** Asks the model, and tells what it answers piece by piece. Unsubscribing stops the model. */
export function runAnswers(model: Model, request: ViaRequest, tell: (answer: RunAnswer) => void): Observable<never> {
  switch (request.kind) {
    case 'chat':
      return model.chat(request.turns, request.options as ChatOptions).pipe(
        tap((chunk) => tellPiece(model, chunk, tell)),
        ignoreElements(),
      );
    case 'complete':
      return model.complete(request.text, request.options as ChatOptions).pipe(
        tap((chunk) => tellPiece(model, chunk, tell)),
        ignoreElements(),
      );
    case 'embed':
      return model.embed(request.texts).pipe(
        tap((all) => tellVectors(all, tell)),
        ignoreElements(),
      );
  }
}

function tellPiece(model: Model, chunk: ChatChunk, tell: (answer: RunAnswer) => void): void {
  const { text, tokenCount, tokens = [], toolCalls = [], usage, finishReason = 'stop', model: by = model.name } = chunk;
  const counted = tokenCount === undefined ? {} : { tokenCount };
  const isLast = usage !== undefined;
  const hasTokens = tokens.length > 0;
  if (!isLast || hasTokens || toolCalls.length > 0)
    tell({
      ...{ kind: 'piece', text: isLast ? '' : text },
      ...(!isLast || hasTokens ? counted : {}),
      ...(hasTokens ? { tokens: tokens.map((one) => ({ ...one, top: [...one.top] })) } : {}),
      ...(toolCalls.length > 0 ? { toolCalls: [...toolCalls] } : {}),
    });
  if (isLast) tell({ kind: 'end', text, ...(hasTokens ? {} : counted), usage: { ...usage }, finishReason, model: by });
}

function tellVectors(all: readonly Embedding[], tell: (answer: RunAnswer) => void): void {
  for (let at = 0; at < all.length; at += vectorsAtOnce) {
    const some = all.slice(at, at + vectorsAtOnce);
    const vectors = some.map(({ vector }) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'));
    tell({ kind: 'vectors', vectors, tokens: some.reduce((sum, { usage }) => sum + usage.inputTokens, 0), model: some[0]?.model ?? '' });
  }
  tell({ kind: 'done' });
}

/** An error as it is told to servers: never a secret, never a stack. */
export function failedAnswer(error: unknown): Extract<RunAnswer, { readonly kind: 'failed' }> {
  const { code, retryAfterMs } = isStreamError(error) ? error : new StreamError('call_failed', messageOf(error));
  return { kind: 'failed', code, message: withoutSecrets(messageOf(error)), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
