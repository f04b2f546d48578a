import { Buffer } from "node:buffer";
import type { ElasticsearchAuth } from "./config_elasticsearch.ts";
import { readSecret } from "./config_secrets.ts";
import type { Secrets } from "./secrets.ts";

/** What the agent says of who it is, as it is now. */
export interface Credentials {
  /** The value of the header `authorization`. */
  readonly header: string | undefined;
  /** Whether there is another value than the `refused` one by now: the secret's file is read again. */
  renew(refused: string | undefined): Promise<boolean>;
}

/** Opens them; a secret that is read later is added to `secrets` before it is used. */
export function openCredentials(
  auth: ElasticsearchAuth | undefined,
  secrets: Secrets,
): Credentials {
  let header = auth === undefined ? undefined : authorization(auth);
  return {
    get header() {
      return header;
    },
    async renew(refused) {
      if (header !== refused) return true; // another request has renewed it
      if (auth?.file === undefined) return false;
      const secret = await readSecret(auth.file);
      if (secret === undefined) return false; // it is being written
      secrets.add(secret);
      header = authorization(
        "password" in auth
          ? { username: auth.username, password: secret }
          : { apiKey: secret },
      );
      return header !== refused;
    },
  };
}

/**
 * The value of the header `authorization`.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { authorization } from "./elasticsearch_auth.ts";
 * equal(authorization({ apiKey: "a2V5" }), "ApiKey a2V5");
 * equal(authorization({ username: "a", password: "b" }), "Basic YTpi");
 * ```
 */
export function authorization(auth: ElasticsearchAuth): string {
  if ("apiKey" in auth) return `ApiKey ${auth.apiKey}`;
  const pair = Buffer.from(`${auth.username}:${auth.password}`);
  return `Basic ${pair.toString("base64")}`;
}
