import { requireOneOf, requireText } from '../../errors.ts';
import type { Resource } from '../../resource.ts';
import type { Model } from '../model.ts';
import { playedModel } from './played-model.ts';
import { Player } from './player.ts';
import { Tape } from './tape.ts';

export interface CassetteOptions {
  /**
   * Where the answers are: JSON lines, written by recording. Processes that record into one file at a time take turns, and lose
   * nothing of each other; a file is always whole, also when one of them is killed.
   */
  readonly file: string;
  /**
   * `replay`: the model is not even opened, and what was not recorded fails. `record`: the file is begun anew (with what others record at this time), the model is asked
   * once for each question. `auto`: the model is asked for what is missing. @defaultValue the environment's MILLRACE_CASSETTE, or `replay`
   */
  readonly mode?: CassetteMode;
  /** `recorded`: pieces of an answer come as they came from the model. `none`: at once, and no times are written. @defaultValue 'none' */
  readonly timing?: 'none' | 'recorded';
}

export type CassetteMode = 'replay' | 'record' | 'auto';

const modes = ['replay', 'record', 'auto'] as const;

/**
 * Records a model's answers once and replays them from then on: for tests that need real answers, and neither a model nor
 * its time. An answer belongs to the method, the prompt and everything the answer depends on (tokens, temperature, stop strings,
 * labels, JSON Schema): change one of them, and it has to be recorded again. `answer` replays the text and validates it by
 * today's schema.
 *
 * In: a model as a resource. Out: the same as a resource. Holds the file's answers. The file holds prompts and answers, and
 * nothing of keys, addresses or headers. Failures are recorded where they would be the same again (grade `record`).
 * Fails with `model_not_found` for what was not recorded, `model_damaged` for a file that is no cassette; unsubscribing
 * stops the model, and records nothing.
 * @throws OptionError for options out of range.
 * @see VCR for Ruby, which named them
 */
export function cassette(model: Resource<Model>, options: CassetteOptions): Resource<Model> {
  const { file, mode = process.env['MILLRACE_CASSETTE'] ?? 'replay', timing = 'none' } = options;
  requireText('file', file);
  requireOneOf('mode', mode, modes);
  requireOneOf('timing', timing, ['none', 'recorded']);
  return {
    name: `cassette of ${model.name}`,
    open: async (context) => {
      const player = new Player({ model, tape: Tape.of(file), mode, isTimed: timing === 'recorded', context });
      await player.begin();
      return playedModel(player);
    },
  };
}
