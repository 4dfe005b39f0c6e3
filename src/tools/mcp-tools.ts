import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type OptionNames, requireObject, requireOptions } from '../check-options.ts';
import { abortReason, atMost, type Clock, systemClock } from '../clock.ts';
import { messageOf, OptionError, PipelineError, requireInteger, requireText, ToolError } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { boundedFetch, mostMessageBytes } from './internal/mcp/bounded-fetch.ts';
import { descriptionOf, nameOf, remoteInput, type RemoteTool, textOfResult, whyTooMuch } from './internal/mcp/remote-tool.ts';
import { StdioTransport } from './internal/mcp/stdio-transport.ts';
import { type Tool, tool } from './tool.ts';
import type { ToolSource } from './tool-source.ts';

export interface McpToolsOptions {
  /** Stands before the name of each of its tools: `NAME_TOOL`. 1 to 32 letters, digits or `_`, a letter first. */
  readonly name: string;
  /** The program that is the server, spoken to over its standard input and output. Either this or `url`. */
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  /** Its whole environment: what is not named here it does not see, PATH included. @defaultValue empty */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Where it runs. @defaultValue here */
  readonly cwd?: string | undefined;
  /** Where the server listens (streamable HTTP). */
  readonly url?: string | undefined;
  /** Of each request, such as `authorization`. Never shown. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Which of its tools, by the names that the server gives them. @defaultValue all, up to 128 */
  readonly tools?: readonly string[] | undefined;
  /** For the start until the list of tools is there, in ms. @defaultValue 30,000 */
  readonly startTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

const names: OptionNames<McpToolsOptions> = {
  ...{ name: true, command: true, args: true, env: true, cwd: true, url: true, headers: true, tools: true, startTimeoutMs: true },
  ...{ signal: true, clock: true },
};
const prefixForm = /^[A-Za-z]\w{0,31}$/;
const mostTools = 128;
const mostListed = 1_000;
/** The SDK's own time for a call; ours is the budget's. */
const noTimeoutMs = 2 ** 31 - 1;
const closeMs = 2_000;

/** A server that is spoken to, and how it ended. */
interface Connection {
  readonly client: Client;
  readonly transport: Transport;
  readonly endOf: () => string | undefined;
  readonly close: () => Promise<void>;
}

/**
 * The tools of a server of the Model Context Protocol, through the official SDK: a program of one's own (`command`) or one that listens (`url`, streamable HTTP). Tools that cannot be taken are left out, and `leftOut` says why.
 * The descriptions of a server become instructions to the model: connect to those that you trust.
 *
 * A server that ends, or does not answer, is a failed call, never the end of this process; it is not started anew. Messages of more than 4 MiB end it. Closing ends it with all processes that it started.
 * @throws OptionError for options outside their ranges. PipelineError `missing_dependency` without the package `@modelcontextprotocol/sdk`, `resource_failed` where the server does not start or answer, with its last words; the
 * signal's reason. From a tool's run: ToolError `tool_failed`.
 */
export async function mcpTools(options: McpToolsOptions): Promise<ToolSource> {
  requireMcpOptions(options);
  const { name, startTimeoutMs = 30_000, clock = systemClock, signal } = options;
  throwIfAborted(signal);
  const connection = await connectionOf(options, clock);
  const ended = new AbortController();
  const onAbort = (): void => ended.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.schedule(startTimeoutMs, () => ended.abort(new Error(`it took longer than ${String(startTimeoutMs)} ms`)));
  try {
    await connection.client.connect(connection.transport, { signal: ended.signal, timeout: noTimeoutMs });
    const listed = await listTools(connection, ended.signal);
    return { ...takeTools(options, listed, connection), close: connection.close };
  } catch (error) {
    const why = connection.endOf() ?? messageOf(ended.signal.aborted ? ended.signal.reason : error);
    await connection.close();
    throwIfAborted(signal);
    throw new PipelineError('resource_failed', `the MCP server ${name} could not be started: ${withoutSecrets(why)}`);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw abortReason(signal);
};

async function connectionOf(options: McpToolsOptions, clock: Clock): Promise<Connection> {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js').catch((cause: unknown) => {
    throw new PipelineError(
      'missing_dependency',
      'mcpTools takes the package @modelcontextprotocol/sdk; install it: npm install @modelcontextprotocol/sdk',
      { cause },
    );
  });
  // it declares nothing that a server could ask of us: no files, no model, no questions to people
  const client = new Client({ name: 'millrace', version: '1' }, { capabilities: {} });
  const { command, args = [], env = {}, cwd, url, headers = {} } = options;
  if (command !== undefined) {
    const { ReadBuffer, serializeMessage } = await import('@modelcontextprotocol/sdk/shared/stdio.js');
    const lines = { buffer: new ReadBuffer({ maxBufferSize: mostMessageBytes }), write: serializeMessage };
    const transport = new StdioTransport({ command, args, env, cwd }, lines, clock);
    return { client, transport, endOf: () => transport.end, close: () => transport.close() };
  }
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  let end: string | undefined;
  const fetchWithin = (to: string | URL, init?: RequestInit): Promise<Response> =>
    boundedFetch(to, init, () => {
      end = 'it sent a message that is too long';
      void client.close();
    });
  const http = new StreamableHTTPClientTransport(new URL(url ?? ''), { requestInit: { headers: { ...headers } }, fetch: fetchWithin });
  const close = async (): Promise<void> => {
    await atMost(clock, closeMs, http.terminateSession()); // a server that does not answer has lost us anyhow
    await client.close();
  };
  // its session may be undefined, which its own type says otherwise than its port
  return { client, transport: http, endOf: () => end, close };
}

async function listTools({ client }: Connection, signal: AbortSignal): Promise<readonly RemoteTool[]> {
  const { ListToolsResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const listed: RemoteTool[] = [];
  let cursor: string | undefined;
  do {
    // not client.listTools(), which compiles what the server says of its outputs
    const page = await client.request({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } }, ListToolsResultSchema, {
      signal,
      timeout: noTimeoutMs,
    });
    listed.push(...page.tools);
    cursor = page.nextCursor;
    if (listed.length > mostListed || (cursor !== undefined && page.tools.length === 0)) {
      throw new Error(`expected a list of at most ${String(mostListed)} tools, got one without an end`);
    }
  } while (cursor !== undefined);
  return listed;
}

function takeTools(options: McpToolsOptions, listed: readonly RemoteTool[], connection: Connection): Omit<ToolSource, 'close'> {
  const wanted = options.tools;
  const missing = wanted?.find((one) => !listed.some(({ name }) => name === one));
  if (missing !== undefined)
    throw new Error(
      `it has no tool ${JSON.stringify(missing)}; it has ${listed
        .map(({ name }) => name)
        .join(', ')
        .slice(0, 500)}`,
    );
  const [tools, leftOut]: [Tool[], string[]] = [[], []];
  const taken = new Set<string>();
  for (const remote of listed.filter(({ name }) => wanted?.includes(name) ?? true)) {
    const own = nameOf(options.name, remote, taken);
    const why =
      'why' in own
        ? own.why
        : (whyTooMuch(remote.inputSchema) ?? (tools.length >= mostTools ? `there are ${String(mostTools)} before it` : undefined));
    if (why !== undefined || 'why' in own) {
      leftOut.push(`${remote.name.slice(0, 100)}: ${why ?? ''}`);
      continue;
    }
    taken.add(own.name);
    tools.push(toolOf(own.name, options.name, remote, connection));
  }
  return { tools, leftOut };
}

function toolOf(name: string, server: string, remote: RemoteTool, { client, endOf }: Connection): Tool<Readonly<Record<string, unknown>>> {
  return tool({
    name,
    description: descriptionOf(remote),
    input: remoteInput(remote.inputSchema),
    inputJsonSchema: remote.inputSchema,
    run: async (input, { signal }) => {
      const { CallToolResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
      const params = { name: remote.name, arguments: { ...input } };
      const result = await client
        .request({ method: 'tools/call', params }, CallToolResultSchema, { signal, timeout: noTimeoutMs })
        .catch((cause: unknown) => {
          if (signal.aborted) throw abortReason(signal);
          const end = endOf();
          const why = end === undefined ? messageOf(cause) : `the MCP server ${server} is gone, ${end}`;
          throw new ToolError('tool_failed', `${name}: ${withoutSecrets(why).slice(0, 2_000)}`, { cause });
        });
      return { text: textOfResult(name, result), source: `mcp:${server}/${remote.name}` };
    },
  });
}

function requireMcpOptions(options: McpToolsOptions): void {
  requireOptions('mcpTools', options, names);
  const { name, command, args = [], env = {}, cwd, url, headers = {}, tools = [], startTimeoutMs = 1 } = options;
  if (typeof name !== 'string' || !prefixForm.test(name)) {
    throw new OptionError(`mcpTools.name must be 1 to 32 letters, digits or '_', a letter first, got ${JSON.stringify(name)}`);
  }
  if ((command === undefined) === (url === undefined)) {
    throw new OptionError(`mcpTools takes a command or a url, got ${command === undefined ? 'neither' : 'both'}`);
  }
  if (command !== undefined) requireText('mcpTools.command', command);
  if (cwd !== undefined) requireText('mcpTools.cwd', cwd);
  if (url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new OptionError('mcpTools.url must be an http or https URL');
  }
  for (const [what, list] of [
    ['args', args],
    ['tools', tools],
  ] as const) {
    if (!Array.isArray(list) || list.some((one) => typeof one !== 'string'))
      throw new OptionError(`mcpTools.${what} must be a list of texts`);
  }
  for (const [what, all] of [
    ['env', env],
    ['headers', headers],
  ] as const) {
    requireObject(`mcpTools.${what}`, all);
    const wrong = Object.entries(all).find(([, value]) => typeof value !== 'string');
    if (wrong !== undefined) throw new OptionError(`mcpTools.${what}.${wrong[0]} must be a text; is the variable set that it comes from?`);
  }
  requireInteger('mcpTools.startTimeoutMs', startTimeoutMs, 1);
}
