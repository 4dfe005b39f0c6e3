import { catchError, defer, from, map, type Observable, of, throwError, toArray } from 'rxjs';
import { type CallContext, currentScope } from '../../call.ts';
import { isStreamError } from '../../errors.ts';
import { definePrompt } from '../define-prompt.ts';
import { collect } from '../internal/collect.ts';
import type { Slots } from '../internal/slots-of.ts';
import type { Model, PreparedPrompt } from '../model.ts';
import type { Summarise } from './answering-options.ts';
import { concatInScope } from './spent.ts';

const summaryOf = definePrompt<string>({
  name: 'millrace-summary',
  version: '1',
  system: 'You shorten texts. You keep facts, names, numbers and opinions, and add nothing.',
  user: ['Summarise this text in a few sentences:', (text) => text],
});
const usual = { tokens: 200, pieceTokens: 2_000, mostCalls: 32 } as const;
/** Of a context that a count of tokens fills, so much is left for what counts leave out. */
const caution = 0.9;
/** A summary that is longer than that share of its text gets nowhere. */
const leastGain = 0.9;
const mostRounds = 4;

export interface Summarising {
  readonly model: Model;
  readonly contextTokens: number | undefined;
  readonly slots: Slots;
  /** Most tokens of the whole prompt; undefined where nobody knows: then each slot is summarised once. */
  readonly room: number | undefined;
  readonly options: Summarise['summarise'];
  readonly ctx: CallContext | undefined;
}

/**
 * Emits the prompt with summaries in place of its longest texts, as many as it takes to fit, or undefined where that does not help: it would take more calls than allowed, a summary
 * is no shorter than its text, or the model gives none. Summaries of pieces are joined, and summarised again if they are still too long. Holds the texts.
 */
export function summariseSlots(asked: Summarising): Observable<PreparedPrompt | undefined> {
  const { model, room, slots, options } = asked;
  let callsLeft = options.mostCalls ?? usual.mostCalls;
  const round = (texts: readonly string[], rounds: number): Observable<PreparedPrompt | undefined> => {
    const longest = texts.reduce((best, text, at) => (text.length > (texts[best] ?? '').length ? at : best), 0);
    const text = texts[longest] ?? '';
    return piecesOf(asked, text).pipe(
      concatInScope((pieces) => {
        if (text === '' || rounds === 0 || pieces === undefined || pieces.length > callsLeft) return of(undefined);
        callsLeft -= pieces.length;
        return from(pieces).pipe(
          concatInScope((piece) => summary(asked, piece)),
          toArray(),
          concatInScope((summaries) => {
            const shorter = summaries.join('\n');
            if (summaries.includes('') || shorter.length > text.length * leastGain) return of(undefined);
            const next = texts.map((one, at) => (at === longest ? shorter : one));
            const prompt = slots.refilled(next);
            if (room === undefined) return of(prompt);
            return model.countTokens(prompt).pipe(concatInScope((tokens) => (tokens <= room ? of(prompt) : round(next, rounds - 1))));
          }),
        );
      }),
    );
  };
  return defer(() => round(slots.texts, mostRounds));
}

/** A summary, or nothing where the model gives none; one that was cut off is a summary of the beginning. */
function summary({ model, options, ctx }: Summarising, piece: string): Observable<string> {
  return defer(() => {
    currentScope().tries.repairs += 1; // the record's history counts every call that was made for it
    return model.chat((options.prompt ?? summaryOf)(piece), { maxTokens: options.tokens ?? usual.tokens }, ctx).pipe(
      collect(),
      map(({ text, finishReason }) => (finishReason === 'refused' ? '' : text.trim())),
      // pieces are cut by the mean: one may have more tokens than its share
      catchError((error: unknown) =>
        isStreamError(error) && error.code === 'prompt_too_long' ? of('') : throwError(() => error as Error),
      ),
    );
  });
}

/** The text in pieces that the model has room for; undefined where there is room for none. */
function piecesOf({ model, contextTokens, options }: Summarising, text: string): Observable<readonly string[] | undefined> {
  const ask = options.prompt ?? summaryOf;
  const tokens = options.tokens ?? usual.tokens;
  return model.countTokens(ask('')).pipe(
    concatInScope((fixed) =>
      model.countTokens(ask(text)).pipe(
        map((all) => {
          const hasRoomFor = contextTokens === undefined ? usual.pieceTokens : Math.floor((contextTokens - tokens) * caution) - fixed;
          const most = Math.min(options.pieceTokens ?? Infinity, hasRoomFor);
          return most < 1 ? undefined : split(text, Math.ceil((all - fixed) / most));
        }),
      ),
    ),
  );
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** In `count` pieces, or one more, of about equal length; never within a character. */
function split(text: string, count: number): readonly string[] {
  const length = Math.max(1, Math.ceil(text.length / Math.max(1, count)));
  const segments = graphemes.segment(text);
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const to = from + length >= text.length ? text.length : (segments.containing(from + length)?.index ?? text.length);
    const end = to > from ? to : text.length; // one character, longer than a piece
    pieces.push(text.slice(from, end));
    from = end;
  }
  return pieces;
}
