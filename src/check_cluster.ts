import { z } from "zod";
import { fail, listSome, type Observation, warn } from "./check_finding.ts";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";

/** What is known of Elasticsearch when it was reached. */
export interface ClusterState {
  readonly version: string;
  readonly observations: readonly Observation[];
}

const Root = z.object({
  version: z.object({
    number: z.string(),
    distribution: z.string().optional(),
  }),
});

const Privileges = z.object({
  cluster: z.record(z.string(), z.boolean()),
  index: z.record(z.string(), z.record(z.string(), z.boolean())),
});

/** What an answer of `_security/user/_has_privileges` says. */
export type Privileges = z.infer<typeof Privileges>;

/** Major and minor of the oldest version that has all that the agent asks for. */
const OLDEST = [7, 14] as const;

/** To make indexes, to flip aliases and to refresh; to write documents; to compare them. */
const NEEDED = ["manage", "write", "read"];

/**
 * The version of Elasticsearch, and what the agent's user may do to the indexes of these names.
 * @throws {EtlError} when it cannot be reached.
 */
export async function checkCluster(
  cluster: Cluster,
  { names, signal }: { names: readonly string[]; signal: AbortSignal },
): Promise<ClusterState> {
  const index = names[0] ?? "";
  const root = await unless(
    isUnknown,
    () =>
      cluster.request(
        { method: "GET", path: "/", index, answer: Root },
        signal,
      ),
  );
  const privileges = await unless(() => true, () =>
    cluster.request({
      method: "POST",
      path: "/_security/user/_has_privileges",
      index,
      body: {
        cluster: ["all"],
        index: names.map((name) => ({
          names: [name, `${name}-*`],
          privileges: NEEDED,
        })),
      },
      answer: Privileges,
    }, signal));
  const { number, distribution } = root?.version ?? { number: "unknown" };
  return {
    version: distribution === undefined ? number : `${distribution} ${number}`,
    observations: [
      ...(distribution === undefined ? judgeVersion(number) : []),
      ...(privileges === undefined ? [] : judgePrivileges(privileges)),
    ],
  };
}

/** Whether the server does not know the request, or does not allow it: it is there all the same. */
function isUnknown({ failure }: EtlError): boolean {
  return failure.kind === "request-refused" ||
    failure.kind === "server-refused" && /^40[345]$/.test(failure.code);
}

/** The answer, or none where the failure is one of these. */
async function unless<Answer>(
  isExpected: (error: EtlError) => boolean,
  ask: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof EtlError && isExpected(error)) return undefined;
    throw error;
  }
}

/** What is wrong with a version of Elasticsearch. */
export function judgeVersion(number: string): readonly Observation[] {
  const [major = 0, minor = 0] = number.split(".").map(Number);
  const isOld = major < OLDEST[0] || major === OLDEST[0] && minor < OLDEST[1];
  if (!isOld) return [];
  const text = `Elasticsearch is ${number}, ${OLDEST.join(".")} is the oldest`;
  return [fail(`${text} that works`, "Upgrade it")];
}

/** What the agent's user lacks, and what it has beyond that. */
export function judgePrivileges(
  { cluster, index }: Privileges,
): readonly Observation[] {
  const observations: Observation[] = [];
  const missing = Object.entries(index).flatMap(([name, rights]) =>
    NEEDED.filter((right) => rights[right] === false)
      .map((right) => `${right} on ${name}`)
  );
  if (missing.length > 0) {
    observations.push(fail(
      `the agent's user lacks ${listSome(missing)}`,
      "Give these index privileges to one of its roles, or to its API key",
    ));
  }
  if (cluster.all === true) {
    observations.push(warn(
      "the agent's user may do everything to the cluster",
      `Make a user for the agent, with ${
        NEEDED.join(", ")
      } on its indexes and NAME-*`,
    ));
  }
  return observations;
}
