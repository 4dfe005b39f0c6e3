import type { Model } from '../../src/inference/model.ts';
import type { Resource } from '../../src/resource.ts';
import type { ModelUnderTest } from './model/model-world.ts';
import { openQuietly } from './open-quietly.ts';

/** A server whose work can be watched. */
interface WatchedServer {
  readonly running: () => number;
  readonly done: () => number;
  crash(): void;
  close(): Promise<void>;
}

/** Opens a model on a server of its own, which ends with it. */
export const onServer =
  <S extends WatchedServer>(start: () => Promise<S>, modelOn: (server: S) => Resource<Model>): ModelUnderTest['open'] =>
  async () => {
    const server = await start();
    const { value, close } = await openQuietly(modelOn(server));
    return {
      model: value,
      close: async () => {
        await close();
        await server.close();
      },
      far: {
        working: server.running,
        done: server.done,
        crash: () => {
          server.crash();
        },
      },
    };
  };

const codes = {
  400: 'model_rejected',
  401: 'model_unauthorized',
  403: 'model_unauthorized',
  404: 'model_not_found',
  422: 'model_rejected',
  429: 'overloaded',
  500: 'model_failed',
  501: 'capability_missing',
  503: 'overloaded',
} as const;

/** What becomes of the statuses that a server of the tests answers with when it is asked to. */
export const faultsOf = (statuses: readonly (keyof typeof codes)[]): NonNullable<ModelUnderTest['faults']> =>
  statuses.map((status) => ({ prompt: `Fail: ${String(status)}`, code: codes[status] }));
