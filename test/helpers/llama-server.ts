import type { Artifact } from '../../src/artifacts/artifact.ts';
import { pullArtifact } from '../../src/artifacts/pull-artifact.ts';
import { messageOf } from '../../src/errors.ts';
import type { ServerOptions } from '../../src/inference/openai/server/server.ts';

/** llama.cpp's server, build 11549, for Linux on x64 with AVX2; needs Python 3.10 or later. */
const xllamacpp: Artifact = {
  name: 'xllamacpp',
  file: 'programs/xllamacpp-2026.10.11549.abi3.so',
  bytes: 105_964_808,
  sha256: '78dcbbfcc861ee3377554325dc12864829a76ec3de6f1882886d4a82a2def7f5',
  sources: [
    {
      kind: 'pip',
      label: 'PyPI package xllamacpp',
      requirement: 'xllamacpp==2026.10.11549 --hash=sha256:c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261',
      unpack: [{ format: 'zip', member: 'xllamacpp/xllamacpp.abi3.so' }],
    },
  ],
};

const launcher = new URL('llama-server.py', import.meta.url).pathname;

export interface LlamaServerSettings {
  readonly modelPath: string;
  /** Slots; each has `contextTokens`. */
  readonly parallel: number;
  readonly contextTokens: number;
  readonly threads: number;
}

/** llama-server for `server()`: the program that MILLRACE_LLAMA_SERVER names, else the server in the wheel of xllamacpp. */
export interface LlamaServerProgram {
  /** For messages: which it is. */
  readonly name: string;
  options(settings: LlamaServerSettings): ServerOptions;
}

export interface NoLlamaServer {
  readonly reason: string;
}

/** Fetches it where it has to be; with CI=true not having it is a failure. */
export async function llamaServerProgram(signal?: AbortSignal): Promise<LlamaServerProgram | NoLlamaServer> {
  const given = process.env['MILLRACE_LLAMA_SERVER'];
  if (given !== undefined && given !== '') return program(given, given, []);
  try {
    const library = await pullArtifact(xllamacpp, signal ? { signal } : {});
    return program('llama.cpp build 11549, of the PyPI package xllamacpp', 'python3', [launcher, library]);
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return { reason: `no llama-server found: set MILLRACE_LLAMA_SERVER to the path of one (${messageOf(error)})` };
  }
}

const program = (name: string, command: string, before: readonly string[]): LlamaServerProgram => ({
  name,
  options: ({ modelPath, parallel, contextTokens, threads }) => ({
    command,
    args: [
      ...before,
      ...['-m', modelPath, '--host', '{host}', '--port', '{port}', '--metrics'],
      ...['--parallel', String(parallel), '-c', String(parallel * contextTokens), '-t', String(threads)],
    ],
    server: 'llama-server',
    model: 'local',
    contextTokens,
    maxCalls: parallel,
    readyWithinMs: 60_000,
  }),
});
