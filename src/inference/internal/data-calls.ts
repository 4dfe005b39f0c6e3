import { map, of } from 'rxjs';
import type { Model, ModelBackend } from '../model.ts';
import { missing } from './capability.ts';
import { requireTensors } from './check-tensors.ts';
import { requireString, requireTexts } from './check-texts.ts';
import { noUsage } from './collect.ts';
import { ranked } from './ranked.ts';
import type { Runner } from './runner.ts';
import { unitVectors } from './unit-vectors.ts';

/** The calls of a model whose results are no text. */
export function dataCalls(backend: ModelBackend, runner: Runner): Pick<Model, 'embed' | 'rerank' | 'infer'> {
  const { name, capabilities } = backend;
  return {
    embed: (texts, ctx) => {
      requireTexts('texts', texts);
      const asked = [...texts];
      return runner.run(ctx, () => {
        if (backend.embed === undefined || !capabilities.embeddings) return missing(name, 'embeddings');
        return asked.length === 0 ? of([]) : backend.embed(asked, ctx).pipe(map((embeddings) => unitVectors(embeddings, asked.length)));
      });
    },
    rerank: (query, documents, ctx) => {
      requireString('query', query);
      requireTexts('documents', documents);
      const asked = [...documents];
      return runner.run(ctx, () => {
        if (backend.rerank === undefined || !capabilities.reranking) return missing(name, 'reranking');
        if (asked.length === 0) return of({ ranking: [], usage: noUsage, model: name });
        return backend
          .rerank(query, asked, ctx)
          .pipe(map(({ scores, usage }) => ({ ranking: ranked(scores, asked.length), usage, model: name })));
      });
    },
    infer: (inputs, ctx) => {
      requireTensors(inputs);
      const asked = [...inputs];
      return runner.run(ctx, () => {
        if (backend.infer === undefined || !capabilities.tensors) return missing(name, 'tensors');
        return backend.infer(asked, ctx).pipe(map((outputs) => ({ outputs, model: name })));
      });
    },
  };
}
