import { lastValueFrom } from 'rxjs';
import type { Opened } from '../../resource.ts';
import { completeModel } from '../complete-model.ts';
import type { Model, ModelBackend } from '../model.ts';

/** A back end as an opened model: closing disposes of the model first, so that its calls end as the port says, and then frees what the back end holds. */
export function openedModel(backend: ModelBackend, close: () => Promise<void>): Opened<Model> {
  const value = completeModel(backend);
  return {
    value,
    close: async () => {
      await lastValueFrom(value.dispose(), { defaultValue: undefined });
      await close();
    },
  };
}
