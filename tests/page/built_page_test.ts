import { ok } from "node:assert/strict";
import { buildPage, BUILT_FILE } from "../../dev/page.ts";

Deno.test("the built page is of the files that are there", async () => {
  const built = await Deno.readTextFile(BUILT_FILE);
  const isCurrent = built === await buildPage(); // a difference would be shown in full
  ok(isCurrent, "the page is not current: run `deno task page`");
});
