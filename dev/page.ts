import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.ts";
import { runProgram, tell } from "./progress.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = join(PROJECT, "src/page");

/** The module with the status page; made from the other files of its folder. */
export const BUILT_FILE: string = join(FOLDER, "built_page.ts");

/**
 * Puts the status page together: one HTML text with its script and its style, in a module of TypeScript that also has
 * the hashes of both. The same files give the same text.
 */
export async function buildPage(): Promise<string> {
  const [markup, style, script] = await Promise.all([
    Deno.readTextFile(join(FOLDER, "page.html")),
    Deno.readTextFile(join(FOLDER, "page.css")),
    buildScript(),
  ]);
  for (const text of [style, script]) {
    if (/<\/(?:script|style)|<!--/i.test(text)) {
      throw new Error(
        "Cannot put the page together: its script or style ends itself. " +
          "Write the text that looks like a tag in another way",
      );
    }
  }
  const page = fill(fill(markup, "style", style), "script", script);
  return `// made by \`deno task page\` from the other files of this folder: change those

/** The status page, whole. */
export const PAGE: string = ${writeTemplate(page)};

/** The hash of its only script, as a policy names it. */
export const SCRIPT_HASH = ${JSON.stringify(hash(script))};

/** The hash of its only style. */
export const STYLE_HASH = ${JSON.stringify(hash(style))};
`;
}

/** The script in one piece, with the licence of the library that is in it. */
async function buildScript(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "page.js");
    await runCommand([
      ...[Deno.execPath(), "bundle", "--quiet", "--platform=browser"],
      ...["--minify", `--output=${file}`, join(FOLDER, "main.tsx")],
    ], { cwd: PROJECT });
    const manifest = import.meta.resolve("preact/package.json");
    const licence = await Deno.readTextFile(new URL("LICENSE", manifest));
    const script = await Deno.readTextFile(file);
    return `/*! Preact\n\n${licence.trim()}\n*/\n${script.trim()}\n`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Puts a text into the one element of that name that is empty in `markup`. */
function fill(markup: string, name: string, text: string): string {
  const [before, after, ...others] = markup.split(`></${name}>`);
  if (after === undefined || others.length > 0) {
    throw new Error(
      `Cannot put the page together: page.html is to have one empty <${name}>`,
    );
  }
  return `${before}>${text}</${name}>${after}`;
}

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/**
 * A text as a template literal, so that its lines stay lines.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { writeTemplate } from "./page.ts";
 * equal(writeTemplate("a`b\\${c}"), "`a\\`b\\\\\\${c}`");
 * ```
 */
export function writeTemplate(text: string): string {
  return `\`${text.replaceAll(/[\\`]|\$(?=\{)/g, "\\$&")}\``;
}

async function main(): Promise<void> {
  const text = await buildPage();
  await Deno.writeTextFile(BUILT_FILE, text);
  tell(`${BUILT_FILE}: ${new TextEncoder().encode(text).length} bytes`);
}

if (import.meta.main) await runProgram(main);
