import type { EndedBy } from '../internal/suspects.state.ts';

/** How a model's process ended. */
export interface ProcessEnd {
  /** For messages: signal or exit code, pid, what it said last, and what to do. */
  readonly how: string;
  readonly by: EndedBy;
}

interface Cause {
  readonly says: RegExp;
  readonly help: string;
}

const cuda: Cause = {
  says: /CUDA error|cudaError|device-side assert|illegal memory access|unspecified launch failure|HIP error|ROCm error/i,
  help: 'set CUDA_LAUNCH_BLOCKING=1 (HIP: AMD_SERIALIZE_KERNEL=3) in the environment to be told the kernel that failed, GGML_CUDA_DISABLE_GRAPHS=1 to rule graphs out; llama({ gpu: false }) does without the device',
};
const vulkan: Cause = {
  says: /ErrorDeviceLost|ERROR_DEVICE_LOST|device (was )?lost/i,
  help: 'set VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation in the environment to be told what went wrong, and look into the log of the driver; llama({ gpu: false }) does without the device',
};
const metal: Cause = {
  says: /MTLCommandBuffer|command buffer \d+ failed|Metal.*(error|failed)/i,
  help: 'set MTL_DEBUG_LAYER=1 and MTL_SHADER_VALIDATION=1 in the environment to be told what went wrong; llama({ gpu: false }) does without the device',
};
/** After these the device context is spoiled: whatever is asked for next fails, or is wrong. */
const spoiling = [cuda, vulkan, metal];

const causes: readonly Cause[] = [
  ...spoiling,
  {
    says: /GGML_ASSERT|GGML_ABORT|ggml_abort/,
    help: 'an assertion of llama.cpp: look for it, with its file and line, in the issues of llama.cpp',
  },
  {
    says: /out of memory|bad_alloc|cannot allocate memory|std::length_error/i,
    help: 'memory ran out: lower llama.sequences, llama.contextTokens or llama.processes, or give the machine more',
  },
];

/** Whether an error tells that the device's context is spoiled: the process must end, as if it had crashed. */
export const spoilsDevice = (message: string): boolean => spoiling.some(({ says }) => says.test(message));

/** Signals that no native code ends by itself with. */
const fromOutside: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
const mostSaid = 300;

/** What is known of an end: `signal` or `code` of the process, and the last it wrote to its standard error. */
export function processEnd(pid: number | undefined, signal: string | null, code: number | null, lastWords: string): ProcessEnd {
  const lines = lastWords.split('\n').map((line) => line.trim());
  const cause = causes.find(({ says }) => lines.some((line) => says.test(line)));
  const said = cause && lines.find((line) => cause.says.test(line))?.slice(0, mostSaid);
  const ended = `process ${String(pid ?? '?')}, ${signal ?? `exit code ${String(code)}`}`;
  const by = signal !== null && fromOutside.has(signal) && !cause ? 'outside' : 'itself';
  const help = cause?.help ?? (signal === 'SIGKILL' ? killed : undefined);
  return { how: [ended, said, help].filter((part) => part !== undefined).join('; '), by };
}

const killed =
  'it was killed from outside, mostly by a system short of memory (see dmesg): lower llama.sequences or llama.contextTokens, or give the machine more';
