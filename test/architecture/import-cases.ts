/** For each import rule a little tree that breaks it, and only it: file → what it imports. */
export const importCases: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'no-cycles': { 'src/flow/a.ts': ['./b.ts'], 'src/flow/b.ts': ['./a.ts'] },
  'everything-resolves': { 'src/flow/a.ts': ['./gone.ts'] },
  'vocabulary-imports-nothing': { 'src/record/envelope.ts': ['rxjs'] },
  'calls-know-vocabulary': { 'src/call.ts': ['./policies/permits.ts'], 'src/policies/permits.ts': [] },
  'state-machines-are-pure': { 'src/flow/window.state.ts': ['rxjs'] },
  'ports-know-no-adapter': { 'src/transport/transport.ts': ['./memory/broker.ts'], 'src/transport/memory/broker.ts': [] },
  'adapters-are-islands': { 'src/transport/kafka/source.ts': ['../memory/broker.ts'], 'src/transport/memory/broker.ts': [] },
  'adapters-know-no-plumbing': { 'src/inference/openai/chat.ts': ['../../flow/window.ts'], 'src/flow/window.ts': [] },
  'a-pool-of-models-knows-policies-alone': { 'src/inference/route/router.ts': ['../../flow/window.ts'], 'src/flow/window.ts': [] },
  'kafkajs-has-one-home': { 'src/flow/sink.ts': ['kafkajs'] },
  'node-llama-cpp-has-one-home': { 'src/inference/model.ts': ['node-llama-cpp'] },
  'openai-has-one-home': { 'src/inference/scripted/chat.ts': ['openai'] },
  'chardet-has-one-home': { 'src/runtime/decode.ts': ['chardet'] },
  'htmlparser2-has-one-home': { 'src/runtime/decode.ts': ['htmlparser2'] },
  'hyparquet-has-one-home': { 'src/runtime/decode.ts': ['hyparquet'] },
  'hyparquet-compressors-has-one-home': { 'src/runtime/decode.ts': ['hyparquet-compressors'] },
  'unpdf-has-one-home': { 'src/runtime/decode.ts': ['unpdf'] },
  'avsc-has-one-home': { 'src/runtime/decode.ts': ['avsc'] },
  'ajv-has-one-home': { 'src/runtime/decode.ts': ['ajv'] },
  'ajv-formats-has-one-home': { 'src/codec/json.ts': ['ajv-formats'] },
  'minisearch-has-one-home': { 'src/tools/web-search.ts': ['minisearch'] },
  'robots-parser-has-one-home': { 'src/tools/web-visit.ts': ['robots-parser'] },
  '@modelcontextprotocol/sdk-has-one-home': { 'src/tools/tool.ts': ['@modelcontextprotocol/sdk/types.js'] },
  'prom-client-has-one-home': { 'src/runtime/stats.ts': ['prom-client'] },
  'fastify-has-one-home': { 'src/serve/health.ts': ['fastify'] },
  'yaml-has-one-home': { 'src/serve/health.ts': ['yaml'] },
  'pino-has-one-home': { 'src/runtime/runner.ts': ['pino'] },
  'commander-has-one-home': { 'src/runtime/options.ts': ['commander'] },
  'ora-has-one-home': { 'pipelines/reviews/command.ts': ['ora'] },
  'runtime-is-given-its-adapters': { 'src/runtime/runner.ts': ['../transport/memory/broker.ts'], 'src/transport/memory/broker.ts': [] },
  'what-ships-knows-no-kit': { 'src/runtime/runner.ts': ['../simulation/world.ts'], 'src/simulation/world.ts': [] },
  'the-kit-runs-without-vendors': { 'src/simulation/world.ts': ['vitest'] },
  'src-never-looks-up': { 'src/runtime/runner.ts': ['../../operators/split.ts'], 'operators/split.ts': [] },
  'only-the-cli-composes': { 'src/runtime/runner.ts': ['../cli/options.ts'], 'src/cli/options.ts': [] },
  'the-cli-knows-pipelines-by-their-command': {
    'src/cli/main.ts': ['../../pipelines/reviews/schema.ts'],
    'pipelines/reviews/schema.ts': [],
  },
  'operators-know-values-not-plumbing': { 'operators/split.ts': ['../src/flow/window.ts'], 'src/flow/window.ts': [] },
  'pipelines-use-the-public-face': { 'pipelines/reviews/pipeline.ts': ['../../src/flow/window.ts'], 'src/flow/window.ts': [] },
  'code-never-imports-tests': { 'src/runtime/runner.ts': ['../../test/helpers/marbles.ts'], 'test/helpers/marbles.ts': [] },
};

/**
 * Parts of a rule's pattern that match no file yet, each with the reason. An entry whose files have come must go.
 */
export const notYet: Readonly<Record<string, string>> = {};
