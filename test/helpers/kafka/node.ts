import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { javaCommand } from './jars.ts';

const clusterId = '4L6g3nShT-eMCtK--X86sw';
const startPatienceMs = 60_000; // 2 s on an idle machine; 2 busy cores are slower

/** A further way in, beside the plain one. */
export interface Listener {
  /** In capitals. */
  readonly name: string;
  readonly protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** The listener's own, without their prefix. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface NodeSetup {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** `id@host:port` of every node's controller. */
  readonly voters: string;
  readonly nodes: number;
  readonly folder: string;
  /** Whether `folder` goes when this process is killed. */
  readonly temporary: boolean;
  readonly jars: string;
  /** An archive of its classes: one that was made before, or where to write one when it ends. */
  readonly classes: { readonly readFrom: string } | { readonly writeTo: string } | undefined;
  readonly heapMiB: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly listeners: readonly (Listener & { readonly port: number })[];
  /** SCRAM users that exist from the beginning, as the storage tool takes them: `SCRAM-SHA-256=[name=…,password=…]`. */
  readonly scramUsers: readonly string[];
}

/** One broker and controller in a process of its own, which ends when this process does, however that ends. */
export class KafkaNode {
  readonly setup: NodeSetup;
  #broker: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;

  constructor(setup: NodeSetup) {
    this.setup = setup;
  }

  get pid(): number | undefined {
    return this.#broker?.pid;
  }

  get address(): string {
    return `127.0.0.1:${String(this.setup.port)}`;
  }

  async start(): Promise<void> {
    const { folder, heapMiB, classes } = this.setup;
    await mkdir(folder, { recursive: true });
    const config = join(folder, 'server.properties');
    await writeFile(config, serverProperties(this.setup));
    if (!existsSync(join(folder, 'logs', 'meta.properties'))) await this.#format(config);
    const logFile = join(folder, 'broker.log');
    if (existsSync(logFile)) await rename(logFile, `${logFile}.${String(process.hrtime.bigint())}`);
    const log = openSync(logFile, 'a');
    const args = [
      ...this.#java,
      ...(classes && 'writeTo' in classes ? [`-XX:ArchiveClassesAtExit=${classes.writeTo}`] : []),
      '-Xms128m',
      `-Xmx${String(heapMiB)}m`,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      'kafka.Kafka',
      config,
    ];
    const broker = spawn(javaCommand(), args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#broker = broker;
    broker.unref();
    broker.on('exit', () => {
      if (this.#broker === broker) this.#broker = undefined;
      this.#stopWatchdog();
    });
    this.#watch(broker);
    await this.#ready(broker, logFile);
  }

  /** Ends the broker with `signal`, and by force after `patienceMs`; waits until it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL', patienceMs = 15_000): Promise<void> {
    const broker = this.#broker;
    if (!broker) return;
    const gone = new Promise<void>((resolve) =>
      broker.once('exit', () => {
        resolve();
      }),
    );
    broker.ref();
    broker.kill('SIGCONT'); // a test may have stopped it
    broker.kill(signal);
    const timer = setTimeout(() => broker.kill('SIGKILL'), patienceMs);
    await gone;
    clearTimeout(timer);
  }

  get #java(): string[] {
    const { jars, classes } = this.setup;
    const archive = classes && 'readFrom' in classes ? [`-XX:SharedArchiveFile=${classes.readFrom}`] : [];
    return ['-cp', join(jars, '*'), `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`, ...archive];
  }

  async #format(config: string): Promise<void> {
    const args = [
      ...this.#java,
      '-Dkafka.loglevel=ERROR',
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      config,
      ...this.setup.scramUsers.flatMap((user) => ['--add-scram', user]),
    ];
    const tool = spawn(javaCommand(), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    tool.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const code = await new Promise<number | null>((resolve, reject) => tool.on('error', reject).on('close', resolve));
    if (code !== 0) throw new Error(`could not format the broker's storage (exit ${String(code)}): ${said.slice(-2_000)}`);
  }

  /** A pipe that only this process holds open: when it closes, be it by SIGKILL, the broker is killed. */
  #watch(broker: ChildProcess): void {
    if (broker.pid === undefined) return;
    const { folder, temporary } = this.setup;
    const script = `cat >/dev/null; kill -9 "$1"; ${temporary ? 'rm -rf "$2"' : ''}`;
    const watchdog = spawn('sh', ['-c', script, 'watchdog', String(broker.pid), folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    watchdog.unref();
    if (watchdog.stdin instanceof Socket) watchdog.stdin.unref(); // it alone must not keep this process alive
    this.#watchdog = watchdog;
  }

  #stopWatchdog(): void {
    this.#watchdog?.kill('SIGKILL'); // its shell goes first, so that no kill follows for a pid that is free again
    this.#watchdog = undefined;
  }

  async #ready(broker: ChildProcess, logFile: string): Promise<void> {
    const giveUp = performance.now() + startPatienceMs;
    for (;;) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      if (log.includes('Kafka Server started')) return;
      const ended = broker.exitCode !== null || broker.signalCode !== null;
      if (ended || performance.now() > giveUp) {
        broker.kill('SIGKILL');
        throw new Error(`the Kafka broker on ${this.address} ${ended ? 'ended' : 'was not ready in time'}: ${log.slice(-2_000)}`);
      }
      await wait(50);
    }
  }
}

/** Ports of this machine's loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) =>
        server.once('error', reject).listen(0, '127.0.0.1', () => {
          resolve(server);
        }),
      );
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Small, fast to start and stop, quick groups; no topic appears by itself. */
function serverProperties({ id, port, controllerPort, voters, nodes, folder, properties, listeners }: NodeSetup): string {
  const replicas = String(nodes);
  const inSync = String(Math.max(1, nodes - 1));
  const ways = (host: string): string[] => listeners.map((one) => `${one.name}://${host}:${String(one.port)}`);
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    listeners: [`PLAINTEXT://127.0.0.1:${String(port)}`, `CONTROLLER://127.0.0.1:${String(controllerPort)}`, ...ways('127.0.0.1')].join(),
    // by its name, which is what a certificate holds for
    'advertised.listeners': [`PLAINTEXT://127.0.0.1:${String(port)}`, ...ways('localhost')].join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...listeners.map(({ name, protocol }) => `${name}:${protocol}`),
    ].join(),
    ...Object.fromEntries(
      listeners.flatMap((one) =>
        Object.entries(one.properties).map(([key, value]) => [`listener.name.${one.name.toLowerCase()}.${key}`, value]),
      ),
    ),
    'log.dirs': join(folder, 'logs'),
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '2',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'num.partitions': '1',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'num.recovery.threads.per.data.dir': '1',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'log.segment.delete.delay.ms': '1000',
    'log.index.size.max.bytes': '1048576',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'controller.quorum.election.timeout.ms': '100',
    'controller.quorum.fetch.timeout.ms': '1000',
    ...properties,
  };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}
