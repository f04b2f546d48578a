import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

/** A field that the two sides have differently; a value is absent where that side has none. */
export interface FieldDifference {
  /** Its name, with those of the objects around it, such as `director.name`. */
  readonly field: string;
  readonly postgres?: unknown;
  readonly index?: unknown;
}

const Fields = z.record(z.string(), z.unknown());

/**
 * The fields in which two documents, given as JSON, differ; lists are compared as a whole.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { compareFields } from "./field_comparison.ts";
 * deepEqual(compareFields('{"a":1,"b":{"c":2}}', '{"b":{"c":3},"a":1.0}'), [
 *   { field: "b.c", postgres: 2, index: 3 },
 * ]);
 * ```
 */
export function compareFields(
  postgres: string,
  index: string,
): FieldDifference[] {
  return [...compareObjects(
    Fields.parse(JSON.parse(postgres)),
    Fields.parse(JSON.parse(index)),
  )];
}

type Fields = z.infer<typeof Fields>;

function* compareObjects(
  postgres: Fields,
  index: Fields,
  path = "",
): Generator<FieldDifference> {
  const names = new Set([...Object.keys(postgres), ...Object.keys(index)]);
  for (const name of names) {
    const field = `${path}${name}`;
    const [one, other] = [postgres[name], index[name]];
    if (isDeepStrictEqual(one, other)) continue;
    if (isObject(one) && isObject(other)) {
      yield* compareObjects(one, other, `${field}.`);
      continue;
    }
    yield {
      field,
      ...(one === undefined ? {} : { postgres: one }),
      ...(other === undefined ? {} : { index: other }),
    };
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
