import { InferenceError } from '../../errors.ts';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import type { Embedding, ModelBackend, Tensor, Usage } from '../model.ts';
import { askTensors } from './ask-tensors.ts';
import { isText } from './data-type.ts';
import type { ModelFacts } from './model-facts.ts';
import type { Asked, TritonCalls } from './triton-calls.ts';
import type { ClassifyTask, TensorTask } from './triton-options.ts';

const usageOf = (inputTokens: number): Usage => ({ inputTokens, cachedTokens: 0, outputTokens: 0, totalTokens: inputTokens });

/** Vectors of texts, by a model whose output has a row for each. Token counts are estimates. */
export const embedding = (calls: TritonCalls, task: TensorTask): Pick<ModelBackend, 'embed'> => ({
  embed: (texts, ctx) =>
    calls.request(ctx, async function* (asked) {
      const rows = await rowsOf(calls, asked, task, texts);
      yield rows.map(
        (row, index): Embedding => ({
          vector: Float32Array.from(row),
          usage: usageOf(estimateTokens(texts[index] ?? '')),
          model: task.model ?? calls.name,
        }),
      );
    }),
});

/** Log-probabilities of labels, by a model whose output has a column for each. */
export const classification = (calls: TritonCalls, task: ClassifyTask): Pick<ModelBackend, 'labelLogProbabilities'> => ({
  labelLogProbabilities: (turns, labels, ctx) =>
    calls.request(ctx, async function* (asked) {
      const columns = labels.map((label) => task.labels.indexOf(label));
      const unknown = labels[columns.indexOf(-1)];
      if (columns.includes(-1))
        throw new InferenceError(
          'capability_missing',
          `expected labels of tasks.classify (${task.labels.join(', ')}), got ${JSON.stringify(unknown)}`,
        );
      const [row = []] = await rowsOf(calls, asked, task, [turns.map(({ content }) => content).join('\n\n')]);
      if (row.length !== task.labels.length)
        throw new InferenceError(
          'model_failed',
          `expected ${String(task.labels.length)} columns of output ${task.output}, one for each of tasks.classify.labels, got ${String(row.length)}`,
        );
      const told = columns.map((column) => row[column] ?? Number.NaN);
      if (!told.every((one) => !Number.isNaN(one)))
        throw new InferenceError('model_failed', `expected numbers in output ${task.output}, got NaN`);
      yield {
        logProbabilities: task.scores === 'probabilities' ? told.map((one) => Math.log(Math.max(one, Number.MIN_VALUE))) : told,
        usage: usageOf(estimatePromptTokens(turns)),
      };
    }),
});

/** A row of the output for each text, in as many requests as the model's largest batch makes them. */
async function rowsOf(
  calls: TritonCalls,
  asked: Asked,
  { model, input, output }: TensorTask,
  texts: readonly string[],
): Promise<readonly (readonly number[])[]> {
  const facts = await calls.model(model).facts.get(asked.signal);
  const { most, shapeOf } = inputForm(facts, input);
  const rows: (readonly number[])[] = [];
  for (let at = 0; at < texts.length; at += most) {
    const part = texts.slice(at, at + most);
    const tensors = await askTensors(calls, asked, {
      model,
      inputs: [{ name: input, shape: shapeOf(part.length), data: part }],
      outputs: [{ name: output }],
    });
    const found = tensors.find(({ name }) => name === output);
    if (found !== undefined) rows.push(...matrix(found, part.length));
  }
  return rows;
}

/** How many texts go at once, and in which shape. @throws InferenceError `capability_missing` for an input that is not there or takes no texts. */
function inputForm(
  { inputs, maxRows }: ModelFacts,
  input: string,
): { readonly most: number; readonly shapeOf: (rows: number) => readonly number[] } {
  const facts = inputs.get(input);
  if (inputs.size > 0 && facts?.datatype !== 'BYTES')
    throw new InferenceError(
      'capability_missing',
      `expected an input ${input} of BYTES, got ${facts?.datatype ?? 'none'}; the model has ${[...inputs.keys()].join(', ')}`,
    );
  const shape = facts?.shape ?? [-1];
  const first = shape[0] ?? -1;
  const fixed = first > 0 ? first : Infinity; // a model without batches of one text takes one
  const most = Math.max(1, Math.min(fixed, maxRows === undefined || maxRows === 0 ? Infinity : maxRows));
  return { most, shapeOf: (rows) => shape.map((_, at) => (at === 0 ? rows : 1)) };
}

function matrix({ name, shape, data }: Tensor, rows: number): readonly (readonly number[])[] {
  if (isText(data)) throw new InferenceError('model_failed', `expected numbers in output ${name}, got texts`);
  // a model without batches leaves the only row's dimension out
  const columns = data.length / rows;
  const isMatrix = shape.length === 2 && shape[0] === rows;
  if (!isMatrix && !(rows === 1 && shape.length === 1))
    throw new InferenceError(
      'model_failed',
      `expected output ${name} of [${String(rows)}, columns], got [${shape.join(', ')}]: one row for each text, pooled by the model`,
    );
  const numbers = Array.from<number | bigint>(data as Iterable<number | bigint> & ArrayLike<number | bigint>).map(Number);
  return Array.from({ length: rows }, (_, row) => numbers.slice(row * columns, (row + 1) * columns));
}
