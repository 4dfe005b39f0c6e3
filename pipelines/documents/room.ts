import { InferenceError, type Model, type Prompt } from 'millrace';
import { firstValueFrom } from 'rxjs';
import type { Question, Task } from './tasks/task.ts';

/** How much of a text fits into one call. */
export interface Room {
  /**
   * Most tokens of a text beside a question and its longest answer, within the model's context.
   * @throws InferenceError `prompt_too_long` where nothing fits.
   */
  of(model: Model, question: Question): Promise<number>;
  /** Most tokens of a chunk. */
  ofChunk(model: Model, task: Task): Promise<number>;
}

/** Where a model does not tell its context. */
const usualContext = 4_096;
/** Longer chunks are fewer calls; small models lose the thread of them, and an attempt has to end in its time. */
const automaticChunk = 1_000;
/** Templates put a few tokens around turns, and joined texts are counted otherwise than one by one. */
const margin = 32;
const least = 16;

/** Tokens of a prompt, as the model counts them. */
export const tokensOf = (model: Model, prompt: Prompt): Promise<number> => firstValueFrom(model.countTokens(prompt), { defaultValue: 0 });

/** Counts what each question takes once for each model. */
export function newRoom(chunkTokens: number | 'auto'): Room {
  const known = new Map<Model, Map<string, Promise<number>>>();
  const roomOf = async (model: Model, { step, prompt, maxTokens }: Question): Promise<number> => {
    const context = model.capabilities.contextTokens ?? usualContext;
    const overhead = prompt === undefined ? 0 : await tokensOf(model, prompt(''));
    const room = context - overhead - maxTokens - margin;
    if (room >= least) return room;
    throw new InferenceError(
      'prompt_too_long',
      `the question ${step} and its answer leave no room for a text within the ${String(context)} tokens of ${model.name}: take a model with a longer context`,
    );
  };
  const of = (model: Model, question: Question): Promise<number> => {
    const ofModel = known.get(model) ?? new Map<string, Promise<number>>();
    known.set(model, ofModel);
    const key = JSON.stringify([question.step, question.about ?? null]);
    const found = ofModel.get(key) ?? roomOf(model, question);
    ofModel.set(key, found);
    return found;
  };
  return {
    of,
    ofChunk: async (model, { question, contextShare }) => {
      const room = await of(model, question);
      const most = chunkTokens === 'auto' ? automaticChunk : chunkTokens;
      return Math.max(least, Math.min(Math.floor(room * contextShare), most));
    },
  };
}
