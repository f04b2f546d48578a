import { resolve } from "node:path";
import { z } from "zod";
import { readText } from "./config_files.ts";
import { text } from "./config_scalars.ts";

/** A secret, and the file that it was read from, by its absolute path. */
export interface FiledSecret {
  readonly file: string;
  readonly secret: string;
}

/** A file whose content is a secret: read at load, without the newline at its end, and again by those who find it changed. */
export function filedSecret(folder: string): z.ZodType<FiledSecret, string> {
  const remedy = "write the path of a file that holds the secret";
  return text(remedy).transform(async (path, context) => {
    const file = resolve(folder, path);
    const reading = await readText(file);
    if ("state" in reading) {
      // Without the path: a secret may have been written in its place.
      context.addIssue(`names a file that ${reading.state}, ${remedy}`);
      return z.NEVER;
    }
    const secret = trimNewline(reading.text);
    if (secret === "") {
      context.addIssue("names a file that is empty, write the secret in it");
    }
    return { file, secret };
  });
}

/** What is in such a file now; nothing where it cannot be used. */
export async function readSecret(file: string): Promise<string | undefined> {
  const reading = await readText(file);
  return "text" in reading ? trimNewline(reading.text) || undefined : undefined;
}

function trimNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
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
