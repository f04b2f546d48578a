import { z } from "zod";
import {
  duration,
  present,
  section,
  text,
  toggle,
  wholeNumber,
} from "./config_scalars.ts";
import { pemFile, secretFile } from "./config_secrets.ts";

const FORM = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";
const SSL_MODES = ["disable", "require", "verify-full"];

/** How to reach PostgreSQL. */
export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** `false` is without TLS; an object is TLS with the certificate verified, by the system's authorities unless `ca` is there. */
  readonly ssl: false | SslConfig;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** How many keys a statement asks for at most. */
  readonly pageSize: number;
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
    url: postgresUrl().optional(),
    host: text("write the name or the address of a host").optional(),
    port: wholeNumber({ from: "1", to: "65535" }).optional(),
    database: text("write the name of a database").optional(),
    user: text("write the name of a user").optional(),
    password: text("write the password").optional(),
    password_file: secretFile(folder).optional(),
    ssl: sslSchema(folder).optional(),
    connect_timeout: duration(timeout).prefault("10s"),
    statement_timeout: duration(timeout).prefault("60s"),
    page_size: wholeNumber({ from: "1", to: "10000" }).prefault("1000"),
  }).superRefine((written, context) => {
    for (const [key, message] of contradictions(written)) {
      context.addIssue({ code: "custom", path: [key], message });
    }
  }, { when: isWritten }).transform((written) => {
    const { url, host, port, database, user } = written;
    return {
      host: url?.host ?? host ?? "",
      port: url?.port ?? port ?? 5432,
      database: url?.database ?? database ?? "",
      user: url?.user ?? user ?? "",
      ...present({
        password: url?.password ?? written.password ?? written.password_file,
      }),
      ssl: written.ssl ?? url?.ssl ?? false,
      connectTimeoutMs: written.connect_timeout,
      statementTimeoutMs: written.statement_timeout,
      pageSize: written.page_size,
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
  | "database"
  | "user"
  | "password"
  | "password_file"
  | "ssl";

function* contradictions(written: Written): Generator<[string, string]> {
  const { url, password, password_file, ssl } = written;
  if (url === undefined) {
    for (const key of ["host", "database", "user"] as const) {
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
    ca_file: pemFile(folder, "certificate").optional(),
    cert_file: pemFile(folder, "certificate").optional(),
    key_file: pemFile(folder, "private key").optional(),
    server_name: text("write the name that the certificate bears").optional(),
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

/** A connection's address in one line; its only parameter is `sslmode`. No message quotes it: it holds the password. */
function postgresUrl() {
  return text(FORM).transform((written, context) => {
    const url = URL.parse(written);
    if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
      context.addIssue(`is not the address of a database, ${FORM}`);
      return z.NEVER;
    }
    const parts = decodeParts(url);
    if (parts === undefined) {
      const remedy = "write a percent sign as %25";
      context.addIssue(`has a percent sign that begins no escape, ${remedy}`);
      return z.NEVER;
    }
    const { host, user, database, password } = parts;
    for (const [part, value] of Object.entries({ host, user, database })) {
      if (value === "") context.addIssue(`lacks the ${part}, ${FORM}`);
    }
    for (const name of new Set(url.searchParams.keys())) {
      if (name === "sslmode") continue;
      const remedy = "write settings as keys beside url, such as ssl";
      context.addIssue(`has a parameter other than sslmode, ${remedy}`);
      break;
    }
    const mode = url.searchParams.get("sslmode") ?? undefined;
    if (mode !== undefined && !SSL_MODES.includes(mode)) {
      const remedy =
        "write sslmode=verify-full, or sslmode=disable without TLS";
      context.addIssue(`has an sslmode that is not supported, ${remedy}`);
    }
    return {
      host,
      port: url.port === "" ? 5432 : Number(url.port),
      user,
      database,
      ...present({
        password: password === "" ? undefined : password,
        ssl: mode === undefined ? undefined : mode !== "disable" && {},
      }),
    };
  });
}

function decodeParts(url: URL) {
  try {
    return {
      // An IPv6 address stands in brackets in a URL only.
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return undefined; // URIError is all that decoding throws
  }
}
