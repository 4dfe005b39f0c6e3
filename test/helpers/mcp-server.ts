import { spawn } from 'node:child_process';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** A server of the Model Context Protocol with tools that behave, and some that do not. As a program it speaks over its standard input and output, with `http` as its argument it listens and says where. */
function mcpServer(): McpServer {
  const server = new McpServer({ name: 'test', version: '1' });
  const text = (said: string, isError = false): { content: { type: 'text'; text: string }[]; isError: boolean } => ({
    content: [{ type: 'text', text: said }],
    isError,
  });
  const register = (
    name: string,
    description: string,
    run: (input: { text?: string | undefined }) => ReturnType<typeof text> | Promise<never>,
  ): void => {
    server.registerTool(name, { description, inputSchema: { text: z.string().optional() } }, run);
  };
  server.registerTool('say-again', { description: 'Says it again.', inputSchema: { text: z.string() } }, ({ text: said }) =>
    text(`again: ${said}`),
  );
  register('environment', 'Its environment.', () => text(JSON.stringify(process.env)));
  register('fail', 'Fails.', () => text('no luck today', true));
  register('hang', 'Never answers.', () => new Promise(() => undefined));
  register('die', 'Ends the server.', () => {
    console.error('these are my last words');
    process.exit(3);
  });
  register('flood', 'Answers without end.', () => text('x'.repeat(5_000_000)));
  register('child', 'Starts a process that stays.', () => text(String(spawn('sleep', ['600'], { stdio: 'ignore' }).pid)));
  server.registerTool(
    'big',
    { description: 'Its schema is too long.', inputSchema: { text: z.string().describe('x'.repeat(20_000)) } },
    () => text('never'),
  );
  return server;
}

if (process.argv[2] === 'http') {
  const http = createServer((request, response) => {
    if (request.headers.authorization !== 'Bearer TEST') response.writeHead(401).end();
    else {
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: request.url === '/json' });
      // its handlers may be undefined, which its own type says otherwise than its port
      void mcpServer()
        .connect(transport as Parameters<McpServer['connect']>[0])
        .then(() => transport.handleRequest(request, response));
    }
  });
  http.listen(0, '127.0.0.1', () => console.log((http.address() as AddressInfo).port));
} else await mcpServer().connect(new StdioServerTransport());
