import { requireFunction, requireMethods } from '../../check-options.ts';
import { OptionError, PipelineError } from '../../errors.ts';
import type { Model } from '../../inference/model.ts';
import type { Resource } from '../../resource.ts';
import type { EngineSource, MeasuredEngine } from '../engine-gate-options.ts';
import type { EngineLoad } from '../engine-gate.state.ts';
import { fetchEngineLoad } from './engine-metrics.ts';

export interface Source {
  readonly read: (signal: AbortSignal) => Promise<EngineLoad>;
  readonly open: (context: Parameters<Resource<Model>['open']>[0]) => Promise<() => Promise<void>>;
}

const nothingToOpen = (): Promise<() => Promise<void>> => Promise.resolve(() => Promise.resolve());

/** How an engine is asked, and what has to be opened for it. @throws OptionError for what cannot be asked. */
export function engineSource(options: EngineSource): Source {
  if (options.engine === 'other') {
    requireFunction('engineGate.read', options.read, '(signal) => Promise of { running, waiting }');
    return { read: options.read, open: nothingToOpen };
  }
  if (options.engine === 'llama') return modelSource(options.model);
  const { engine, apiKey } = options;
  const address = { engine, apiKey, url: metricsUrl(options.url, engine) };
  return { read: (signal) => fetchEngineLoad(address, signal), open: nothingToOpen };
}

function modelSource(resource: Resource<Model>): Source {
  requireMethods('engineGate.model', resource, ['open'], 'a model resource, such as llama({ … })');
  let model: Model | undefined;
  return {
    read: (signal) =>
      new Promise((resolve, reject) => {
        if (!model?.load) throw new Error('the model is not open: give the gate to the resources of the pipeline');
        const asking = model.load().subscribe({ next: resolve, error: reject });
        signal.addEventListener('abort', () => {
          asking.unsubscribe();
        });
      }),
    open: async (context) => {
      const opened = await resource.open(context);
      model = opened.value;
      if (model.load) return opened.close;
      await opened.close();
      throw new PipelineError(
        'capability_missing',
        `model ${model.name} does not say how busy it is: use llama({ … }), or engine: 'other' with read`,
      );
    },
  };
}

function metricsUrl(given: string, engine: MeasuredEngine): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OptionError(`engineGate.url must be an http or https URL of ${engine}, such as http://localhost:8000`);
  if (url.username !== '' || url.password !== '')
    throw new OptionError('engineGate.url must not hold a user or password: pass the key as apiKey');
  url.pathname = `${url.pathname.replace(/\/(v1|metrics)?\/?$/, '')}/metrics`;
  return `${url.origin}${url.pathname}`;
}
