import { loadConfig } from "./config.ts";
import { EtlError } from "./failure.ts";
import { fetchHealth } from "./status_client.ts";

/** Asks the running agent whether it is well, and tells what is not; returns whether it is. */
export async function health(given: { config: string }): Promise<boolean> {
  const { config, locate } = await loadConfig(
    given.config,
    Deno.env.toObject(),
  );
  if (config.http === undefined) {
    const fault = `${locate(["http"])}: http: is not there, or its port is ` +
      "off; write it, and start the agent again, to ask it for its health";
    throw new EtlError({ kind: "config-invalid", faults: [fault] });
  }
  const { ok, reasons } = await fetchHealth(config.http);
  const lines = ok ? ["healthy"] : reasons;
  const text = lines.map((line) => `${line}\n`).join("");
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable, {
    preventClose: true,
  });
  return ok;
}
