// npm run kafka: a Kafka for trying things out, without Docker.
import { parseArgs } from 'node:util';
import { startKafka } from './kafka-broker.ts';

const help = `Starts Kafka on this machine (loopback only) until Ctrl-C. Needs a JDK >= 17, and Maven the first time.

  --port N      port of the first node (default 9092; 0 takes a free one)
  --nodes N     1 (default) or 3
  --data DIR    keep the data there (default: a temporary folder, deleted)
  --until-stdin-ends    stop when stdin ends, for a parent that may be killed`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9092' },
    nodes: { type: 'string', default: '1' },
    data: { type: 'string' },
    'until-stdin-ends': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) {
  console.log(help);
} else {
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port must be from 0 to 65535, got ${values.port}`);
  if (values.nodes !== '1' && values.nodes !== '3') throw new Error(`--nodes must be 1 or 3, got ${values.nodes}`);
  // an interrupt while the broker starts must not leave it behind: its watchdog kills it when this process is gone
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        resolve();
      });
    if (values['until-stdin-ends'])
      process.stdin.resume().once('close', () => {
        resolve();
      });
  });
  const kafka = await startKafka({
    nodes: values.nodes === '3' ? 3 : 1,
    ...(port === 0 ? {} : { port }),
    ...(values.data === undefined ? {} : { dataDir: values.data }),
  });
  console.log(`kafka is ready at ${kafka.brokers.join(',')} (Ctrl-C stops it)`);
  const alive = setInterval(() => undefined, 60_000);
  await ended;
  clearInterval(alive);
  await kafka.stop();
}
