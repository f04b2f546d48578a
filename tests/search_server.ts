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
