// A pipeline in a process of its own; it tells of each output, and of its end.
import { definePipeline, json, kafka, start, topic } from 'millrace';
import { mapValue } from 'millrace/operators';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case } from './case.ts';

const { brokers, topic: name, instance, sessionTimeoutMs } = givenToWorker() as Case;
const said: string[] = [];
const note = (level: string) => (details: object, message: string) => {
  said.push(`${level} ${message} ${JSON.stringify(details)}`);
};
const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
const transport = kafka({
  brokers,
  sessionTimeoutMs,
  log: (level, message, details = {}) => {
    log[level](details, message);
  },
});

const app = await start(
  definePipeline({
    name,
    input: topic(name, json()),
    deadLetter: 'stop',
    process: (records) =>
      records.pipe(
        mapValue((value) => {
          reportFrom('record', { value });
          return value;
        }),
      ),
  }),
  { transport, log, signals: false, ...(instance === undefined ? {} : { instance }) },
);
reportFrom('running', { said });
app.done.then(
  () => {
    reportFrom('ended', { said });
    process.disconnect();
  },
  (error: unknown) => {
    reportFrom('failed', { error: String(error), said });
    process.disconnect();
  },
);
process.on('message', () => void app.drain());
