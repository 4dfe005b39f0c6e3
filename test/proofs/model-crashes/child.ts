import type { ToChild } from '../../../src/inference/llama/protocol.ts';

/*
 * The engine's process, which can be brought down from within: SIGUSR2 aborts, SIGUSR1 fills the memory until whatever limit there is,
 * and a chat that names poison is a segmentation fault as soon as it comes.
 */

process.on('SIGUSR2', () => {
  process.abort();
});
process.on('SIGUSR1', () => {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length));
});
process.on('message', (message: ToChild) => {
  const isPoison = message.kind === 'start' && message.work.kind === 'chat' && message.work.turns.at(-1)?.content.includes('poison');
  if (isPoison === true) process.kill(process.pid, 'SIGSEGV');
});
await import('../../../src/inference/llama/child/main.ts');
