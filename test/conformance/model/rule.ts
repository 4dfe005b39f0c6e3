import type { Ability, ModelWorld } from './model-world.ts';

/** One promise of `src/inference/model.ts`, and how it is shown. */
export interface ModelRule {
  readonly rule: number;
  readonly says: string;
  /** What a back end has to be able to do for it. */
  readonly needs?: readonly Ability[];
  /** Without which it shows less. */
  readonly partly?: readonly Ability[];
  readonly test: (world: ModelWorld) => Promise<void>;
}
