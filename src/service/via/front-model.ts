import { filter, map, type Observable, of, reduce } from 'rxjs';
import { currentScope } from '../../call.ts';
import { completeModel } from '../../inference/complete-model.ts';
import type { BackendChunk, ChatTurn, Embedding, Model, ModelCapabilities } from '../../inference/model.ts';
import type { AnswerPiece } from '../answer-piece.ts';
import type { FrontAnswer, ViaFront } from './via-front.ts';

/** What is known of the model behind the topic. */
export interface KnownModel {
  readonly name: string;
  readonly capabilities: ModelCapabilities;
}

export interface FrontModelOptions {
  /** Calls at once. */
  readonly maxOpen: number;
  /** Absent where the model is elsewhere: then tokens are estimated. */
  readonly countTokens: ((turns: readonly ChatTurn[]) => Observable<number>) | undefined;
}

const longestMs = 600_000;
const charactersPerToken = 4;

/** A model whose calls are made through a front. A piece that says `anew` begins its answer anew. */
export function frontModel(front: ViaFront, { name, capabilities }: KnownModel, { maxOpen, countTokens }: FrontModelOptions): Model {
  return completeModel({
    name,
    capabilities: { ...capabilities, reranking: false, tensors: false, tools: capabilities.tools === true, logProbabilities: false },
    chat: (turns, options) => pieces(front.ask({ kind: 'chat', ...asked(), turns: turns.map(plainTurn), options: { ...options } })),
    complete: (text, options) => pieces(front.ask({ kind: 'complete', ...asked(), text, options: { ...options } })),
    embed: (texts) => vectors(front.ask({ kind: 'embed', ...asked(), texts: [...texts] })),
    countTokens:
      countTokens ?? ((turns) => of(turns.reduce((sum, { content }) => sum + Math.ceil(content.length / charactersPerToken), 0))),
    state: () => of({ running: front.open, waiting: 0, slots: maxOpen }),
  });
}

function asked(): { readonly deadlineAtMs: number } {
  const { clock, deadlineMs } = currentScope();
  return { deadlineAtMs: Math.min(deadlineMs, clock.nowMs() + longestMs) };
}

/** Lists that may be written to. */
const plainTurn = ({ toolCalls, ...turn }: ChatTurn) => ({ ...turn, ...(toolCalls === undefined ? {} : { toolCalls: [...toolCalls] }) });

type Piece = BackendChunk & Pick<AnswerPiece, 'anew'>;

function pieces(answers: Observable<FrontAnswer>): Observable<Piece> {
  return answers.pipe(
    map((answer, index): Piece | undefined => {
      if (answer.kind === 'anew') return { text: '', index, tokenCount: 0, anew: true };
      if (answer.kind === 'piece') {
        const { text, tokenCount, tokens, toolCalls } = answer;
        return {
          ...{ text, index },
          ...(tokenCount === undefined ? {} : { tokenCount }),
          ...(tokens === undefined ? {} : { tokens }),
          ...(toolCalls === undefined ? {} : { toolCalls }),
        };
      }
      if (answer.kind !== 'end') return undefined;
      const { text, tokenCount, usage, finishReason, model } = answer;
      return { text, index, ...(tokenCount === undefined ? {} : { tokenCount }), usage, finishReason, model };
    }),
    filter((piece) => piece !== undefined),
  );
}

interface Gathered {
  readonly vectors: readonly Embedding[];
}

function vectors(answers: Observable<FrontAnswer>): Observable<readonly Embedding[]> {
  return answers.pipe(
    reduce<FrontAnswer, Gathered>(
      (gathered, answer) => {
        if (answer.kind === 'anew') return { vectors: [] };
        if (answer.kind !== 'vectors') return gathered;
        const { model, tokens } = answer;
        const some = answer.vectors.map((text, i): Embedding => {
          const inputTokens = i === 0 ? tokens : 0; // of all of them: only their sum is told
          return { vector: floatsOf(text), usage: { inputTokens, cachedTokens: 0, outputTokens: 0, totalTokens: inputTokens }, model };
        });
        return { vectors: [...gathered.vectors, ...some] };
      },
      { vectors: [] },
    ),
    map((gathered) => gathered.vectors),
  );
}

/** A copy, so that the numbers lie where numbers may. */
const floatsOf = (text: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);
