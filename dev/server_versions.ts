import { z } from "zod";

/** Which servers are started: those that all is developed against unless variables say otherwise. */
export interface ServerVersions {
  readonly search: {
    readonly product: "elasticsearch" | "opensearch";
    /** The exact version. */
    readonly version: string;
  };
  /** The major version of PostgreSQL; whichever is installed without it. */
  readonly postgres?: number;
}

const Variables = z.object({
  "PG2ES_DEV_SEARCH": z.string()
    .regex(
      /^(?:elasticsearch|opensearch) \d+\.\d+\.\d+$/,
      "write it as in elasticsearch 8.19.21",
    )
    .default("elasticsearch 8.19.21"),
  "PG2ES_DEV_POSTGRES": z.coerce.number().int().min(13).max(18).optional(),
});

/**
 * The versions that `PG2ES_DEV_SEARCH` and `PG2ES_DEV_POSTGRES` name.
 * @throws {Error} when they name none.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { readVersions } from "./server_versions.ts";
 * deepEqual(readVersions({ PG2ES_DEV_SEARCH: "opensearch 2.19.1", PG2ES_DEV_POSTGRES: "18" }), {
 *   search: { product: "opensearch", version: "2.19.1" },
 *   postgres: 18,
 * });
 * ```
 */
export function readVersions(
  variables: Readonly<Record<string, string>> = Deno.env.toObject(),
): ServerVersions {
  const parsed = Variables.safeParse(variables);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`Cannot read ${issue?.path.join()}: ${issue?.message}`);
  }
  const { PG2ES_DEV_SEARCH: search, PG2ES_DEV_POSTGRES: postgres } =
    parsed.data;
  const [name, version = ""] = search.split(" ");
  const product = name === "opensearch" ? name : "elasticsearch";
  return {
    search: { product, version },
    ...(postgres === undefined ? {} : { postgres }),
  };
}
