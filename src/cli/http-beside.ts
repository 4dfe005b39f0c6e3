import type { Pipeline } from '../pipeline.ts';
import type { App } from '../runtime/start.ts';
import { serveHttp } from '../serve/serve-http.ts';
import type { CliContext } from './context.ts';
import type { RunOptions } from './run-options.ts';

/** The HTTP server beside a pipeline, from before its start on; nothing without `--http`. */
export interface HttpBeside {
  /** What holds up the start. */
  readonly troubles: (troubles: readonly string[]) => void;
  /** From here on it tells of this app. */
  readonly tellOf: (app: App) => void;
  readonly close: () => Promise<void>;
}

/** @throws OptionError for a port that cannot be had. */
export async function httpBeside(
  { name }: Pipeline,
  { http, httpHost }: Partial<Pick<RunOptions, 'http' | 'httpHost'>>,
  { out, clock }: CliContext,
): Promise<HttpBeside> {
  let app: App | undefined;
  let startTroubles: readonly string[] = [];
  const tellOf = (given: App): void => {
    app = given;
  };
  const troubles = (given: readonly string[]): void => {
    startTroubles = given;
  };
  if (http === undefined) return { troubles, tellOf, close: () => Promise.resolve() };
  const served = {
    name,
    get state() {
      return app?.state ?? 'starting';
    },
    stats: () => app?.stats(),
    troubles: () => app?.stats().troubles ?? startTroubles,
  };
  const service = await serveHttp(served, { port: http, clock, ...(httpHost === undefined ? {} : { host: httpHost }) });
  out.note(`${name}: ${service.url}/metrics, /healthz, /readyz`);
  out.json({ http: { url: service.url } });
  return { troubles, tellOf, close: () => service.close() };
}
