import type { ElasticsearchConfig } from "./config_elasticsearch.ts";
import type { PostgresConfig } from "./config_postgres.ts";

/** Every secret that is known, so that the log can leave them out; one that is learnt while the agent runs is added before it is used. */
export type Secrets = Set<string>;

/** The secrets of these sections of the configuration. */
export function openSecrets(
  { postgres, elasticsearch }: {
    postgres: Pick<PostgresConfig, "password" | "ssl" | "lock">;
    elasticsearch: Pick<ElasticsearchConfig, "auth" | "key">;
  },
): Secrets {
  const { auth, key } = elasticsearch;
  const secrets = [
    postgres.password,
    postgres.lock?.password,
    postgres.ssl === false ? undefined : postgres.ssl.key,
    auth !== undefined && "password" in auth ? auth.password : undefined,
    auth !== undefined && "apiKey" in auth ? auth.apiKey : undefined,
    key,
  ];
  return new Set(secrets.filter((secret) => secret !== undefined));
}
