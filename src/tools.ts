// Tools alone, and what one's own needs, for processes that need no pipelines: `import { runTool } from 'millrace/tools'` loads a fiftieth of what `millrace` does.
export { aboutEvidence, asEvidence, evidenceBoundary } from './tools/as-evidence.ts';
export { calculator } from './tools/calculator.ts';
export { type Corpus, localCorpus, type LocalCorpusOptions } from './tools/local-corpus.ts';
export { mcpTools, type McpToolsOptions } from './tools/mcp-tools.ts';
export { pythonInterpreter, type PythonInterpreterOptions } from './tools/python-interpreter.ts';
export { searchApi, type SearchApiOptions } from './tools/search-api.ts';
export type { ToolSource } from './tools/tool-source.ts';
export { runTool, type RunToolOptions, type Tool, tool, type ToolBudget, type ToolContext, type ToolResult } from './tools/tool.ts';
export { toolsFrom, type ToolsFromOptions } from './tools/tools-from.ts';
export { type SearchFunction, webSearch, type WebSearchOptions } from './tools/web-search.ts';
export { webVisit, type WebVisitOptions } from './tools/web-visit.ts';
export { type Clock, systemClock } from './clock.ts';
export { isAbortError, isStreamError, messageOf, OptionError, StreamError, TimeoutError, ToolError } from './errors.ts';
