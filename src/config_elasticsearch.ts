import { z } from "zod";
import { isWritten } from "./config_postgres.ts";
import { indexName } from "./config_indexes.ts";
import {
  byteSize,
  duration,
  list,
  present,
  section,
  text,
  wholeNumber,
} from "./config_scalars.ts";
import { filedSecret, pemFile } from "./config_secrets.ts";

const NODE = "write the address of a node, such as https://localhost:9200";

/** How to reach Elasticsearch. */
export interface ElasticsearchConfig {
  readonly nodes: readonly string[];
  readonly auth?: ElasticsearchAuth;
  /** Authorities that the certificates are verified by, as PEM text. */
  readonly ca?: string;
  /** The agent's own certificate and its key, as PEM text. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the certificates bear, where it is not that of the nodes. */
  readonly serverName?: string;
  /** The index that the positions are kept in; absent is nowhere but on disk. */
  readonly positionIndex?: string;
  readonly requestTimeoutMs: number;
  /** The size of a bulk request's body at most. */
  readonly maxBytes: number;
  /** How many bulk requests are out at once at most. */
  readonly concurrency: number;
  /** How many bytes of one index may be on their way; `maxBytes` × `concurrency` where it is not said. */
  readonly maxBytesInFlight?: number;
}

/** How the agent says who it is; `file` is where its secret stands, to be read again when it is refused. */
export type ElasticsearchAuth =
  & ({ readonly username: string; readonly password: string } | {
    readonly apiKey: string;
  })
  & { readonly file?: string };

/** Schema of the section `elasticsearch`; files are found from `folder`. */
export function elasticsearchSchema(
  folder: string,
): z.ZodType<ElasticsearchConfig> {
  return section({
    node: nodeUrl().optional().meta({
      description:
        "Address of a node, `http` or `https`; required without `nodes`",
      bounds: "no password",
    }),
    nodes: list(nodeUrl(), `${NODE}, after each dash`).optional()
      .describe("List of addresses, in place of `node`"),
    username: text("write the name of a user").optional()
      .meta({
        description: "Name of the user; with a password",
        preset: "none",
      }),
    password: text("write the password").optional()
      .meta({ description: "Password", preset: "none" }),
    password_file: filedSecret(folder).optional().meta({
      description:
        "File that holds the password, in place of `password`; read again after a 401",
      preset: "none",
    }),
    api_key: text("write the key, encoded as it was given out").optional().meta(
      {
        description: "Encoded API key, in place of user and password",
        preset: "none",
      },
    ),
    api_key_file: filedSecret(folder).optional().meta({
      description:
        "File that holds the API key, in place of `api_key`; read again after a 401",
      preset: "none",
    }),
    ca_file: pemFile(folder, "certificate").optional().meta({
      description:
        "PEM file of the authorities that verify the certificates of the nodes",
      preset: "the system's authorities",
    }),
    cert_file: pemFile(folder, "certificate").optional().meta({
      description: "PEM file of the agent's own certificate; with `key_file`",
      preset: "none",
    }),
    key_file: pemFile(folder, "private key").optional().meta({
      description:
        "PEM file of its private key, without a passphrase; with `cert_file`",
      preset: "none",
    }),
    server_name: text("write the name that the certificate bears").optional()
      .meta({
        description: "The name that the certificates of the nodes bear",
        preset: "the host of each",
      }),
    position_index: indexName("write a name such as pg2es-positions, or off")
      .transform((name) => name === "off" ? undefined : name)
      .prefault("pg2es-positions").meta({
        description:
          "The index that the positions are kept in beside the state file, for another machine; `off` for none",
        bounds: "a name or `off`",
      }),
    request_timeout: duration({ from: "100ms", to: "1d" }).prefault("60s")
      .describe("How long a request may take, its answer included"),
    max_bytes: byteSize({ from: "1KB", to: "100MB" }).prefault("2MB")
      .describe("The size of a bulk request's body at most"),
    concurrency: wholeNumber({ from: "1", to: "32" }).prefault("4")
      .describe("How many bulk requests are out at once at most"),
    max_bytes_in_flight: byteSize({ from: "1KB", to: "1GB" }).optional().meta({
      description:
        "How many bytes of one index may be on their way, whole buffers of `max_bytes` counted",
      preset: "`max_bytes` × `concurrency`",
    }),
  }).superRefine((written, context) => {
    for (const [key, message] of contradictions(written)) {
      context.addIssue({ code: "custom", path: [key], message });
    }
  }, { when: isWritten }).transform((written) => {
    const { node, nodes, username, password_file, api_key_file } = written;
    const password = written.password ?? password_file?.secret;
    const apiKey = written.api_key ?? api_key_file?.secret;
    const filed = present({ file: (password_file ?? api_key_file)?.file });
    const basic = username === undefined || password === undefined
      ? undefined
      : { username, password, ...filed };
    const auth = apiKey === undefined ? basic : { apiKey, ...filed };
    return {
      nodes: nodes ?? (node === undefined ? [] : [node]),
      ...present({
        auth,
        ca: written.ca_file,
        cert: written.cert_file,
        key: written.key_file,
        serverName: written.server_name,
        positionIndex: written.position_index,
        maxBytesInFlight: written.max_bytes_in_flight,
      }),
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
  | "api_key_file"
  | "cert_file"
  | "key_file";

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
  if (has("cert_file") !== has("key_file")) {
    const [key, other] = has("cert_file")
      ? ["key_file", "cert_file"]
      : ["cert_file", "key_file"];
    yield [key, `is missing, write it beside ${other} or delete that`];
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
