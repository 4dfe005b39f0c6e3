import { Observable } from 'rxjs';
import { currentScope } from '../call.ts';
import type { Model } from '../inference/model.ts';
import type { Resource } from '../resource.ts';
import type { AppSide } from './subject.ts';

/** The same resources; of those that are models, every call is told. */
export function watchModels(
  resources: Readonly<Record<string, Resource<unknown>>>,
  side: AppSide,
): Readonly<Record<string, Resource<unknown>>> {
  return Object.fromEntries(
    Object.entries(resources).map(([name, resource]) => [
      name,
      {
        name: resource.name,
        open: async (context) => {
          const opened = await resource.open(context);
          return isModel(opened.value) ? { ...opened, value: watched(opened.value, name, side) } : opened;
        },
      } satisfies Resource<unknown>,
    ]),
  );
}

const isModel = (value: unknown): value is Model =>
  typeof value === 'object' && value !== null && ['chat', 'answer', 'classify', 'embed'].every((method) => method in value);

function watched(model: Model, name: string, side: AppSide): Model {
  const told = <T>(method: string, work: Observable<T>): Observable<T> =>
    new Observable<T>((out) => {
      const { position } = currentScope();
      const record = position && side.recordAt(position);
      if (record !== undefined) {
        // of a batch only the first record is known, and its call goes on as long as any of them is wanted
        side.called(record, `${name}.${method}`, 'start', true);
        out.add(() => {
          side.called(record, `${name}.${method}`, 'end', true);
        });
      }
      out.add(work.subscribe(out));
    });
  return {
    ...model,
    chat: (prompt, options, ctx) => told('chat', model.chat(prompt, options, ctx)),
    answer: (prompt, options, ctx) => told('answer', model.answer(prompt, options, ctx)),
    classify: (prompt, options, ctx) => told('classify', model.classify(prompt, options, ctx)),
    embed: (texts, ctx) => told('embed', model.embed(texts, ctx)),
  };
}
