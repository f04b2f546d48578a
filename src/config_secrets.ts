import { resolve } from "node:path";
import type { z } from "zod";
import { readText } from "./config_files.ts";
import { text } from "./config_scalars.ts";

/** A file whose content is a secret: read at load, without the newline at its end. */
export function secretFile(folder: string): z.ZodType<string, string> {
  const remedy = "write the path of a file that holds the secret";
  return text(remedy).transform(async (path, context) => {
    const reading = await readText(resolve(folder, path));
    if ("state" in reading) {
      // Without the path: a secret may have been written in its place.
      context.addIssue(`names a file that ${reading.state}, ${remedy}`);
      return "";
    }
    const secret = reading.text.replace(/\r?\n$/, "");
    if (secret === "") {
      context.addIssue("names a file that is empty, write the secret in it");
    }
    return secret;
  });
}

/** What a PEM file holds. */
export type PemContent = "certificate" | "private key";

/** A PEM file, read at load. */
export function pemFile(
  folder: string,
  content: PemContent,
): z.ZodType<string, string> {
  const remedy = `write the path of a PEM file with a ${content}`;
  return text(remedy).transform(async (path, context) => {
    const reading = await readText(resolve(folder, path));
    if ("state" in reading) {
      context.addIssue(`names a file that ${reading.state}, ${remedy}`);
      return "";
    }
    const pem = reading.text;
    if (pem.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----")) {
      const state = "names a key that needs a passphrase";
      context.addIssue(
        `${state}, write one without (openssl pkey -in … -out …)`,
      );
    } else if (!isPem(pem, content)) {
      context.addIssue(`names a file without a PEM ${content}, ${remedy}`);
    }
    return pem;
  });
}

function isPem(pem: string, content: PemContent): boolean {
  return content === "certificate"
    ? pem.includes("-----BEGIN CERTIFICATE-----")
    : /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(pem);
}
