import { arrayText } from "./array_text.ts";
import { recovers } from "./failure.ts";
import { joinKey, type KeyColumn, splitKey } from "./keys.ts";
import { quoteLiteral, type Source } from "./postgres.ts";

/** The texts that each type writes for its values; for a type that is not here PostgreSQL is asked. */
const FORMS: Readonly<Record<string, (text: string) => boolean>> = {
  uuid: (text) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text),
  smallint: (text) => isInteger(text, 16),
  integer: (text) => isInteger(text, 32),
  bigint: (text) => isInteger(text, 64),
  text: () => true,
  "character varying": () => true,
};

/**
 * Which of `ids` can be keys of these columns: any id may be in an index that others write to, and one that is no key would
 * fail the statement that asks for it.
 */
export async function findKeys(
  source: Source,
  { ids, columns, signal }: {
    ids: readonly string[];
    columns: readonly KeyColumn[];
    signal: AbortSignal;
  },
): Promise<Set<string>> {
  let candidates = ids.flatMap((id) => {
    const parts = splitId(id, columns.length);
    return parts === undefined ? [] : [{ id, parts }];
  });
  for (const [place, { type }] of columns.entries()) {
    const form = FORMS[type];
    const textAt = ({ parts }: { parts: readonly string[] }) =>
      parts[place] ?? "";
    if (form !== undefined) {
      candidates = candidates.filter((candidate) => form(textAt(candidate)));
      continue;
    }
    const texts = new Set(candidates.map(textAt));
    const taken = await findValues(source, {
      texts: [...texts],
      type,
      signal,
    });
    candidates = candidates.filter((candidate) => taken.has(textAt(candidate)));
  }
  return new Set(candidates.map(({ id }) => id));
}

/**
 * The texts of the columns of a key with this `_id`, or nothing when no key has it.
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { splitId } from "./document_ids.ts";
 * deepEqual(splitId("a\\|b|7", 2), ["a|b", "7"]);
 * equal(splitId("7", 2), undefined);
 * equal(splitId("a\\b|7", 2), undefined);
 * ```
 */
export function splitId(id: string, columnCount: number): string[] | undefined {
  if (id.includes("\0")) return undefined;
  let parts: string[];
  try {
    parts = splitKey(id, columnCount);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return joinKey(parts) === id ? parts : undefined;
}

function isInteger(text: string, bits: number): boolean {
  return /^(?:0|-?[1-9]\d{0,18})$/.test(text) &&
    BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
}

/** Those of `texts` that PostgreSQL takes for a value of `type`: by halves, since one that it does not take fails all. */
async function findValues(
  source: Source,
  { texts, type, signal }: {
    texts: readonly string[];
    type: string;
    signal: AbortSignal;
  },
): Promise<Set<string>> {
  if (texts.length === 0) return new Set();
  try {
    await source.copy({
      label: `ids as ${type}`,
      sql: `copy (
select 1 from unnest(${quoteLiteral(arrayText(texts))}::text[]) t(text)
where t.text::${type} is null
) to stdout`,
      start: () => () => {},
    }, signal);
    return new Set(texts);
  } catch (error) {
    if (!recovers(error, "split")) throw error;
    if (texts.length === 1) {
      // what takes too long says nothing of the text
      return error.failure.kind === "statement-timeout"
        ? await findValues(source, { texts, type, signal })
        : new Set();
    }
    const middle = Math.ceil(texts.length / 2);
    const first = { texts: texts.slice(0, middle), type, signal };
    const second = { texts: texts.slice(middle), type, signal };
    return new Set([
      ...await findValues(source, first),
      ...await findValues(source, second),
    ]);
  }
}
