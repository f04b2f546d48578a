import type { Config } from "./config.ts";

/** Every secret of the configuration, so that the log can leave them out. */
export function listSecrets({ postgres, elasticsearch }: Config): string[] {
  const { auth } = elasticsearch;
  const secrets = [
    postgres.password,
    postgres.ssl === false ? undefined : postgres.ssl.key,
    auth !== undefined && "password" in auth ? auth.password : undefined,
    auth !== undefined && "apiKey" in auth ? auth.apiKey : undefined,
  ];
  return secrets.filter((secret) => secret !== undefined);
}
