import { scripted } from 'millrace';
import { simulate } from 'millrace/testing';
import pipeline from '../../pipelines/first/pipeline.ts';

const texts = Array.from({ length: 40 }, (_, n) => `ticket number ${String(n)}`);

export const report = await simulate(pipeline, {
  records: (random) => texts.map((text, n) => ({ key: `customer ${String(random.int(1, 5))}`, value: { id: String(n), text } })),
  resources: (weather) => ({ model: scripted(' positive', weather.model) }),
  seeds: 20,
});
report.verify();
