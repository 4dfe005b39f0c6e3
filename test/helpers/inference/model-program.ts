import { type ModelServer, startModelServer } from './model-server.ts';

// The toy language behind HTTP as a program of its own: `model-program.ts PORT`. What it has done is to be read at /seen.
const server: ModelServer = await startModelServer('llama-server', {
  port: Number(process.argv[2]),
  beside: { '/health': () => 'ok', '/seen': () => ({ working: server.running(), done: server.done() }) },
});
