import { readVersions } from "../dev/server_versions.ts";

const { product, version } = readVersions().search;

/** What the server of the tests calls a document that its mapping refuses: newer releases of Elasticsearch have a name of their own. */
export const PARSING_ERROR =
  product === "opensearch" || Number.parseInt(version) < 8
    ? "mapper_parsing_exception"
    : "document_parsing_exception";
