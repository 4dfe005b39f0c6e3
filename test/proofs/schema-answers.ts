import { catchError, EMPTY, from, lastValueFrom, map, mergeMap, type Observable, of, tap, toArray } from 'rxjs';
import type { z } from 'zod';
import { messageOf } from '../../src/errors.ts';
import { codeOf } from '../../src/classify.ts';
import type { Model } from '../../src/inference/model.ts';
import { openEmbedded } from '../helpers/embedded-model.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import { schemas } from './schema-answers/schemas.ts';
import { promptsFor } from './schema-answers/texts.ts';

export const name = 'schema-answers';
export const summary =
  '500 prompts against 10 schemas in turn (nested, lists, optional, unicode, numbers, unions, maps, tuples, dates, patterns): every answer of the embedded model is valid; about 10 min, --short 20 s for 10';

type Kind = keyof typeof schemas;

/** One answer, or why there was none. */
interface Answered {
  readonly kind: Kind;
  readonly repairs: number;
  readonly outputTokens: number;
  readonly text: string;
  readonly problem: string | undefined;
}

const sequences = 4;
/** Every answer of a schema of ours is shorter. */
const maxTokens = 600;

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const prompts = await promptsFor(short ? 10 : 500);
  const kinds = Object.keys(schemas) as Kind[];
  const { model, close } = await openEmbedded({ sequences, contextTokens: 1_024 });
  const startedMs = performance.now();
  let count = 0;
  try {
    const all = await lastValueFrom(
      from(prompts.map((prompt, at) => ({ prompt, kind: kinds[at % kinds.length] as Kind, at: Math.floor(at / kinds.length) }))).pipe(
        // every other one of a schema is answered by chance, so that more of its grammar is walked than the likeliest way
        mergeMap(
          ({ prompt, kind, at }) =>
            signal.aborted ? EMPTY : answered(model, kind, prompt, at % 2 === 0 ? {} : { temperature: 1, seed: at }),
          sequences,
        ),
        tap(({ problem, kind }) => {
          count += 1;
          if (problem !== undefined) say(`${kind}: ${problem}`);
          if (count % 50 === 0) say(`${String(count)} answers, ${String(Math.round((performance.now() - startedMs) / count))} ms each`);
        }),
        toArray(),
      ),
    );
    return judge(all, prompts.length, performance.now() - startedMs);
  } finally {
    await close();
  }
}

function answered(
  model: Model,
  kind: Kind,
  prompt: string,
  sampling: { readonly temperature?: number; readonly seed?: number },
): Observable<Answered> {
  const schema: z.ZodType = schemas[kind];
  return model.answer(prompt, { schema, repairs: 2, maxTokens, ...sampling }).pipe(
    map(({ value, repairs, usage }): Answered => {
      // what was parsed is looked at again, as somebody would who reads it from a topic
      const text = JSON.stringify(value);
      const checked = schema.safeParse(JSON.parse(text));
      const problem = checked.success ? undefined : `${text} does not fit`;
      return { kind, repairs, outputTokens: usage.outputTokens, text, problem };
    }),
    catchError((error: unknown) => {
      const problem = `${codeOf(error)}: ${messageOf(error)}`;
      return of({ kind, repairs: 0, outputTokens: 0, text: '', problem });
    }),
  );
}

function judge(all: readonly Answered[], prompts: number, tookMs: number): ExperimentResult {
  const finding = (what: string, measured: string, passes: string, pass: boolean): Finding => ({ what, measured, passes, pass });
  const kinds = Object.keys(schemas) as Kind[];
  const each = prompts / kinds.length;
  const bad = all.filter(({ problem }) => problem !== undefined);
  const repairs = all.reduce((sum, one) => sum + one.repairs, 0);
  const tokens = all.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const measured = [
    finding('answers asked for', String(all.length), String(prompts), all.length === prompts),
    ...kinds.map((kind) => {
      const own = all.filter((one) => one.kind === kind);
      const valid = own.filter(({ problem }) => problem === undefined);
      const different = new Set(valid.map(({ text }) => text)).size;
      return finding(
        `${kind}: valid, of them different`,
        `${String(valid.length)}, ${String(different)}`,
        String(each),
        valid.length === each,
      );
    }),
    finding(
      'answers that are not valid',
      [...new Set(bad.map(({ problem }) => problem))].slice(0, 5).join('; ') || '0',
      '0',
      bad.length === 0,
    ),
    finding('repairs', String(repairs), '', true),
    finding(
      'an answer',
      `${String(Math.round(tokens / Math.max(1, all.length)))} tokens, ${String(Math.round(tookMs / Math.max(1, all.length)))} ms`,
      '',
      true,
    ),
  ];
  return { measured, pass: true };
}
