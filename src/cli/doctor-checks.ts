import { spawnSync } from 'node:child_process';
import { cacheFolder } from '../artifacts/cache-folder.ts';
import { cachedFile } from '../artifacts/cached-file.ts';
import { reviewsData, smollm2 } from '../artifacts/catalogue.ts';
import { messageOf } from '../errors.ts';
import { llama } from '../inference/llama/llama.ts';
import type { CliContext } from './context.ts';
import { answers } from './open-transport.ts';
import { brokerStarter } from './start-broker.ts';

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** Whether the main job needs it, as the settings stand. */
  readonly required: boolean;
  readonly says: string;
  readonly fix?: string;
}

export interface Check {
  readonly title: string;
  readonly run: (context: CliContext) => Promise<readonly Finding[]>;
}

export const checkNode: Check = {
  title: 'Node',
  // millrace.cjs has refused an older one
  run: () => Promise.resolve([{ name: 'node', ok: true, required: true, says: `${process.version} (${process.execPath})` }]),
};

export const checkBroker: Check = {
  title: 'the broker',
  run: async (context) => {
    const { settings, clock } = context;
    const [usual = 'localhost:9092'] = settings.brokers;
    if (settings.transport === 'memory') {
      const found = await answers(usual, clock);
      const says = found
        ? `something answers at ${usual}; use it with --transport kafka`
        : `none answers at ${usual}; the embedded one serves (--transport memory)`;
      return [
        {
          name: 'broker',
          ok: found,
          required: false,
          says,
          fix: 'for Kafka: `docker compose up -d`, or name one with --brokers or MILLRACE_BROKERS',
        },
      ];
    }
    try {
      const { transport, where, close } = await context.openTransport();
      try {
        await transport.describeTopics(['millrace.doctor']);
      } finally {
        await close();
      }
      return [{ name: 'broker', ok: true, required: true, says: `${where} answers` }];
    } catch (error) {
      return [
        {
          name: 'broker',
          ok: false,
          required: true,
          says: messageOf(error),
          fix: 'is it up, and are --brokers, --tls and --sasl-* right? A local one: `docker compose up -d`',
        },
      ];
    }
  },
};

const oldestJava = 17; // what a Kafka 4 broker runs on

/** What could start a broker here: only told, as nobody needs it who has one. */
export const checkBrokerStart: Check = {
  title: 'Docker and Java',
  run: () => {
    const docker = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
    const hasDocker = docker.status === 0;
    const findings: Finding[] = [
      {
        name: 'docker compose',
        ok: hasDocker,
        required: false,
        says: hasDocker ? docker.stdout.trim() : 'not found: starts a Kafka with one command',
        fix: 'https://docs.docker.com/get-docker',
      },
    ];
    if (brokerStarter() !== undefined) findings.push(javaFinding());
    return Promise.resolve(findings);
  },
};

function javaFinding(): Finding {
  const home = process.env['JAVA_HOME'];
  const command = home === undefined || home === '' ? 'java' : `${home}/bin/java`;
  const java = spawnSync(command, ['-version'], { encoding: 'utf8' });
  const version = /version "([^"]+)"/.exec(`${java.stderr}${java.stdout}`)?.[1];
  const ok = java.error === undefined && Number.parseInt(version ?? '0', 10) >= oldestJava;
  const says =
    version === undefined
      ? 'not found: starts a Kafka without Docker (npm run kafka)'
      : `Java ${version}${ok ? '' : `, Kafka needs >= ${String(oldestJava)}`}`;
  return { name: 'jdk', ok, required: false, says, fix: `install a JDK >= ${String(oldestJava)} (https://adoptium.net), or set JAVA_HOME` };
}

export const checkModel: Check = {
  title: 'the model',
  run: async ({ clock, signal }) => {
    const file = await cachedFile(smollm2, cacheFolder());
    const broken =
      file.state === 'damaged'
        ? file.why
        : file.state === 'truncated'
          ? `it is cut off after ${String(file.bytes)} bytes`
          : 'it is not there yet';
    const model: Finding = {
      name: 'model',
      ok: file.state === 'present',
      required: false, // it is pulled when it is first needed
      says: file.state === 'present' ? `${smollm2.name}, ${file.path}` : `${smollm2.name}: ${broken} (${file.path})`,
      fix: `millrace pull ${smollm2.name}   (or MILLRACE_CACHE is where it lies)`,
    };
    if (file.state !== 'present') return [packageFinding(), model];
    const facts: { gpu?: unknown } = {};
    try {
      const log = (_level: string, _message: string, details: Readonly<Record<string, unknown>> = {}): void => {
        Object.assign(facts, details);
      };
      const opened = await llama({ model: smollm2.name }).open({ clock, signal, log });
      await opened.close();
    } catch (error) {
      signal.throwIfAborted();
      return [{ name: 'node-llama-cpp', ok: false, required: true, says: messageOf(error), fix: 'npm install node-llama-cpp' }, model];
    }
    const gpu = typeof facts.gpu === 'string' ? facts.gpu : undefined;
    return [
      { name: 'node-llama-cpp', ok: true, required: true, says: 'loads the model and lets it go' },
      model,
      {
        name: 'gpu',
        ok: gpu !== undefined,
        required: false,
        says: gpu ?? 'none: the model runs on the CPU',
        fix: 'not needed for the default model; a bigger one wants CUDA, Vulkan or Metal and its driver',
      },
    ];
  },
};

/** Without a model to load, whether the package is there is all that can be told. */
function packageFinding(): Finding {
  try {
    import.meta.resolve('node-llama-cpp');
    return { name: 'node-llama-cpp', ok: true, required: true, says: 'installed' };
  } catch {
    return {
      name: 'node-llama-cpp',
      ok: false,
      required: true,
      says: 'not installed',
      fix: 'npm install node-llama-cpp   (or use a model behind an endpoint: openAiCompatible)',
    };
  }
}

export const checkData: Check = {
  title: "the demo's data",
  run: async () => {
    const file = await cachedFile(reviewsData, cacheFolder());
    const says =
      file.state === 'present'
        ? file.path
        : `${file.state === 'missing' ? 'not there yet' : file.state}: the demo fetches it, or uses a small sample`;
    return [{ name: 'demo data', ok: file.state === 'present', required: false, says, fix: `millrace pull ${reviewsData.name}` }];
  },
};
