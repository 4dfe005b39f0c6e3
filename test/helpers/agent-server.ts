import type { ChatTurn } from '../../src/inference/model.ts';
import { mathAgent } from './math-agent.ts';
import { type OpenAiServer, type OpenAiServerOptions, startOpenAiServer } from './openai-server.ts';

/** The agent of mathematics behind HTTP. */
export const startAgentServer = (options: OpenAiServerOptions = {}): Promise<OpenAiServer> =>
  startOpenAiServer({
    reply: ({ body: { messages, seed } }) => {
      const turns = messages as readonly ChatTurn[];
      const text = turns.map(({ content }) => content).join('\n');
      const chance = typeof seed === 'number' ? { seed } : {};
      return { tokens: [mathAgent({ turns, text, nth: 1, options: chance, nowMs: 0, random: () => 0 })], usage: true };
    },
    ...options,
  });
