import { expect, it } from 'vitest';
import { machineParts, placementsFor } from '../../../src/inference/llama/placements.ts';

const anywhere = { env: {}, cpus: undefined };
const onGpu = (device: string) => ({ env: { CUDA_VISIBLE_DEVICES: device }, cpus: undefined });
const onCpus = (cpus: string) => ({ env: {}, cpus });
const plain = { gpus: [], cpuSets: ['0-1'] };
const nodes = { gpus: [], cpuSets: ['0-7', '8-15'] };
const gpus = { gpus: ['0', '1'], cpuSets: ['0-7', '8-15'] };

it.each([
  { processes: 1, gpu: 'auto', parts: gpus, expected: [anywhere] },
  { processes: 2, gpu: 'auto', parts: plain, expected: [anywhere, anywhere] },
  { processes: 3, gpu: 'cuda', parts: gpus, expected: [onGpu('0'), onGpu('1'), onGpu('0')] },
  { processes: 2, gpu: 'auto', parts: { ...gpus, gpus: ['0'] }, expected: [anywhere, anywhere] },
  { processes: 2, gpu: false, parts: gpus, expected: [onCpus('0-7'), onCpus('8-15')] },
  { processes: 'auto', gpu: 'auto', parts: plain, expected: [anywhere] },
  { processes: 'auto', gpu: 'auto', parts: gpus, expected: [onGpu('0'), onGpu('1')] },
  { processes: 'auto', gpu: 'vulkan', parts: nodes, expected: [onCpus('0-7'), onCpus('8-15')] },
  { processes: 'auto', gpu: false, parts: nodes, expected: [onCpus('0-7'), onCpus('8-15')] },
] as const)('$processes of $gpu on $parts', ({ processes, gpu, parts, expected }) => {
  expect(placementsFor(processes, gpu, parts)).toEqual(expected);
});

const seen = (devices: string) => ({ env: { CUDA_VISIBLE_DEVICES: devices }, cpus: undefined });

it.each([
  { processes: 1, gpu: 'auto', devices: ['1', '2'], expected: [seen('1,2')] },
  { processes: 'auto', gpu: 'cuda', devices: ['1', 'GPU-8a'], expected: [seen('1'), seen('GPU-8a')] },
  { processes: 2, gpu: 'cuda', devices: ['3'], expected: [seen('3'), seen('3')] },
  { processes: 1, gpu: 'vulkan', devices: ['1'], expected: [{ env: { GGML_VK_VISIBLE_DEVICES: '1' }, cpus: undefined }] },
] as const)('$processes of $gpu on the devices $devices, whatever the machine has', ({ processes, gpu, devices, expected }) => {
  expect(placementsFor(processes, gpu, gpus, devices)).toEqual(expected);
});

it('reads the parts of this machine', () => {
  const { gpus: found, cpuSets } = machineParts();
  expect([Array.isArray(found), cpuSets.every((cpus) => /^[\d,-]+$/.test(cpus))]).toEqual([true, true]);
});
