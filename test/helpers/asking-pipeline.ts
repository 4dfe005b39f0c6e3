import { defer, of } from 'rxjs';
import { cachedBy, mapConcurrent } from '../../operators/index.ts';
import { text } from '../../src/codec/text.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import type { callCache } from '../../src/policies/call-cache.ts';

/** A pipeline from `NAME-in` to `NAME-out` whose calls go through a cache; `calls` are those that were made. */
export function askingPipeline(name: string, cache: ReturnType<typeof callCache>) {
  const [input, output] = [topic(`${name}-in`, text()), topic(`${name}-out`, text())];
  const calls: string[] = [];
  const pipeline = definePipeline({
    name,
    input,
    output,
    deadLetter: 'stop',
    resources: { cache },
    process: (source, { cache: opened }) =>
      source.pipe(
        mapConcurrent(
          (key) =>
            defer(() => {
              calls.push(key);
              return of(`${key}!`);
            }).pipe(cachedBy(opened, key)),
          { concurrency: 4 },
        ),
      ),
  });
  return { pipeline, input, output, calls };
}
