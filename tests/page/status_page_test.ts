import { equal, match } from "node:assert/strict";
import { createHash } from "node:crypto";
import { reportStatus } from "./reports.ts";
import { startScriptedAgent } from "./scripted_agent.ts";

/** The hash of the text in the only element of a name, as a policy writes it. */
function hashOf(page: string, name: string): string {
  const element = new RegExp(`<${name}[^>]*>(.*?)</${name}>`, "gs");
  const [found, ...others] = page.matchAll(element);
  equal(others.length, 0);
  const text = found?.[1] ?? "";
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

Deno.test("the status page is sent with a policy that lets it do what it does, and nothing else", async () => {
  await using agent = startScriptedAgent(reportStatus());
  const response = await fetch(agent.url);
  const page = await response.text();
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(page, "script")}'`,
    `style-src '${hashOf(page, "style")}'`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  const expected = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "access-control-allow-origin": null,
  };
  for (const [name, value] of Object.entries(expected)) {
    equal(response.headers.get(name), value, name);
  }
  match(page, /Permission is hereby granted/); // of the library in it
});
