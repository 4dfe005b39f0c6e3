import { lastValueFrom } from 'rxjs';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { Model } from '../../src/inference/model.ts';
import type { Resource } from '../../src/resource.ts';
import { type ToyBackend, toyBackend, toyPrices } from '../helpers/inference/toy-backend.ts';
import type { AskedFault, FarSide, ModelUnderTest } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';

/** How several toys are seen from behind. */
export const farSideOf = (toys: readonly ToyBackend[]): FarSide => {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  return {
    working: () => sum(toys.map((toy) => toy.running())),
    done: () => sum(toys.map((toy) => toy.done())),
    crash: () => {
      for (const toy of toys) toy.crash();
    },
  };
};

/** A toy as a resource, which ends with it. */
export const toyResource = (backend: ToyBackend): Resource<Model> => ({
  name: backend.name,
  open: () => {
    const value = completeModel(backend);
    return Promise.resolve({ value, close: () => lastValueFrom(value.dispose(), { defaultValue: undefined }) });
  },
});

export const toyFaults: readonly AskedFault[] = [
  { prompt: 'Fail: model_failed', code: 'model_failed' },
  { prompt: 'Fail: model_rejected', code: 'model_rejected' },
];

/** What is changed of a toy, to see that it is noticed. */
export interface Changes {
  readonly backend?: (toy: ToyBackend) => Partial<ToyBackend>;
  readonly model?: (model: Model, toy: ToyBackend) => Partial<Model>;
  readonly close?: (close: () => Promise<void>) => () => Promise<void>;
}

/** A back end of the tests' own, which can do everything: the shortest way to join. */
export const toyUnderTest = ({ backend, model, close }: Changes = {}): ModelUnderTest => ({
  open: async () => {
    const sound = toyBackend();
    const toy = { ...sound, ...backend?.(sound) };
    const opened = await openQuietly(toyResource(toy));
    return {
      model: { ...opened.value, ...model?.(opened.value, toy) },
      close: close?.(opened.close) ?? opened.close,
      far: farSideOf([toy]),
    };
  },
  prices: toyPrices,
  faults: toyFaults,
  secrets: ['sk-very-secret'],
});
