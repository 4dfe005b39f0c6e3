// A service that starts a process for each request: the program loads the model, answers, and ends.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { givenToWorker, reportFrom, startWorker } from '../../helpers/worker.ts';
import type { Task } from '../models/work.ts';

const task = givenToWorker() as Task;
const program = new URL('one-answer-program.ts', import.meta.url);
const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes) => (body += String(bytes)));
  request.on('end', () => {
    const { messages } = JSON.parse(body) as { readonly messages: readonly { readonly content: string }[] };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const worker = startWorker(program, { ...task, question: messages.at(-1)?.content ?? '' });
    const stream = async (): Promise<void> => {
      for (;;) {
        const { text, tokens } = await worker.next<{ readonly text?: string; readonly tokens?: number }>('piece');
        if (tokens === undefined) response.write(event({ choices: [{ index: 0, delta: { content: text } }] }));
        else {
          response.end(`${event({ choices: [], usage: { completion_tokens: tokens } })}data: [DONE]\n\n`);
          return;
        }
      }
    };
    stream().catch((error: unknown) => response.end(event({ error: { message: String(error) } })));
  });
});
server.listen(0, '127.0.0.1', () => reportFrom('ready', { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` }));
process.on('disconnect', () => process.exit(0));
