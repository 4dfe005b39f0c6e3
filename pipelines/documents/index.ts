// Documents through models, from code: `import { runDocuments } from 'millrace/documents'`.
export type { DocumentInput, DocumentResult, DocumentUsage, Failure, Missing } from './document.ts';
export {
  mergeClassifications,
  type ClassificationPart,
  type MergeClassificationsOptions,
  type MergedClassification,
} from './merge/merge-classifications.ts';
export { mergeEmbeddings, type EmbeddingPart } from './merge/merge-embeddings.ts';
export {
  mergeExtractions,
  type ExtractionConflict,
  type ExtractionPart,
  type Json,
  type MergedExtraction,
} from './merge/merge-extractions.ts';
export { mergeKeywords, type KeywordsPart, type MergeKeywordsOptions } from './merge/merge-keywords.ts';
export { mergeResults, type MergedResults } from './merge/merge-results.ts';
export { mergeText, type MergeTextOptions, type TextPart } from './merge/merge-text.ts';
export type { NamedResource } from './pipeline.ts';
export { runDocuments } from './run-documents.ts';
export type { DocumentsSummary, RunDocumentsOptions } from './run-options.ts';
export { type DocumentsSettings, presets } from './settings.ts';
export { parseTask } from './tasks/parse-task.ts';
export { topicDocuments, type TopicDocumentsOptions } from './topic-documents.ts';
export type { Asked, AskSettings, MergeTools, Part, Question, Task, TaskOptions } from './tasks/task.ts';
