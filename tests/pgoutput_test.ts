import { deepEqual, equal, throws } from "node:assert/strict";
import { openWalReader } from "../src/pgoutput.ts";

/** A text, or a number with the count of its bytes. */
type Part = string | readonly [number, number];

function message(...parts: readonly Part[]): Uint8Array {
  const bytes = parts.flatMap((part) => {
    if (typeof part === "string") return [...new TextEncoder().encode(part)];
    const [value, size] = part;
    return Array.from(
      { length: size },
      (_, place) => Math.floor(value / 256 ** (size - 1 - place)) % 256,
    );
  });
  return new Uint8Array(bytes);
}

const RELATION = message(
  ...["R", [7, 4], "content\0", "film\0", "d", [2, 2]] as const,
  ...[[1, 1], "id\0", [23, 4], [-1, 4]] as const,
  ...[[0, 1], "title\0", [25, 4], [-1, 4]] as const,
);

function text(value: string) {
  const { length } = new TextEncoder().encode(value);
  return ["t", [length, 4], value] as const;
}

Deno.test("openWalReader() reads transactions, rows as they are and as they were, and truncations", () => {
  const reader = openWalReader(() => true);
  const read = (...parts: readonly Part[]) => reader.read(message(...parts));
  deepEqual(read("B", [0x1_0000_0010, 8], [0, 8], [4_294_967_295, 4]), {
    kind: "begin",
    commitLsn: 0x1_0000_0010n,
    xid: 4_294_967_295,
  });
  equal(reader.read(RELATION), undefined);
  const relation = {
    schema: "content",
    name: "film",
    columns: ["id", "title"],
  };
  deepEqual(read("I", [7, 4], "N", [2, 2], ...text("1"), "n"), {
    kind: "row",
    relation,
    new: ["1", null],
  });
  deepEqual(
    read(
      ...["U", [7, 4], "K", [2, 2], ...text("1"), "n"] as const,
      ...["N", [2, 2], ...text("2"), "u"] as const,
    ),
    { kind: "row", relation, old: ["1", null], new: ["2", undefined] },
  );
  deepEqual(read("D", [7, 4], "O", [2, 2], ...text("2"), ...text("é")), {
    kind: "row",
    relation,
    old: ["2", "é"],
  });
  deepEqual(read("T", [1, 4], [0, 1], [7, 4]), {
    kind: "truncate",
    relations: [relation],
  });
  deepEqual(read("C", [0, 1], [1, 8], [0x20, 8], [0, 8]), {
    kind: "commit",
    endLsn: 0x20n,
  });
  equal(read("O", [0, 8], "origin\0"), undefined);
});

Deno.test("openWalReader() makes texts of the columns that are wanted, also once others are", () => {
  const wanted = new Set(["id"]);
  const reader = openWalReader((_, column) => wanted.has(column));
  reader.read(RELATION);
  const insert = message(
    ...["I", [7, 4], "N", [2, 2], ...text("1"), ...text("long")] as const,
  );
  const readNew = () => {
    const found = reader.read(insert);
    return found?.kind === "row" ? found.new : undefined;
  };
  deepEqual(readNew(), ["1", undefined]);
  wanted.add("title");
  deepEqual(readNew(), ["1", undefined]);
  reader.refresh();
  deepEqual(readNew(), ["1", "long"]);
});

Deno.test("openWalReader() throws where a row is of a relation that was not told of", () => {
  const reader = openWalReader(() => true);
  throws(() => reader.read(message("I", [9, 4], "N", [0, 2])), /relation 9/);
});
