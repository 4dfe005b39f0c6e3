// The public face. Adapters load their vendor (kafkajs, node-llama-cpp, openai) when they are first used, not here.
export { type Pipeline, type PipelineSpec, type Topic, type Topics, definePipeline, topic } from './pipeline.ts';
export type { DefaultRetry, RetryTopic, RetryTopics } from './retry-options.ts';
export { type App, start } from './runtime/start.ts';
export type { StartOptions } from './runtime/options.ts';
export type { MemoryGuardOptions } from './runtime/memory-guard.ts';
export type { StatsSnapshot } from './runtime/stats.ts';
export { type HttpService, serveHttp, type ServeHttpOptions } from './serve/serve-http.ts';
export type { Served } from './serve/metrics.ts';
export { serveModels, type ServedTopics, type ServeModelsOptions, type Service } from './service/serve-models.ts';
export { viaTopic, type ViaTopicOptions } from './service/via/via-topic.ts';
export type { ServiceKey } from './service/callers.ts';
export type { GenerationChunk, GenerationEnd, GenerationEvent, GenerationFailure } from './service/generation.state.ts';
export type { GenerationRequest } from './service/generate-routes.ts';
export type { ServiceReport } from './service/health-routes.ts';
export type { LifecycleState } from './runtime/lifecycle.state.ts';
export { createLogger, type Log, type LoggerSettings, type LogLevel, silentLog } from './runtime/logging.ts';
export { type Client, connect, type ConnectOptions } from './runtime/connect.ts';
export type { ConsumedRecord, ConsumeFromOptions } from './runtime/read-records.ts';
export type { NewRecord, ProduceRecordsOptions } from './runtime/record-writer.ts';

export { type BatchEnvelope, Envelope, type RoutedEnvelope } from './record/envelope.ts';
export type { OutputFields } from './record/output-fields.ts';
export type { Ordering } from './record/ordering.ts';
export {
  type ContextChange,
  type ContextField,
  contextHeaderNames,
  contextHeaders,
  type RecordContext,
} from './record/record-context.ts';
export { formatPosition, type Header, headerText, type OutputPosition, type Position, type RecordHeaders } from './record/record.ts';
export { modelHeaderNames, type ModelUse } from './record/spending.ts';
export { degradedHeader } from './record/degraded.ts';
export { deadLetterHeaders } from './flow/dead-letters.ts';
export {
  type Command,
  type CommandArgument,
  type CommandContext,
  type CommandOption,
  type CommandOptions,
  type CommandSettings,
  type CommandSpec,
  defineCommand,
  type GivenOptions,
  type OpenedTransport,
  type OpenTransportOptions,
  type Output,
} from './command.ts';
export { keyFrom } from './key-from.ts';
export { makeFolder } from './make-folder.ts';
export { nearest } from './nearest.ts';
export { showPull } from './show-pull.ts';
export { topicPrefixFrom } from './topic-prefix-from.ts';
export { writeWhole } from './write-whole.ts';
export type { PullProgress } from './artifacts/artifact.ts';
export { call, type CallContext } from './call.ts';
export { type Clock, systemClock } from './clock.ts';
export { type OpenContext, type Opened, type Resource, sharedResource } from './resource.ts';
export { classify } from './classify.ts';
export * from './errors.ts';

export { journal } from './journal/journal.ts';
export type { Journal, JournalCounts, JournalEntry, JournalOptions } from './journal/journal-port.ts';
export { cannotWrite } from './report/cannot-write.ts';
export { ResultsFile } from './report/results-file.ts';
export { runMonitor, type RunMonitor, type RunMonitorOptions } from './report/run-monitor.ts';
export type { Distribution } from './report/internal/histogram.state.ts';
export type * from './report/run-snapshot.state.ts';
export { showProgress, type ShowProgressOptions } from './report/show-progress.ts';
export type { RunReport } from './report/run-report.ts';
export { writeReport } from './report/write-report.ts';

export { aboutEvidence, asEvidence, evidenceBoundary } from './tools/as-evidence.ts';
export { calculator } from './tools/calculator.ts';
export type { CorpusPage } from './tools/corpus-page.ts';
export { type Corpus, localCorpus, type LocalCorpusOptions } from './tools/local-corpus.ts';
export { mcpTools, type McpToolsOptions } from './tools/mcp-tools.ts';
export { pythonInterpreter, type PythonInterpreterOptions } from './tools/python-interpreter.ts';
export { searchApi, type SearchApiOptions } from './tools/search-api.ts';
export type { SearchHit } from './tools/search-hit.ts';
export type { ToolSource } from './tools/tool-source.ts';
export { runTool, type RunToolOptions, type Tool, tool, type ToolBudget, type ToolContext, type ToolResult } from './tools/tool.ts';
export { toolsFrom, type ToolsFromOptions } from './tools/tools-from.ts';
export { type SearchFunction, webSearch, type WebSearchOptions } from './tools/web-search.ts';
export { webVisit, type WebVisitOptions } from './tools/web-visit.ts';

export { decodeText, type DecodedText, type DecodeTextOptions } from './text/decode-text.ts';
export type { DocumentContent, DocumentSource } from './text/document-source.ts';
export { documentsIn, type DocumentsInOptions } from './text/documents-in.ts';
export { normaliseText } from './text/normalise-text.ts';
export { readDocument, type ReadDocument, type ReadDocumentOptions } from './text/read-document.ts';
export { sentencesOf } from './text/sentences-of.ts';
export { type Chunk, splitText, type SplitTextOptions } from './text/split-text.ts';

export type { Codec, CodecUse, OpenCodec } from './codec/codec.ts';
export { avro, type AvroOptions } from './codec/avro/avro.ts';
export { avroFile, type AvroFile, type AvroFileReader } from './codec/avro/avro-file.ts';
export type { AvroFileCodec } from './codec/avro/file-blocks.ts';
export type { AvroFileHeader } from './codec/avro/file-header.ts';
export type { AvroFileDamage, AvroFileOptions } from './codec/avro/file-options.ts';
export type { AvroFileReading } from './codec/avro/file-reader.ts';
export type { RegisteredAvroOptions } from './codec/avro/registered-avro.ts';
export type { AvroSchema } from './codec/avro/avro-schema.ts';
export type { AvroDuration, AvroInput, AvroValue } from './codec/avro/avro-value.ts';
export { bytes } from './codec/bytes.ts';
export { either, type EitherOptions } from './codec/either.ts';
export { json, type JsonOptions } from './codec/json.ts';
export { jsonSchema, type JsonSchemaOptions } from './codec/json-schema/json-schema.ts';
export type { JsonSchemaObject } from './codec/json-schema/compile-json-schema.ts';
export type { JsonSchemaValue } from './codec/json-schema/json-schema-value.ts';
export { subjectSchema, type SubjectSchemaOptions } from './codec/json-schema/subject-schema.ts';
export { memoryRegistry, type MemoryRegistry, type MemoryRegistryOptions } from './codec/memory-registry.ts';
export { nullable } from './codec/nullable.ts';
export { registry } from './codec/registry/registry.ts';
export type { RegistryAuth, RegistryOptions, RegistryTls } from './codec/registry/registry-options.ts';
export type * from './codec/schema-registry.ts';
export type { SubjectParts, SubjectStrategy } from './codec/internal/subject-name.ts';
export { text } from './codec/text.ts';

export type * from './transport/transport.ts';
export { kafka, type KafkaOptions } from './transport/kafka/kafka.ts';
export { memory, type MemoryOptions } from './transport/memory/memory.ts';

export type * from './inference/model.ts';
export { completeModel } from './inference/complete-model.ts';
export { definePrompt, type PromptExample, type PromptPart, type PromptSpec } from './inference/define-prompt.ts';
export { estimateCall } from './inference/estimate-call.ts';
export { labelByExamples, type LabelByExamplesOptions, type LabelText } from './inference/label-by-examples.ts';
export { llama, type LlamaOptions } from './inference/llama/llama.ts';
export { modelToPull } from './inference/model-to-pull.ts';
export { namedModel, type NamedModelOptions } from './inference/named-model.ts';
export { openAiCompatible, type OpenAiCompatibleOptions } from './inference/openai/openai-compatible.ts';
export { server, type ServerOptions } from './inference/openai/server/server.ts';
export {
  type BatchProgress,
  type BatchReply,
  type BatchRequest,
  type BatchResult,
  type ModelBatches,
  openAiBatches,
  type OpenAiBatchesOptions,
} from './inference/openai/openai-batches.ts';
export {
  type ChatTemplate,
  type ClassifyTask,
  type GenerateOptions,
  type SequencePlace,
  type TensorTask,
  triton,
  type TritonOptions,
} from './inference/triton/triton.ts';
export { scripted } from './inference/scripted/scripted.ts';
export {
  route,
  type RoutedModel,
  type RouteHealth,
  type RouteHedge,
  type RouteMember,
  type RouteOptions,
  type RoutePolicy,
} from './inference/route/route.ts';
export {
  answering,
  type AnsweringModel,
  type AnsweringOptions,
  type AskLonger,
  type AskOther,
  type Skip,
  type Summarise,
  type Truncate,
} from './inference/route/answering.ts';
export { cascade, type CascadeModel, type CascadeOptions, type Unsure } from './inference/route/cascade.ts';
export type { CascadeResult } from './inference/route/unsure.ts';
export {
  type ComparingCalls,
  type Comparison,
  type Opinion,
  type ParallelMember,
  parallelModels,
  type ParallelModels,
  type ParallelModelsOptions,
} from './inference/route/parallel-models.ts';

export { adaptive, type AdaptiveOptions, type AdaptiveSize } from './policies/adaptive.ts';
export type { CallOutcome, Release } from './policies/call-outcome.ts';
export { callCache, type CallCache, type CallCacheOptions } from './policies/call-cache.ts';
export type { CallStore, OpenCallStore, StoredAnswers } from './policies/call-store.ts';
export type { LogUser, PipelineLog } from './policies/pipeline-log.ts';
export { topicStore, type TopicStoreOptions } from './policies/topic-store.ts';
export { callKey, type CallKeyParts } from './policies/call-key.ts';
export { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions } from './policies/circuit-breaker.ts';
export { adaptiveLimit, type AdaptiveLimitOptions } from './policies/adaptive-limit.ts';
export { type BackEnd, overloadAnswers, type OverloadAnswers } from './policies/overload-answers.ts';
export { engineGate, type EngineGate, type GateRequest } from './policies/engine-gate.ts';
export type { EngineGateOptions, EngineSource, MeasuredEngine } from './policies/engine-gate-options.ts';
export type { EngineLoad } from './policies/engine-gate.state.ts';
export { permits, type Permits } from './policies/permits.ts';
export type { PolicyState, WatchedPolicy } from './policies/policy-state.ts';
export { learnedP95, type LearnedP95Options, type Reserve } from './policies/learned-p95.ts';
export { rateLimit, type RateLimit, type RateLimitOptions } from './policies/rate-limit.ts';
export { retryBudget, type RetryBudget, type RetryBudgetOptions } from './policies/retry-budget.ts';
export {
  type ClassOptions,
  type PrefixOptions,
  schedule,
  type Schedule,
  type ScheduledRecord,
  type ScheduleOptions,
  type ServiceClass,
  type TenantOptions,
} from './policies/schedule.ts';
export {
  tokenBudget,
  type ResponseHeaders,
  type TokenBudget,
  type TokenBudgetOptions,
  type TokenEstimate,
  type TokenPrices,
  type TokenUsage,
} from './policies/token-budget.ts';
export { writableFolder } from './writable-folder.ts';
