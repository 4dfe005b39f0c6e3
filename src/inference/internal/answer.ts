import type { StandardSchemaV1 } from '@standard-schema/spec';
import { concatMap, defer, from, type Observable, of, throwError } from 'rxjs';
import { type CallContext, type CallScope, currentScope } from '../../call.ts';
import { InferenceError, OptionError, requireInteger } from '../../errors.ts';
import { requireStandardSchema } from '../../standard-schema.ts';
import type { Answer, AnswerOptions, ChatTurn, JsonSchema, ModelBackend, Usage } from '../model.ts';
import { type ResolvedChatOptions, resolveChatOptions } from './chat-options.ts';
import { checkAnswer, type Misfit } from './check-answer.ts';
import { addUsage, collect, type Reply } from './collect.ts';
import { jsonSchemaOf } from './json-schema-of.ts';
import { withInstruction } from './prompt.ts';
import { withinScope } from './within-scope.ts';

/** More rounds than this have never been seen to help; each is a whole call. */
const mostRepairs = 10;

/** How much of a bad answer, and of the validator's words, a repair shows again, in characters. */
const shownAnswer = 4_000;
const shownWords = 2_000;

interface Plan {
  readonly backend: ModelBackend;
  readonly turns: readonly ChatTurn[];
  readonly schema: StandardSchemaV1;
  readonly options: ResolvedChatOptions;
  readonly repairs: number;
  readonly ctx: CallContext | undefined;
  /** Of the call: an answer may come on another one's stack, as those of processes do. */
  readonly scope: CallScope;
}

/**
 * One typed answer: constrained where the back end can, asked for in words where not, parsed and validated always. A
 * repair is a call of its own that shows the last bad answer, so a prompt does not grow with the rounds.
 * @throws OptionError at the call for options out of range.
 */
export function answerWith<S extends StandardSchemaV1>(
  backend: ModelBackend,
  turns: readonly ChatTurn[],
  options: AnswerOptions<S>,
  ctx: CallContext | undefined,
): Observable<Answer<StandardSchemaV1.InferOutput<S>>> {
  const { jsonSchema: given, ...resolved } = resolveChatOptions(options, 'answer');
  const { schema, repairs = 0 } = options;
  if (resolved.tools !== undefined) throw new OptionError('answer takes no tools: a call of one is no value of its schema; use chat');
  requireStandardSchema('schema', schema);
  requireInteger('repairs', repairs, 0, mostRepairs);
  const jsonSchema = given ?? jsonSchemaOf(schema);
  const constrained = jsonSchema !== undefined && backend.capabilities.jsonSchema;
  const plan: Omit<Plan, 'scope'> = {
    backend,
    turns: constrained ? turns : withInstruction(turns, inWords(jsonSchema)),
    schema,
    options: constrained ? { ...resolved, jsonSchema } : resolved,
    repairs,
    ctx,
  };
  return defer(() => ask({ ...plan, scope: currentScope() }, plan.turns, 0, undefined));
}

const inWords = (jsonSchema: JsonSchema | undefined): string =>
  jsonSchema === undefined
    ? 'Answer with one JSON value and no other text.'
    : `Answer with one JSON value and no other text. It must obey this JSON Schema:\n${JSON.stringify(jsonSchema)}`;

function ask(plan: Plan, turns: readonly ChatTurn[], round: number, before: Usage | undefined): Observable<Answer<unknown>> {
  const { backend, options, schema, repairs, ctx, scope } = plan;
  return backend.chat(turns, options, ctx).pipe(
    collect(),
    concatMap((reply) => {
      const usage = before === undefined ? reply.usage : addUsage(before, reply.usage);
      const settle = (checked: Checked): Observable<Answer<unknown>> => {
        if ('value' in checked) return of({ value: checked.value, usage, model: reply.model ?? backend.name, repairs: round });
        if (round >= repairs) return throwError(() => checked.error(round));
        scope.tries.repairs += 1; // the record's history counts every call that was made for it
        return withinScope(scope, ask(plan, repairTurns(plan.turns, reply, checked), round + 1, usage));
      };
      const failure = unusable(reply, options.maxTokens);
      if (failure !== undefined) return throwError(() => failure);
      const checked = checkAnswer(reply, schema, options.maxTokens);
      return checked instanceof Promise ? from(checked).pipe(concatMap(settle)) : settle(checked);
    }),
  );
}

type Checked = { readonly value: unknown } | Misfit;

/** What no repair can mend: asking a model that declined, with its refusal shown, only costs. */
function unusable(reply: Reply, maxTokens: number): InferenceError | undefined {
  if (reply.finishReason === 'refused')
    return new InferenceError('answer_refused', 'expected an answer, but the model declined, or its provider filtered it');
  if (reply.finishReason === 'length' || reply.text.trim() !== '') return undefined;
  return new InferenceError('answer_empty', `expected an answer of up to ${String(maxTokens)} tokens, got none`);
}

function repairTurns(turns: readonly ChatTurn[], reply: Reply, { words }: Misfit): readonly ChatTurn[] {
  const content = `That answer cannot be used: ${clip(words, shownWords)}\nAnswer again: one JSON value that fits, and no other text.`;
  return [...turns, { role: 'assistant', content: clip(reply.text, shownAnswer) }, { role: 'user', content }];
}

const clip = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most)} …`);
