import { z } from "zod";
import {
  type Host,
  hostAndPort,
  type PostgresAddress,
  postgresUrl,
} from "./config_postgres_url.ts";
import {
  choice,
  duration,
  list,
  present,
  section,
  text,
  toggle,
  wholeNumber,
} from "./config_scalars.ts";
import { filedSecret, pemFile } from "./config_secrets.ts";

/** A database, and who comes to it. */
export interface DatabaseConfig extends Host {
  /** Hosts of the same cluster, which are tried after this one. */
  readonly otherHosts?: readonly Host[];
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** The absolute path of the file that `password` was read from. */
  readonly passwordFile?: string;
  /** `false` is without TLS; an object is TLS with the certificate verified, by the system's authorities unless `ca` is there. */
  readonly ssl: false | SslConfig;
}

/** How to reach PostgreSQL. */
export interface PostgresConfig extends DatabaseConfig {
  /** Which hosts are fit: with `read-write` those that are not in recovery; with `any`, and without it, all. */
  readonly targetSessionAttrs?: "read-write" | "any";
  /** Standbys that full loads read on, in the order in which they are tried. */
  readonly readHosts?: readonly Host[];
  /** The way around a pooler that keeps sessions for one transaction only: where it is there, the rest is the way through it. */
  readonly lock?: DatabaseConfig;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** How many keys a statement asks for at most. */
  readonly pageSize: number;
  /** How many pages of one index are read at once at most. */
  readonly connections: number;
}

/** What a verified connection needs, as PEM text; `serverName` is the name the certificate must bear. */
export interface SslConfig {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** Schema of the section `postgres`; files are found from `folder`. */
export function postgresSchema(folder: string): z.ZodType<PostgresConfig> {
  const timeout = { from: "100ms", to: "1d" };
  return section({
    url: postgresUrl().optional().describe(
      "`postgres://USER:PASSWORD@HOST:PORT/DATABASE` in place of host, port, database, user and password",
    ),
    host: text("write the name or the address of a host").optional().describe(
      "Name or address, or the folder of a Unix socket; required without `url`",
    ),
    port: wholeNumber({ from: "1", to: "65535" }).optional()
      .meta({ description: "Port", preset: "`5432`" }),
    hosts: list(hostAndPort(), "write a host after each dash").optional()
      .describe(
        "List of `HOST` or `HOST:PORT`, in place of `host` and `port`: see below",
      ),
    read_hosts: list(hostAndPort(), "write a host after each dash").optional()
      .describe("Standbys that full loads are read on, as `hosts`: see below"),
    target_session_attrs: choice(["read-write", "any"]).optional().meta({
      description:
        "With `read-write` hosts in recovery are passed over, with `any` none is",
      preset: "`any` for one host, `read-write` for several",
    }),
    database: text("write the name of a database").optional()
      .describe("Name of the database; required without `url`"),
    user: text("write the name of a user").optional()
      .describe("Name of the user; required without `url`"),
    password: text("write the password").optional()
      .describe("Password; not required"),
    password_file: filedSecret(folder).optional().describe(
      "File that holds the password, in place of `password`; read again for each new connection",
    ),
    lock_url: postgresUrl().optional()
      .describe("The way around a pooler, as `url`: see below"),
    ssl: sslSchema(folder).optional().meta({
      description: "`true`, `false` or a map, see below",
      preset: "`false`",
    }),
    connect_timeout: duration(timeout).prefault("10s")
      .describe("How long to wait for a connection"),
    statement_timeout: duration(timeout).prefault("60s").describe(
      "How long a statement may take; half of it may be spent waiting for a lock",
    ),
    page_size: wholeNumber({ from: "1", to: "10000" }).prefault("1000")
      .describe("How many keys a statement asks for at most"),
    connections: wholeNumber({ from: "1", to: "16" }).prefault("2").describe(
      "How many pages of one index are read at once at most: see below",
    ),
  }).superRefine((written, context) => {
    for (const [key, message] of contradictions(written)) {
      context.addIssue({ code: "custom", path: [key], message });
    }
  }, { when: isWritten }).transform((written) => {
    const { url, lock_url: lockUrl } = written;
    const [first, ...others] = written.hosts ??
      [{ host: written.host ?? "", port: written.port ?? 5432 }];
    const address: PostgresAddress = url ?? {
      host: first?.host ?? "",
      port: first?.port ?? 5432,
      database: written.database ?? "",
      user: written.user ?? "",
      ...present({ otherHosts: others.length === 0 ? undefined : others }),
    };
    function complete(address: PostgresAddress): DatabaseConfig {
      const password = address.password ?? written.password;
      const file = password === undefined ? written.password_file : undefined;
      return {
        ...address,
        ...present({
          password: password ?? file?.secret,
          passwordFile: file?.file,
        }),
        ssl: address.ssl ?? written.ssl ?? false,
      };
    }
    const isOfSeveral = address.otherHosts !== undefined;
    return {
      ...complete(address),
      ...present({
        targetSessionAttrs: written.target_session_attrs ??
          (isOfSeveral ? "read-write" as const : undefined),
        readHosts: written.read_hosts,
        lock: lockUrl === undefined ? undefined : complete(lockUrl),
      }),
      connectTimeoutMs: written.connect_timeout,
      statementTimeoutMs: written.statement_timeout,
      pageSize: written.page_size,
      connections: written.connections,
    };
  });
}

/** Whether a section is a map, so that its keys can be compared even where some of them are at fault. */
export function isWritten({ value }: z.core.ParsePayload): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is known of the section before it is known to be right: which keys are there. */
interface Written extends Readonly<Partial<Record<Key, unknown>>> {
  readonly url?: { password?: string; ssl?: unknown } | undefined;
}

type Key =
  | "host"
  | "port"
  | "hosts"
  | "database"
  | "user"
  | "password"
  | "password_file"
  | "ssl";

function* contradictions(written: Written): Generator<[string, string]> {
  const { url, hosts, password, password_file, ssl } = written;
  if (hosts !== undefined) {
    const other = url === undefined ? "hosts" : "url";
    const keys = url === undefined
      ? ["host", "port"] as const
      : ["hosts"] as const;
    for (const key of keys) {
      const message = `is given beside ${other}, delete one of the two`;
      if (written[key] !== undefined) yield [key, message];
    }
  }
  if (url === undefined) {
    const required = hosts === undefined ? ["host"] as const : [];
    for (const key of [...required, "database", "user"] as const) {
      const message = `is missing, write it, or a url in place of all five`;
      if (written[key] === undefined) yield [key, message];
    }
  } else {
    for (const key of ["host", "port", "database", "user"] as const) {
      const message = "is given beside url, delete one of the two";
      if (written[key] !== undefined) yield [key, message];
    }
    if (url.password !== undefined) {
      const message = "is given beside a url with a password, delete one";
      if (password !== undefined) yield ["password", message];
      if (password_file !== undefined) yield ["password_file", message];
    }
    if (ssl !== undefined && url.ssl !== undefined) {
      yield ["ssl", "is given beside sslmode in url, delete one of the two"];
    }
  }
  if (password !== undefined && password_file !== undefined) {
    yield ["password_file", "is given beside password, delete one of the two"];
  }
}

function sslSchema(folder: string) {
  const files = section({
    ca_file: pemFile(folder, "certificate").optional().meta({
      description:
        "PEM file of the authorities that verify the server's certificate",
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
        description: "The name that the server's certificate bears",
        preset: "the host",
      }),
  }).superRefine(({ cert_file, key_file }, context) => {
    if ((cert_file === undefined) === (key_file === undefined)) return;
    const [key, other] = cert_file === undefined
      ? ["cert_file", "key_file"]
      : ["key_file", "cert_file"];
    const message = `is missing, write it beside ${other} or delete that`;
    context.addIssue({ code: "custom", path: [key], message });
  }, { when: isWritten }).transform((written) =>
    present({
      ca: written.ca_file,
      cert: written.cert_file,
      key: written.key_file,
      serverName: written.server_name,
    })
  );
  const plain = toggle().transform((on) => on ? {} : false as const);
  return z.union([plain, files], {
    error: "is none of its values, write true, false or a map with ca_file, " +
      "cert_file, key_file, server_name",
  });
}
