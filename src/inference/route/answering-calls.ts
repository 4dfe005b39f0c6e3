import type { StandardSchemaV1 } from '@standard-schema/spec';
import { concatMap, defer, from, map, type MonoTypeOperatorFunction, type Observable, of, throwError, toArray } from 'rxjs';
import type { CallContext } from '../../call.ts';
import { resolveChatOptions } from '../internal/chat-options.ts';
import { addUsage, noUsage } from '../internal/collect.ts';
import type { Answer, ChatChunk, ChatOptions, Classification, Model, Prompt, Usage } from '../model.ts';
import type { Trouble } from './answering-options.ts';
import { type AnsweringRules, HeldText, type Kind, mendedCall } from './mended-call.ts';
import { addedToChunk } from './spent.ts';
import type { Asking } from './ways-out.ts';

/** The calls of a model that goes on where something is the matter with an answer. */
export function answeringCalls(rules: AnsweringRules): Pick<Model, 'chat' | 'complete' | 'answer' | 'classify'> {
  const { ways } = rules;
  const isHeld = ways.answer_truncated.length + ways.answer_refused.length + ways.answer_empty.length > 0;
  const stream = (
    prompt: Prompt,
    options: ChatOptions | undefined,
    ctx: CallContext | undefined,
    work: (asking: Asking, options: ChatOptions) => Observable<ChatChunk>,
  ): Observable<ChatChunk> =>
    mendedCall<ChatChunk>(
      {
        prompt,
        maxTokens: resolveChatOptions(options).maxTokens,
        ask: (asking) => work(asking, withLength(options ?? {}, asking)).pipe(isHeld ? held() : asItComes()),
        added: (chunk, asking) => (chunk.usage === undefined ? chunk : withSteps(addedToChunk(chunk, asking.spent), asking)),
        instead: (text, { model: { name: model } }) =>
          of(typeof text === 'string' ? [{ text, index: 0, usage: noUsage, finishReason: 'stop', model }] : []),
        ctx,
      },
      rules,
    );
  return {
    chat: (prompt, options, ctx) => stream(prompt, options, ctx, (asking, given) => asking.model.chat(asking.prompt, given, ctx)),
    complete: (text, options, ctx) => stream(text, options, ctx, (asking, given) => asking.model.complete(text, given, ctx)),
    answer: (prompt, options, ctx) => {
      type Answered = Answer<StandardSchemaV1.InferOutput<typeof options.schema>>;
      const kind: Kind<Answered> = {
        prompt,
        maxTokens: resolveChatOptions(options, 'answer').maxTokens,
        ask: (asking) => asking.model.answer(asking.prompt, withLength(options, asking), ctx),
        added: withUse,
        instead: (value, { model: { name: model } }) =>
          defer(() => Promise.resolve(options.schema['~standard'].validate(value))).pipe(
            map((result) => (result.issues === undefined ? [{ value: result.value, usage: noUsage, model, repairs: 0 }] : [])),
          ),
        ctx,
      };
      return mendedCall(kind, rules);
    },
    classify: <const L extends string>(prompt: Prompt, options: { readonly labels: readonly L[] }, ctx?: CallContext) =>
      mendedCall<Classification<L>>(
        {
          prompt,
          maxTokens: undefined,
          ask: (asking) => asking.model.classify(asking.prompt, options, ctx),
          added: withUse,
          instead: (value, { model: { name: model } }) => {
            const label = options.labels.find((one) => one === value);
            return of(label === undefined ? [] : [{ label, confidence: 0, probabilities: undefined, usage: noUsage, model }]);
          },
          ctx,
        },
        rules,
      ),
  };
}

const withLength = <T extends ChatOptions>(options: T, { maxTokens }: Asking): T =>
  maxTokens === undefined ? options : { ...options, maxTokens };

const withSteps = <T extends object>(value: T, { steps }: Asking): T => (steps.length === 0 ? value : { ...value, degraded: steps });

const withUse = <T extends { readonly usage: Usage }>(value: T, asking: Asking): T =>
  withSteps({ ...value, usage: addUsage(asking.spent.usage, value.usage) }, asking);

const asItComes = (): MonoTypeOperatorFunction<ChatChunk> => (source) => source;

/** A whole text at once; one that ends in trouble as an error. */
const held = (): MonoTypeOperatorFunction<ChatChunk> => (source) =>
  source.pipe(
    toArray(),
    concatMap((chunks) => {
      const trouble = troubleIn(chunks);
      return trouble === undefined ? from(chunks) : throwError(() => new HeldText(trouble, chunks));
    }),
  );

function troubleIn(chunks: readonly ChatChunk[]): Trouble | undefined {
  const finishReason = chunks.at(-1)?.finishReason;
  if (finishReason === 'refused') return 'answer_refused';
  if (finishReason === 'length') return 'answer_truncated';
  return chunks.every(({ text }) => text.trim() === '') ? 'answer_empty' : undefined;
}
