import { describe, expect, it } from 'vitest';
import { processEnd, spoilsDevice } from '../../../src/inference/llama/process-end.ts';

describe('how a process ended', () => {
  it.each([
    ['SIGSEGV', null, '', 'itself', /^process 7, SIGSEGV$/],
    [null, 3, '', 'itself', /^process 7, exit code 3$/],
    ['SIGKILL', null, '', 'outside', /SIGKILL; it was killed from outside.*short of memory/],
    ['SIGTERM', null, '', 'outside', /^process 7, SIGTERM$/],
    ['SIGABRT', null, 'a\nggml-cuda.cu:71: CUDA error: device-side assert triggered\nb', 'itself', /triggered; set CUDA_LAUNCH_BLOCKING=1/],
    [
      'SIGKILL',
      null,
      'vk::Queue::submit: ErrorDeviceLost',
      'itself',
      /ErrorDeviceLost; set VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation/,
    ],
    ['SIGABRT', null, 'error: command buffer 0 failed with status 5', 'itself', /MTL_DEBUG_LAYER=1/],
    [
      'SIGABRT',
      null,
      'llama-context.cpp:919: GGML_ASSERT(n > 0) failed',
      'itself',
      /919: GGML_ASSERT\(n > 0\) failed; an assertion of llama\.cpp/,
    ],
    ['SIGABRT', null, 'FATAL ERROR: Zone Allocation failed - process out of memory', 'itself', /lower llama\.sequences/],
  ] as const)('%s %s %j', (signal, code, said, by, how) => {
    const end = processEnd(7, signal, code, said);
    expect(end.by).toBe(by);
    expect(end.how).toMatch(how);
  });
});

describe('an error that spoils the device', () => {
  it.each([
    ['CUDA error: an illegal memory access was encountered', true],
    ['vk::Device::waitForFences: ErrorDeviceLost', true],
    ['failed to find a memory slot for batch of size 8', false],
    ['the prompt is too long', false],
  ])('%s: %s', (message, spoils) => {
    expect(spoilsDevice(message)).toBe(spoils);
  });
});
