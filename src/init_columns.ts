import type { CatalogColumn } from "./init_catalog.ts";

/** A pair of columns that is a place on earth. */
export interface Place {
  readonly name: string;
  readonly latitude: string;
  readonly longitude: string;
}

/** Words of columns that are nobody's to search. */
const SECRET = [
  "password",
  "passwd",
  "pwd",
  "passphrase",
  "secret",
  "token",
  "salt",
  "otp",
  "credentials",
  "apikey",
];
const SECRET_PAIRS = ["api key", "private key", "pass hash"];

const LATITUDE = ["lat", "latitude"];
const LONGITUDE = ["lon", "lng", "long", "longitude"];
const DECIMALS = ["numeric", "float8", "float4"];

/**
 * Whether a column's name says that its values are nobody's to search.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { isSecret } from "./init_columns.ts";
 * const names = ["password_hash", "apiKey", "resetToken", "passage", "keyword"];
 * deepEqual(names.map(isSecret), [true, true, true, false, false]);
 * ```
 */
export function isSecret(name: string): boolean {
  const words = wordsOf(name);
  return words.some((word) => SECRET.includes(word)) ||
    SECRET_PAIRS.some((pair) => words.join(" ").includes(pair));
}

/** The pairs of columns that are the latitude and the longitude of one place. */
export function findPlaces(columns: readonly CatalogColumn[]): Place[] {
  const decimals = columns
    .filter(({ base, isArray }) => DECIMALS.includes(base) && !isArray)
    .map(({ name }) => ({ name, words: wordsOf(name) }));
  return decimals.flatMap(({ name: latitude, words }) => {
    const before = words.slice(0, -1).join("_");
    if (!LATITUDE.includes(words.at(-1) ?? "")) return [];
    const longitude = decimals.find((other) =>
      other.words.slice(0, -1).join("_") === before &&
      LONGITUDE.includes(other.words.at(-1) ?? "")
    )?.name;
    if (longitude === undefined) return [];
    const name = before === "" ? "location" : `${before}_location`;
    return [{ name, latitude, longitude }];
  });
}

/**
 * A name without what names of one meaning differ in.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { plain } from "./init_columns.ts";
 * equal(plain("Last_Update"), plain("lastUpdate"));
 * ```
 */
export function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

/**
 * The words of a name, whatever it was put together by.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { wordsOf } from "./init_columns.ts";
 * deepEqual(wordsOf("film_workId"), ["film", "work", "id"]);
 * ```
 */
export function wordsOf(name: string): string[] {
  return name.replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2").toLowerCase()
    .split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}
