import { z } from "zod";
import { isWritten } from "./config_postgres.ts";
import {
  byteSize,
  duration,
  list,
  present,
  section,
  text,
  wholeNumber,
} from "./config_scalars.ts";
import { pemFile, secretFile } from "./config_secrets.ts";

const NODE = "write the address of a node, such as https://localhost:9200";

/** How to reach Elasticsearch. */
export interface ElasticsearchConfig {
  readonly nodes: readonly string[];
  readonly auth?:
    | { readonly username: string; readonly password: string }
    | { readonly apiKey: string };
  /** Authorities that the certificates are verified by, as PEM text. */
  readonly ca?: string;
  readonly requestTimeoutMs: number;
  /** The size of a bulk request's body at most. */
  readonly maxBytes: number;
  /** How many bulk requests are out at once at most. */
  readonly concurrency: number;
}

/** Schema of the section `elasticsearch`; files are found from `folder`. */
export function elasticsearchSchema(
  folder: string,
): z.ZodType<ElasticsearchConfig> {
  return section({
    node: nodeUrl().optional(),
    nodes: list(nodeUrl(), `${NODE}, after each dash`).optional(),
    username: text("write the name of a user").optional(),
    password: text("write the password").optional(),
    password_file: secretFile(folder).optional(),
    api_key: text("write the key, encoded as it was given out").optional(),
    api_key_file: secretFile(folder).optional(),
    ca_file: pemFile(folder, "certificate").optional(),
    request_timeout: duration({ from: "100ms", to: "1d" }).prefault("60s"),
    max_bytes: byteSize({ from: "1KB", to: "100MB" }).prefault("2MB"),
    concurrency: wholeNumber({ from: "1", to: "32" }).prefault("4"),
  }).superRefine((written, context) => {
    for (const [key, message] of contradictions(written)) {
      context.addIssue({ code: "custom", path: [key], message });
    }
  }, { when: isWritten }).transform((written) => {
    const { node, nodes, username } = written;
    const password = written.password ?? written.password_file;
    const apiKey = written.api_key ?? written.api_key_file;
    const basic = username === undefined || password === undefined
      ? undefined
      : { username, password };
    const auth = apiKey === undefined ? basic : { apiKey };
    return {
      nodes: nodes ?? (node === undefined ? [] : [node]),
      ...present({ auth, ca: written.ca_file }),
      requestTimeoutMs: written.request_timeout,
      maxBytes: written.max_bytes,
      concurrency: written.concurrency,
    };
  });
}

/** Which keys of the section are there. */
type Written = Readonly<Partial<Record<Key, unknown>>>;

type Key =
  | "node"
  | "nodes"
  | "username"
  | "password"
  | "password_file"
  | "api_key"
  | "api_key_file";

function* contradictions(written: Written): Generator<[string, string]> {
  const has = (key: Key) => written[key] !== undefined;
  const twice = (other: string) =>
    `is given beside ${other}, delete one of the two`;
  if (!has("node") && !has("nodes")) yield ["node", `is missing, ${NODE}`];
  if (has("node") && has("nodes")) yield ["nodes", twice("node")];
  if (has("password") && has("password_file")) {
    yield ["password_file", twice("password")];
  }
  if (has("api_key") && has("api_key_file")) {
    yield ["api_key_file", twice("api_key")];
  }
  const byKey = has("api_key") || has("api_key_file");
  const passwordKey = has("password") ? "password" : "password_file";
  if (byKey) {
    const keyKey = has("api_key") ? "api_key" : "api_key_file";
    if (has("username")) yield ["username", twice(keyKey)];
    if (has(passwordKey)) yield [passwordKey, twice(keyKey)];
    return;
  }
  if (has("username") && !has(passwordKey)) {
    yield ["password", "is missing, write it beside username"];
  }
  if (has(passwordKey) && !has("username")) {
    yield ["username", `is missing, write it beside ${passwordKey}`];
  }
}

/** The address of a node. No message quotes it: it may hold a password. */
function nodeUrl() {
  return text(NODE).transform((written, context) => {
    const url = URL.parse(written);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      context.addIssue(`is not the address of a node, ${NODE}`);
      return z.NEVER;
    }
    if (url.username !== "" || url.password !== "") {
      const remedy = "write them as username and password beside node";
      context.addIssue(`holds a name or a password, ${remedy}`);
    }
    if (url.search !== "" || url.hash !== "") {
      context.addIssue(`has something after ? or #, ${NODE}`);
    }
    return written;
  });
}
