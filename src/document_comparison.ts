import { createHash } from "node:crypto";
import {
  type ComparisonOptions,
  type Difference,
  MAX_SUSPECTS,
  type Sides,
  type Step,
} from "./comparison.ts";
import { readIndexed } from "./indexed_documents.ts";
import type { Key } from "./keys.ts";
import { readAhead } from "./read_ahead.ts";
import { readShown, type Shown } from "./shown_documents.ts";
import { readKeys } from "./table_scan.ts";

/** A document that was changed between so many looks is left to those who follow it. */
const MAX_LOOKS = 10;

/** Holds every document of the query against the index: `missing` and `different` ones are found. */
export async function* compareDocuments(
  sides: Sides,
  options: ComparisonOptions,
): AsyncGenerator<Step> {
  const { byContent } = options;
  let suspects: Suspect[] = [];
  const read = { withBodies: byContent };
  for await (const shown of readAhead(readAll(sides, read))) {
    if (byContent && shown.unreadable.length > 0) {
      yield { kind: "unreadable", keys: shown.unreadable };
    }
    suspects.push(...await findSuspects(sides, shown, { ...read, byContent }));
    yield { kind: "documents", count: shown.documents.length };
    if (suspects.length < MAX_SUSPECTS) continue;
    yield* lookAgain(sides, suspects, options);
    suspects = [];
  }
  yield* lookAgain(sides, suspects, options);
}

/** A document that looked different; `fingerprint` is of what PostgreSQL showed. */
interface Suspect {
  readonly key: Key;
  readonly kind: "missing" | "different";
  readonly fingerprint: string | undefined;
}

/** Everything that the query shows, in the order of the root's keys. */
async function* readAll(
  sides: Sides,
  options: { withBodies: boolean },
): AsyncGenerator<Shown> {
  const { source, plan, signal } = sides;
  const limit = plan.pageSize;
  let after: readonly string[] | undefined;
  do {
    const page = await readKeys(source, plan.root, { after, limit, signal });
    yield* readPage(sides, page.keys, options);
    after = page.keys.length < limit ? undefined : page.last;
  } while (after !== undefined);
}

async function* readPage(
  { full, brief, signal }: Sides,
  keys: readonly Key[],
  { withBodies }: { withBodies: boolean },
): AsyncGenerator<Shown> {
  let rest = keys;
  while (rest.length > 0) {
    const shown = await readShown(withBodies ? full : brief, rest, signal);
    yield shown;
    rest = shown.rest;
  }
}

/** Holds documents against the index. */
async function findSuspects(
  { cluster, index, signal }: Sides,
  { documents }: Shown,
  { withBodies, byContent }: { withBodies: boolean; byContent: boolean },
): Promise<Suspect[]> {
  const indexed = await readIndexed(cluster, {
    index,
    entries: documents.map(({ entry }) => entry),
    withSource: byContent,
    signal,
  });
  return documents.flatMap(({ key, source }, place): Suspect[] => {
    const found = indexed[place];
    const isFound = found?.isFound === true;
    if (isFound && (!byContent || found.source === source)) return [];
    const kind = isFound ? "different" : "missing";
    return [{ key, kind, fingerprint: withBodies ? hash(source) : undefined }];
  });
}

/** Looks at suspects until each is equal, or was different in one state of PostgreSQL's for long enough. */
async function* lookAgain(
  sides: Sides,
  suspects: readonly Suspect[],
  { byContent, lookCount }: ComparisonOptions,
): AsyncGenerator<Step> {
  let open = new Map(suspects.map((suspect) => [suspect.key, {
    ...suspect,
    sameCount: 0,
  }]));
  for (let round = 0; open.size > 0 && round < MAX_LOOKS; round++) {
    yield { kind: "pause" };
    const still: typeof open = new Map();
    const keys = [...open.keys()];
    for (let start = 0; start < keys.length; start += sides.plan.pageSize) {
      const page = keys.slice(start, start + sides.plan.pageSize);
      const differences: Difference[] = [];
      // with their bodies, also where ids are compared: what cannot be made is not missing
      const withBodies = true;
      for await (const shown of readPage(sides, page, { withBodies })) {
        const looks = await findSuspects(sides, shown, {
          withBodies,
          byContent,
        });
        for (const { key, kind, fingerprint } of looks) {
          const before = open.get(key);
          const isSame = before?.kind === kind &&
            (before.fingerprint ?? fingerprint) === fingerprint;
          const sameCount = isSame ? before.sameCount + 1 : 0;
          if (sameCount >= lookCount) differences.push({ kind, key });
          else still.set(key, { key, kind, fingerprint, sameCount });
        }
        if (shown.unreadable.length > 0) {
          yield { kind: "unreadable", keys: shown.unreadable };
        }
      }
      yield { kind: "differences", differences };
    }
    open = still;
  }
  if (open.size > 0) yield { kind: "changing", keys: [...open.keys()] };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
