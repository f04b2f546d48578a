/** A variable that cannot be filled in. */
export interface VariableFault {
  /** The part of the text that is at fault, as it is written. */
  readonly text: string;
  readonly message: string;
}

/** A text with its variables filled in, or what is wrong with them. */
export interface Expansion {
  readonly text: string;
  /** The variables in it, each once. */
  readonly names: readonly string[];
  /** In the order of the text. */
  readonly faults: readonly VariableFault[];
}

const VARIABLE = /\$\$\{|\$\{[^}]*\}?/g;
const WELL_FORMED = /^\$\{([A-Za-z_]\w*)(?::-(.*))?\}$/s;

/**
 * `text` with `${NAME}` and `${NAME:-default}` replaced by values of `env`; `$${` stands for `${` itself.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { expandVariables } from "./config_variables.ts";
 * const env = { DB_HOST: "db" };
 * equal(expandVariables("${DB_HOST}:${DB_PORT:-5432}", env).text, "db:5432");
 * equal(expandVariables("$${DB_HOST}", env).text, "${DB_HOST}");
 * ```
 */
export function expandVariables(
  text: string,
  env: Readonly<Record<string, string>>,
): Expansion {
  const faults: VariableFault[] = [];
  const names = new Set<string>();
  const expanded = text.replaceAll(VARIABLE, (written) => {
    if (written === "$${") return "${";
    const [, name, fallback] = WELL_FORMED.exec(written) ?? [];
    if (name === undefined) {
      const message = "has ${ that begins no variable, write ${NAME}, " +
        "${NAME:-default}, or $${ for the characters themselves";
      faults.push({ text: written, message });
      return "";
    }
    names.add(name);
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && value !== "") return value;
    if (fallback !== undefined) return fallback;
    const state = value === undefined ? "not set" : "empty";
    const message = `needs the environment variable ${name}, which is ` +
      `${state}, set it (.env will do) or write \${${name}:-default}`;
    faults.push({ text: written, message });
    return "";
  });
  return { text: expanded, names: [...names], faults };
}
