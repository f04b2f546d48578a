import type { HttpConfig } from "./config_http.ts";
import { httpUrl } from "./http_server.ts";
import { StatusReport, Verdict } from "./status_report.ts";

/** An agent on this machine answers in milliseconds, unless it stands still. */
const LIMIT_MS = 3_000;

/** What a running agent tells of itself at its configured address; nothing where none answers, or something else does. */
export async function fetchStatus(
  { host, port }: Pick<HttpConfig, "host" | "port">,
): Promise<StatusReport | undefined> {
  const content = await fetchJson(`${httpUrl(host, port)}/status`);
  return StatusReport.safeParse(content).data;
}

/** What an agent says of its health; not well where it does not say anything in time. */
export async function fetchHealth(
  { host, port }: Pick<HttpConfig, "host" | "port">,
): Promise<Verdict> {
  const url = `${httpUrl(host, port)}/healthz`;
  const { success, data } = Verdict.safeParse(await fetchJson(url));
  if (success) return data;
  return { ok: false, reasons: [`no agent answers at ${url}`] };
}

async function fetchJson(url: string): Promise<unknown> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), LIMIT_MS);
  try {
    const response = await fetch(url, { signal: limit.signal });
    return await response.json();
  } catch {
    return undefined; // nobody is there, or nobody who speaks like this
  } finally {
    clearTimeout(timer);
  }
}
