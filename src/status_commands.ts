import { waitUntilCaughtUp } from "./caught_up.ts";
import { loadConfig, type LoadedConfig } from "./config.ts";
import { httpUrl } from "./http_server.ts";
import { findDefinition } from "./named_index.ts";
import { reportState } from "./state_report.ts";
import { fetchStatus } from "./status_client.ts";
import type { StatusReport } from "./status_report.ts";
import { formatStatus, leavePlain, paintColours } from "./status_text.ts";

/** The command line of `status`. */
export interface StatusArguments {
  readonly config: string;
  /** One index of the configuration; all without it. */
  readonly index?: string;
  readonly json: boolean;
  readonly caughtUp: boolean;
  /** How long it is waited, in milliseconds. */
  readonly wait: number;
}

/**
 * Tells what the running agent does, or, without one, what it left; with `caughtUp` whether the indexes have everything that
 * was committed before the call, which is waited for. Returns whether they have.
 */
export async function status(
  given: StatusArguments,
  { version }: { version: string },
): Promise<boolean> {
  const { config: file, index, json, caughtUp, wait } = given;
  const loaded = await loadConfig(file, Deno.env.toObject());
  if (index !== undefined) findDefinition(loaded.config, index);
  if (!caughtUp) {
    const report = only(await read(loaded, version), index);
    const paint = Deno.stdout.isTerminal() && !Deno.noColor
      ? paintColours
      : leavePlain;
    await tell(json ? [JSON.stringify(report)] : formatStatus(report, paint));
    return true;
  }
  const found = await waitUntilCaughtUp(loaded, {
    ...(index === undefined ? {} : { index }),
    waitMs: wait,
  });
  const isCaughtUp = found.every(({ caughtUp }) => caughtUp);
  const lines = found.map(({ name, caughtUp, reason }) => {
    const state = caughtUp ? "caught up" : "not caught up";
    return `${name}: ${state}${reason === undefined ? "" : `: ${reason}`}`;
  });
  await tell(
    json ? [JSON.stringify({ caughtUp: isCaughtUp, indexes: found })] : lines,
  );
  return isCaughtUp;
}

/** The report of the running agent, or what is left of one. */
async function read(
  loaded: LoadedConfig,
  version: string,
): Promise<StatusReport> {
  const { http } = loaded.config;
  if (http !== undefined) {
    const report = await fetchStatus(http);
    if (report !== undefined) return report;
    const url = httpUrl(http.host, http.port);
    const line = `no agent answers at ${url}, told without it\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
  return await reportState(loaded, { version });
}

function only(report: StatusReport, index: string | undefined): StatusReport {
  if (index === undefined) return report;
  const indexes = report.indexes.filter(({ name }) => name === index);
  return { ...report, indexes };
}

async function tell(lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join("");
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable, {
    preventClose: true,
  });
}
