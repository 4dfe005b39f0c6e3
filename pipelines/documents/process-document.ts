import { call, type CallContext, classify, type Clock, isAbortError, isStreamError, messageOf } from 'millrace';
import type { DocumentSource } from 'millrace';
import { catchError, concatMap, defer, forkJoin, from, map, mergeMap, type Observable, of, toArray } from 'rxjs';
import { ask, type AskedModel, type AskParts, type Heard } from './ask.ts';
import { compareAnswers } from './compare-answers.ts';
import type { DocumentInput, DocumentReference, DocumentResult, Failure, Missing } from './document.ts';
import type { Json } from './merge/merge-extractions.ts';
import { type PreparedDocument, readWhole } from './read-whole.ts';
import { type Room, tokensOf } from './room.ts';
import type { ResolvedSettings } from './settings.ts';
import type { MergeTools, Part, Piece, Question, Task } from './tasks/task.ts';
import { Tally } from './tally.ts';

export interface ProcessParts extends AskParts {
  readonly clock: Clock;
  readonly tasks: readonly Task[];
  /** The first one's answers count; the others are asked beside it, and compared. */
  readonly models: readonly AskedModel[];
  readonly room: Room;
  readonly settings: ResolvedSettings;
}

/** Of a document's chunks, those that are asked about at once; calls are bounded by their permits. */
const sideBySide = 16;

/**
 * Reads a document, makes chunks of it, asks about each, and puts the answers together. One cold call, that emits one answer: what is wrong with the document, or with its calls, is told in
 * it. Fails only with what concerns all documents (grade `pipeline`), and with an AbortError.
 */
export function processDocument(
  reference: DocumentReference,
  source: DocumentSource,
  parts: ProcessParts,
  ctx: CallContext,
): Observable<DocumentResult> {
  const { run, place, id } = reference;
  return defer(() => {
    const { clock, settings } = parts;
    const startedMs = clock.nowMs();
    const tally = new Tally();
    let input: DocumentInput = { id, name: source.name, ...(source.line === undefined ? {} : { line: source.line }) };
    const answer = (rest: Omit<DocumentResult, 'run' | 'place' | 'input' | 'usage' | 'ms'>): DocumentResult => {
      const { usage, degraded } = tally;
      const ms = Math.round(clock.nowMs() - startedMs);
      return { run, place, ...rest, input, ...(degraded.length > 0 && { degraded }), usage, ms };
    };
    return call(() => readWhole(source, settings.maxDocumentBytes)).pipe(
      concatMap((document) => {
        input = document.input;
        return new Work(document, parts, ctx, tally).done();
      }),
      map((done) => answer(statusOf(done))),
      catchError((error: unknown) => {
        if (stopsAll(error)) throw error;
        return of(answer({ status: 'error', error: failureOf(error) }));
      }),
    );
  });
}

/** What came of the tasks, each by all of the models. */
interface Done {
  readonly result: Readonly<Record<string, Json>>;
  readonly missing: readonly Missing[];
}

function statusOf({ result, missing }: Done): Pick<DocumentResult, 'status' | 'result' | 'error' | 'partial'> {
  const [first] = missing;
  if (Object.keys(result).length > 0) return { status: 'success', result, ...(first && { partial: missing }) };
  return { status: 'error', error: first?.error ?? { code: 'no_result', message: 'there was nothing to do' } };
}

const stopsAll = (error: unknown): boolean => isAbortError(error) || classify(error) === 'pipeline';

const failureOf = (error: unknown): Failure => ({
  code: isStreamError(error) ? error.code : codeIn(error),
  message: messageOf(error),
});

/** The system's own: ENOENT, EACCES. */
const codeIn = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'call_failed';

/** What one model made of one task. */
interface ByModel {
  readonly value: Json | undefined;
  readonly missing: Missing | undefined;
}

/** The tasks on one document. */
class Work {
  readonly #document: PreparedDocument;
  readonly #parts: ProcessParts;
  readonly #ctx: CallContext;
  readonly #tally: Tally;

  constructor(document: PreparedDocument, parts: ProcessParts, ctx: CallContext, tally: Tally) {
    this.#document = document;
    this.#parts = parts;
    this.#ctx = ctx;
    this.#tally = tally;
  }

  done(): Observable<Done> {
    const { tasks } = this.#parts;
    return forkJoin(tasks.map((task) => this.#task(task))).pipe(
      map((all) => ({
        result: Object.fromEntries(all.flatMap(({ entries }) => entries)),
        missing: all.flatMap(({ missing }) => missing),
      })),
    );
  }

  #task(task: Task): Observable<{ readonly entries: readonly (readonly [string, Json])[]; readonly missing: readonly Missing[] }> {
    const { models } = this.#parts;
    return forkJoin(models.map((one) => this.#byModel(task, one))).pipe(
      map((all) => {
        const value = all.find((one) => one.value !== undefined)?.value;
        const missing = all.flatMap((one) => one.missing ?? []);
        if (value === undefined) return { entries: [], missing };
        const answers = all.flatMap((one, at) => (one.value === undefined ? [] : [{ model: models[at]?.name ?? '', answer: one.value }]));
        const compared = answers.map(({ model, answer }) => ({ model, answer, similarity: compareAnswers(task.kind, value, answer) }));
        return { entries: [[task.label, models.length === 1 ? value : { answer: value, compared }]], missing };
      }),
    );
  }

  /** Chunks without an answer are left out of it, and told; without any there is none. */
  #byModel(task: Task, asked: AskedModel): Observable<ByModel> {
    const failed: Failure[] = [];
    return from(this.#pieces(task, asked)).pipe(
      concatMap((pieces) =>
        from(pieces).pipe(
          mergeMap((piece) => this.#piece(task, asked, piece, failed), sideBySide),
          toArray(),
          concatMap((found) => {
            const [first] = failed;
            const missing = first && { task: task.label, chunks: failed.length, of: pieces.length, error: first };
            if (found.length === 0) return of({ value: undefined, missing });
            const inOrder = found.sort((a, b) => a.index - b.index);
            const notMerged: Missing[] = [];
            const onFailed = (step: string, error: Failure): number =>
              notMerged.push({ task: task.label, chunks: failed.length, of: pieces.length, step, error });
            return task.merge(inOrder, this.#tools(asked, onFailed)).pipe(map((value) => ({ value, missing: missing ?? notMerged[0] })));
          }),
        ),
      ),
      catchError((error: unknown) => {
        if (stopsAll(error)) throw error;
        return of({ value: undefined, missing: { task: task.label, chunks: 1, of: 1, error: failureOf(error) } });
      }),
    );
  }

  #piece(task: Task, asked: AskedModel, piece: Piece, failed: Failure[]): Observable<Part> {
    return this.#ask(asked, task.question, piece.text).pipe(
      map(({ value }) => ({ index: piece.index, tokens: piece.tokens, value })),
      catchError((error: unknown) => {
        if (stopsAll(error)) throw error;
        failed.push(failureOf(error));
        return [];
      }),
    );
  }

  #ask(asked: AskedModel, question: Question, text: string): Observable<Heard> {
    return ask(asked, question, text, this.#parts, this.#ctx).pipe(map((heard) => this.#tally.heard(heard)));
  }

  async #pieces(task: Task, { model }: AskedModel): Promise<readonly Piece[]> {
    const { room, settings } = this.#parts;
    const maxTokens = await room.ofChunk(model, task);
    const overlapTokens = task.mayOverlap ? Math.min(settings.overlapTokens, Math.floor(maxTokens / 2)) : 0;
    return this.#document.pieces({ maxTokens, overlapTokens, model });
  }

  #tools(asked: AskedModel, onFailed: (step: string, error: Failure) => void): MergeTools {
    const { room } = this.#parts;
    return {
      ask: (question, text) =>
        this.#ask(asked, question, text).pipe(
          map(({ value }) => value),
          catchError((error: unknown) => {
            if (stopsAll(error)) throw error;
            onFailed(question.step, failureOf(error));
            return of(undefined);
          }),
        ),
      countTokens: (text) => tokensOf(asked.model, text),
      room: (question) => room.of(asked.model, question),
    };
  }
}
