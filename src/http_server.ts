import type { LoadedConfig } from "./config.ts";
import type { HttpConfig } from "./config_http.ts";
import { EtlError } from "./failure.ts";
import { codeOf } from "./file_replacement.ts";
import type { Log } from "./logging.ts";

/** What a path answers. */
export interface Page {
  /** 200 where it is absent. */
  readonly status?: number;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The paths that are answered, each by its page or by what makes it. */
export type Pages = Readonly<
  Record<string, Page | (() => Page | Promise<Page>)>
>;

/** What every answer says besides: what it tells is of this moment, and of the type that it says. */
const COMMON_HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

const METHODS = ["GET", "HEAD"];

/** What is still being sent when the server is closed is cut after this. */
const CLOSE_MS = 1_000;

/**
 * Serves `pages` until it is disposed of. Answers are made whole and handed over to the runtime: a client that reads slowly,
 * or not at all, holds up nothing here.
 * @throws {EtlError} `config-invalid` when the address is not to be had.
 */
export function openHttpServer(
  { host, port }: Pick<HttpConfig, "host" | "port">,
  { pages, locate, log }: {
    pages: Pages;
    locate: LoadedConfig["locate"];
    log: Log;
  },
): AsyncDisposable {
  const closing = new AbortController();
  try {
    const server = Deno.serve({
      hostname: host,
      port,
      signal: closing.signal,
      onListen: () => log.info("listening", { address: httpUrl(host, port) }),
      onError(error) {
        log.error("cannot answer a request", { error });
        return respond(textPage("The agent cannot answer: see its log", 500));
      },
    }, async (request) => {
      const page = await answer(request, pages);
      return respond(page, { hasBody: request.method !== "HEAD" });
    });
    return {
      async [Symbol.asyncDispose]() {
        closing.abort();
        const late = Promise.withResolvers<void>();
        const timer = setTimeout(late.resolve, CLOSE_MS);
        await Promise.race([server.finished, late.promise]);
        clearTimeout(timer);
      },
    };
  } catch (cause) {
    throw new EtlError({
      kind: "config-invalid",
      faults: [explainListening(cause, { host, port, locate })],
    }, { cause });
  }
}

/**
 * The URL of what listens at `host` and `port`, for one who asks on the same machine.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { httpUrl } from "./http_server.ts";
 * equal(httpUrl("127.0.0.1", 8080), "http://127.0.0.1:8080");
 * equal(httpUrl("0.0.0.0", 8080), "http://127.0.0.1:8080");
 * equal(httpUrl("::", 8080), "http://[::1]:8080");
 * ```
 */
export function httpUrl(host: string, port: number): string {
  const reached = ANY_ADDRESS[host] ?? host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}

/** Who listens at every address of the machine is reached at its own. */
const ANY_ADDRESS: Readonly<Record<string, string>> = {
  "0.0.0.0": "127.0.0.1",
  "::": "::1",
};

/** A page of plain text. */
export function textPage(text: string, status = 200): Page {
  const contentType = "text/plain; charset=utf-8";
  return { status, body: `${text}\n`, contentType };
}

/** A page of JSON. */
export function jsonPage(content: unknown, status = 200): Page {
  const contentType = "application/json; charset=utf-8";
  return { status, body: `${JSON.stringify(content)}\n`, contentType };
}

async function answer({ url, method }: Request, pages: Pages): Promise<Page> {
  const path = new URL(url).pathname;
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) {
    const known = Object.keys(pages).join(", ");
    return textPage(`There is nothing at this path. There are ${known}`, 404);
  }
  if (!METHODS.includes(method)) {
    const refusal = textPage("Only GET and HEAD are answered here", 405);
    return { ...refusal, headers: { allow: METHODS.join(", ") } };
  }
  return typeof page === "function" ? await page() : page;
}

function respond(
  { status = 200, body, contentType, headers = {} }: Page,
  { hasBody = true }: { hasBody?: boolean } = {},
): Response {
  return new Response(hasBody ? body : null, {
    status,
    headers: { ...COMMON_HEADERS, "content-type": contentType, ...headers },
  });
}

function explainListening(
  error: unknown,
  { host, port, locate }: {
    host: string;
    port: number;
    locate: LoadedConfig["locate"];
  },
): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `${locate(["http", "port"])}: http.port: ${port} is in use on ` +
      `${host}, write another, or end what listens there`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${locate(["http", "port"])}: http.port: the agent's user may not ` +
      `listen at ${port}, write one from 1024`;
  }
  return `${locate(["http", "host"])}: http.host: nothing can listen at ` +
    `${host}, code is ${codeOf(error)}, write an address of this machine`;
}
