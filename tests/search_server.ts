import { readVersions } from "../dev/server_versions.ts";

const { product, version } = readVersions().search;
const isOldElasticsearch = product === "elasticsearch" &&
  Number.parseInt(version) < 8;

/** What the server of the tests calls a document that its mapping refuses: newer releases of Elasticsearch have a name of their own. */
export const PARSING_ERROR = product === "opensearch" || isOldElasticsearch
  ? "mapper_parsing_exception"
  : "document_parsing_exception";

/** Whether the server of the tests refuses a document of thousands of levels; older Elasticsearch ends itself by its StackOverflowError. */
export const REFUSES_DEPTH = !isOldElasticsearch;

/** Whether the server of the tests runs ingest pipelines; the node that OpenSearch's runner starts has no such role. */
export const RUNS_PIPELINES = product === "elasticsearch";

/** Whether the server of the tests has `flattened` fields; OpenSearch's are `flat_object`. */
export const KNOWS_FLATTENED = product === "elasticsearch";

/** Whether the server of the tests finds vectors in nested objects: Elasticsearch does from 8.11 on. */
export const FINDS_NESTED_VECTORS = product === "elasticsearch" &&
  isFrom([8, 11]);

function isFrom([major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor > major || ownMajor === major && ownMinor >= minor;
}
