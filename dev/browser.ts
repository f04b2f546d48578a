import { fileExists, findProgram } from "./command.ts";
import { installPackages } from "./install.ts";

/** What Chromium is called on PATH. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** Where it is besides. */
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * The path of Chromium: the one that `PG2ES_DEV_BROWSER` names, else one of this machine; installed where that is
 * possible. Throws one line that says what to install where it is not.
 */
export async function findBrowser(): Promise<string> {
  const found = Deno.env.get("PG2ES_DEV_BROWSER") ?? await lookForBrowser();
  if (found !== undefined) return found;
  // without fonts a page shows nothing but boxes
  await installPackages(["chromium", "fonts-liberation"], "Chromium");
  const installed = await lookForBrowser();
  if (installed !== undefined) return installed;
  throw new Error("Cannot find Chromium: set PG2ES_DEV_BROWSER to its path");
}

async function lookForBrowser(): Promise<string | undefined> {
  for (const name of NAMES) {
    const path = await findProgram(name);
    if (path !== undefined) return path;
  }
  for (const path of PLACES) if (await fileExists(path)) return path;
  return undefined;
}
