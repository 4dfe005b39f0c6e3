import { metricSpecs, type Seen } from './metrics.ts';

/** The text that Prometheus reads. */
export interface Exposition {
  readonly contentType: string;
  text(seen: Seen): Promise<string>;
}

/** Renders the metrics by prom-client, which is loaded here. A registry of its own: what else the program measures stays apart. */
export async function openExposition(): Promise<Exposition> {
  const { default: client } = await import('prom-client');
  const registry = new client.Registry();
  const metrics = Object.entries(metricSpecs).map(([name, { type, help, labels = [], samples }]) => {
    const Metric = type === 'counter' ? client.Counter : client.Gauge;
    return { metric: new Metric({ name, help, labelNames: [...labels], registers: [registry] }), samples };
  });
  return {
    contentType: registry.contentType,
    text: (seen) => {
      for (const { metric, samples } of metrics) {
        metric.reset();
        for (const [value, labels = {}] of samples(seen)) metric.inc({ ...labels }, value);
      }
      return registry.metrics();
    },
  };
}
