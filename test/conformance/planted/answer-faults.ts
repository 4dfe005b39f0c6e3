import { EMPTY, map, Observable } from 'rxjs';
import { InferenceError } from '../../../src/errors.ts';
import { each, last, model, without, type PlantedFault } from './planted-fault.ts';

export const answerFaults: readonly PlantedFault[] = [
  { rule: 53, fault: 'answers in text where a tool is to be called', changes: without('tools', 'toolChoice') },
  {
    rule: 53,
    fault: 'names a tool with each piece',
    changes: each((chunk) => ({
      ...chunk,
      ...(chunk.toolCalls && { toolCalls: chunk.toolCalls.map((one) => ({ ...one, name: 'judge' })) }),
    })),
  },
  {
    rule: 32,
    fault: 'answers unchecked',
    changes: model(({ answer }) => ({
      answer: (prompt, options, ctx) => answer(prompt, options, ctx).pipe(map((one) => ({ ...one, value: 'anything' as never }))),
    })),
  },
  {
    rule: 33,
    fault: 'does not count repairs',
    changes: model(({ answer }) => ({
      answer: (prompt, options, ctx) => answer(prompt, options, ctx).pipe(map((one) => ({ ...one, repairs: 0 }))),
    })),
  },
  {
    rule: 33,
    fault: 'tells the last round’s usage alone',
    changes: model(({ answer }) => ({
      answer: (prompt, options, ctx) =>
        answer(prompt, options, ctx).pipe(map((one) => ({ ...one, usage: { ...one.usage, inputTokens: 10 } }))),
    })),
  },
  {
    rule: 34,
    fault: 'quotes what it was told',
    changes: model(({ answer }) => ({
      answer: (prompt, options, ctx) =>
        new Observable((out) =>
          answer(prompt, options, ctx).subscribe({
            next: (value) => {
              out.next(value);
            },
            error: () => {
              out.error(new InferenceError('answer_invalid', 'got "very-private-text"'));
            },
            complete: () => {
              out.complete();
            },
          }),
        ),
    })),
  },
  { rule: 35, fault: 'does not say that it was cut', changes: last(() => ({ finishReason: 'stop' })) },
  {
    rule: 36,
    fault: 'tells shares that make no whole',
    changes: model(({ classify }) => ({
      classify: (prompt, options, ctx) =>
        classify(prompt, options, ctx).pipe(map((one) => ({ ...one, probabilities: { ...one.probabilities, [one.label]: 0.2 } as never }))),
    })),
  },
  {
    rule: 36,
    fault: 'is always sure',
    changes: model(({ classify }) => ({
      classify: (prompt, options, ctx) => classify(prompt, options, ctx).pipe(map((one) => ({ ...one, confidence: 1 }))),
    })),
  },
  {
    rule: 37,
    fault: 'takes the first label',
    changes: {
      backend: ({ labelLogProbabilities }) => ({
        labelLogProbabilities: (turns, labels, ctx) =>
          (labelLogProbabilities?.(turns, labels, ctx) ?? EMPTY).pipe(
            map((one) => ({ ...one, logProbabilities: labels.map((_, index) => -index) })),
          ),
      }),
    },
  },
  {
    rule: 52,
    fault: 'does not calibrate',
    changes: model(({ classify }) => ({ classify: (prompt, { labels }, ctx) => classify(prompt, { labels }, ctx) })),
  },
  { rule: 38, fault: 'does not heed the schema', changes: without('jsonSchema') },
  {
    rule: 39,
    fault: 'puts a template around plain text',
    changes: { backend: ({ chat }) => ({ complete: (text, options, ctx) => chat([{ role: 'user', content: text }], options, ctx) }) },
  },
];
