// A pipeline whose calls throw where nobody awaits it; says what became of each record. With `outside`, something else throws.
import { setTimeout as wait } from 'node:timers/promises';
import { call, type Codec, connect, createLogger, definePipeline, json, memory, start, topic } from 'millrace';
import { mapConcurrent } from 'millrace/operators';

const transport = memory();
const texts = json() as Codec<string>;
const [input, output, dead] = [topic('in', texts), topic('out', texts), topic('dead')];
const app = await start(
  definePipeline({
    name: 'strays',
    input,
    output,
    deadLetter: dead,
    process: (records) =>
      records.pipe(
        mapConcurrent(
          (value) =>
            call(async () => {
              if (value === 'promise') void Promise.reject(new Error('a forgotten promise'));
              if (value === 'timer') setTimeout(() => throwing('a timer'), 1);
              if (value === 'late') setTimeout(() => throwing('too late'), 60);
              await wait(30);
              return value;
            }),
          { concurrency: 8 },
        ),
      ),
  }),
  { transport, createTopics: true, log: createLogger({ level: 'error' }) },
);
const values = ['a', 'promise', 'b', 'timer', 'late', 'c'];
await connect(transport).produce(
  input,
  values.map((value) => ({ key: value, value })),
);
if (process.argv[2] === 'outside') setTimeout(() => throwing('not from a call'), 1);
while (app.stats().done + app.stats().failed < values.length) await wait(5);
await wait(100);
const { done, failed, failuresByCode } = app.stats();
await app.drain();
process.stdout.write(JSON.stringify({ done, failed, failuresByCode }));

function throwing(message: string): never {
  throw new Error(message);
}
