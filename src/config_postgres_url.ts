import { z } from "zod";
import { present, text } from "./config_scalars.ts";

const FORM = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";
const SSL_MODES = ["disable", "require", "verify-full"];
const DEFAULT_PORT = 5432;
const MAX_PORT = 65_535;

/** Where a server listens. */
export interface Host {
  readonly host: string;
  readonly port: number;
}

/** What a connection's address says. */
export interface PostgresAddress extends Host {
  readonly otherHosts?: readonly Host[];
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  /** As the key `ssl`; absent where the address does not say. */
  readonly ssl?: false | Record<string, never>;
}

/** A host with or without a port, such as `db1:5432`; an IPv6 address stands in brackets. */
export function hostAndPort(): z.ZodType<Host, string> {
  const remedy = "write HOST or HOST:PORT, an IPv6 address in brackets";
  return text(remedy).transform((written, context) => {
    const host = parseHost(written);
    if (host === undefined) context.addIssue(`is not a host, ${remedy}`);
    return host ?? z.NEVER;
  });
}

function parseHost(written: string): Host | undefined {
  const form = /^(?:\[([^\]]+)\]|([^:\s,@[\]]+))(?::(\d{1,5}))?$/;
  const [, address, name, port = String(DEFAULT_PORT)] = form.exec(written) ??
    [];
  const host = address ?? name;
  const number = Number(port);
  if (host === undefined || number < 1 || number > MAX_PORT) return undefined;
  return { host, port: number };
}

/** A connection's address in one line; its only parameter is `sslmode`. No message quotes it: it holds the password. */
export function postgresUrl(): z.ZodType<PostgresAddress, string> {
  return text(FORM).transform((written, context) => {
    const [single, others] = splitHosts(written);
    const url = URL.parse(single);
    const otherHosts = others.flatMap((other) => parseHost(other) ?? []);
    if (
      url === null || !/^postgres(ql)?:$/.test(url.protocol) ||
      otherHosts.length < others.length
    ) {
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
      port: url.port === "" ? DEFAULT_PORT : Number(url.port),
      user,
      database,
      ...present({
        otherHosts: otherHosts.length === 0 ? undefined : otherHosts,
        password: password === "" ? undefined : password,
        ssl: mode === undefined ? undefined : mode !== "disable" && {},
      }),
    };
  });
}

/** The address with its first host alone, and the other ones: a URL has one. */
function splitHosts(written: string): [string, string[]] {
  const [, opening, hosts, rest] =
    /^([^/]*:\/\/(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)(.*)$/s.exec(written) ?? [];
  if (hosts === undefined) return [written, []];
  const [first, ...others] = hosts.split(",");
  return [`${opening}${first}${rest}`, others];
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
