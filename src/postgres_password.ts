import { readSecret } from "./config_secrets.ts";
import { EtlError } from "./failure.ts";
import type { Secrets } from "./secrets.ts";

/**
 * What gives the password in `file`, read at each call: it may be changed while the agent runs. What comes is kept out of
 * the log from then on.
 * @throws {EtlError} `server-refused` when it cannot be read or is empty, as it may be while it is being changed.
 */
export function openPassword(
  file: string,
  secrets: Secrets | undefined,
): () => Promise<string> {
  return async () => {
    const password = await readSecret(file);
    if (password !== undefined) {
      secrets?.add(password);
      return password;
    }
    throw new EtlError({
      kind: "server-refused",
      server: "PostgreSQL",
      code: "no password",
      hint: "Write the password in the file of postgres.password_file",
    });
  };
}
