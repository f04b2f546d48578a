import type { Config, IndexDefinition } from "./config.ts";
import { EtlError } from "./failure.ts";

/**
 * The index of this name in the configuration.
 * @throws {EtlError} `config-invalid` when there is none.
 */
export function findDefinition(
  { indexes }: Config,
  name: string,
): IndexDefinition {
  const found = indexes.find((index) => index.name === name);
  if (found !== undefined) return found;
  const names = indexes.map((index) => index.name).join(", ");
  const fault = `--index: there is no index ${name}, write one of ${names}`;
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}
