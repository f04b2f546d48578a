import { z } from "zod";
import { describeUnknownKey } from "./config_faults.ts";

/** What kind of value stands where another was expected, for messages. */
export function describeKind(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null) return "is null";
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object") return "is a map";
  return "is a single value";
}

/** Whether a value is a map. */
export function isMap(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A map of known keys; each unknown one is a fault that names the nearest. */
export function section<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => describeUnknownKey(key, known)).join("\n")
        : `${describeKind(issue.input)}, write a map with ${known.join(", ")}`,
  });
}

/** A list of one item at least; `remedy` says what an item is. */
export function list<Item extends z.ZodType>(
  item: Item,
  remedy: string,
): z.ZodArray<Item> {
  return z.array(item, {
    error: ({ input }) => `${describeKind(input)}, ${remedy}`,
  }).min(1, { error: `is empty, ${remedy}`, abort: true });
}

/** A text that is not empty; `remedy` says what to write. */
export function text(remedy: string): z.ZodString {
  return z.string({
    error: ({ input }) => `${describeKind(input)}, ${remedy}`,
  }).min(1, { error: `is empty, ${remedy}`, abort: true });
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
): z.ZodType<Word, string> {
  const remedy = `write one of ${words.join(", ")}`;
  return z.enum(words, {
    error: ({ input }) =>
      typeof input === "string"
        ? `is none of its values, ${remedy}`
        : `${describeKind(input)}, ${remedy}`,
  });
}

/** `true` or `false`. */
export function toggle(): z.ZodType<boolean, string> {
  return choice(["true", "false"]).transform((word) => word === "true");
}

/** The least and the greatest value that is taken, as people write them. */
export interface Bounds {
  readonly from: string;
  readonly to: string;
}

/** How a number with a unit is read: the factor of each unit, and of none. */
interface Measure {
  readonly noun: string;
  readonly factors: Readonly<Record<string, number>>;
  readonly units: string;
}

const NUMBER: Measure = { noun: "number", factors: { "": 1 }, units: "" };
const WHOLE_NUMBER: Measure = { ...NUMBER, noun: "whole number" };
const DURATION: Measure = {
  noun: "duration",
  units: " (ms, s, m, h or d)",
  factors: {
    "": 1000,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  },
};
const PERCENTAGE: Measure = {
  noun: "percentage",
  units: "",
  factors: { "%": 1 },
};
const SIZE: Measure = {
  noun: "size",
  units: " (B, KB, MB, GB, KiB, MiB or GiB)",
  factors: {
    "": 1,
    B: 1,
    KB: 1000,
    MB: 1000 ** 2,
    GB: 1000 ** 3,
    KiB: 1024,
    MiB: 1024 ** 2,
    GiB: 1024 ** 3,
  },
};

/** A number, fractions allowed, within bounds that are included. */
export function decimal(bounds: Bounds): z.ZodType<number, string> {
  return measured(NUMBER, bounds);
}

/** A number without a fraction, within bounds that are included. */
export function wholeNumber(bounds: Bounds): z.ZodType<number, string> {
  return measured(WHOLE_NUMBER, bounds)
    .refine(Number.isInteger, {
      error: `has a fraction, write a whole number from ${range(bounds)}`,
    });
}

/** A duration such as `1.5s`, in milliseconds; a bare number is seconds. */
export function duration(bounds: Bounds): z.ZodType<number, string> {
  return measured(DURATION, bounds).transform(Math.round);
}

/** A duration as {@linkcode duration} takes it, or `off`, which is `undefined`. */
export function durationOrOff(
  bounds: Bounds,
): z.ZodType<number | undefined, string> {
  return orOff(duration(bounds), { measure: DURATION, bounds });
}

/** A number as {@linkcode wholeNumber} takes it, or `off`, which is `undefined`. */
export function wholeNumberOrOff(
  bounds: Bounds,
): z.ZodType<number | undefined, string> {
  return orOff(wholeNumber(bounds), { measure: WHOLE_NUMBER, bounds });
}

function orOff(
  scalar: z.ZodType<number, string>,
  { measure, bounds }: { measure: Measure; bounds: Bounds },
): z.ZodType<number | undefined, string> {
  const facts = factsOf(measure, bounds);
  return text(`${facts.patternErrorMessage}, or off`).meta({
    ...facts,
    patternErrorMessage: `${facts.patternErrorMessage}, or off`,
    pattern: `^\\s*off\\s*$|${facts.pattern}`,
    bounds: `${facts.bounds}, or \`off\``,
  }).transform((written, context) => {
    if (written.trim() === "off") return undefined;
    const { success, data, error } = scalar.safeParse(written);
    if (success) return data;
    for (const { message } of error.issues) {
      context.addIssue(`${message}, or off`);
    }
    return z.NEVER;
  });
}

/** A percentage such as `2.5%`, as a share: 0.025. */
export function percentage(bounds: Bounds): z.ZodType<number, string> {
  // Divided, as 35 * 0.01 is not the number nearest to 0.35.
  return measured(PERCENTAGE, bounds).transform((percent) => percent / 100);
}

/** A size such as `2MB`, in bytes; a bare number is bytes. */
export function byteSize(bounds: Bounds): z.ZodType<number, string> {
  return measured(SIZE, bounds).transform(Math.round);
}

function range({ from, to }: Bounds): string {
  return `${from} to ${to}`;
}

function remedyOf({ noun, units }: Measure, bounds: Bounds): string {
  return `write a ${noun} from ${range(bounds)}${units}`;
}

function measured(measure: Measure, bounds: Bounds) {
  const { noun } = measure;
  const remedy = remedyOf(measure, bounds);
  const { least, greatest } = limitsOf(measure, bounds);
  const facts = factsOf(measure, bounds);
  return text(remedy).meta(facts).transform((written, context) => {
    const value = parseMeasure(written, measure);
    if (value === undefined) {
      context.addIssue(`is not a ${noun}, ${remedy}`);
    } else if (value < least || value > greatest) {
      const bound = value < least ? "less" : "more";
      const limit = value < least ? bounds.from : bounds.to;
      context.addIssue(`is ${bound} than ${limit}, ${remedy}`);
    }
    return value ?? z.NEVER;
  });
}

function limitsOf(measure: Measure, { from, to }: Bounds) {
  return {
    least: parseMeasure(from, measure) ?? -Infinity,
    greatest: parseMeasure(to, measure) ?? Infinity,
  };
}

/** What a JSON schema can say of such a number: the form of its text, and the bounds of one without a unit. */
function factsOf(measure: Measure, bounds: Bounds) {
  const { "": bare, ...units } = measure.factors;
  const { least, greatest } = limitsOf(measure, bounds);
  const words = Object.keys(units).join("|");
  const unit = words === "" ? "" : `(?:${words})${bare ? "?" : ""}`;
  return {
    pattern: `^\\s*[+-]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)\\s*${unit}\\s*$`,
    ...bare && { minimum: least / bare, maximum: greatest / bare },
    ...measure === WHOLE_NUMBER && { multipleOf: 1 },
    bounds: range(bounds),
    patternErrorMessage: remedyOf(measure, bounds),
  };
}

const MEASURE = /^([+-]?(?:\d+(?:\.\d+)?|\.\d+))\s*([A-Za-z]*|%)$/;

function parseMeasure(written: string, measure: Measure): number | undefined {
  const [, digits, unit] = MEASURE.exec(written.trim()) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  if (!Object.hasOwn(measure.factors, unit)) return undefined;
  const factor = measure.factors[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** `fields` without those that are undefined: an absent key is absent, not undefined. */
export function present<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields);
  const kept = entries.filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as ReturnType<typeof present<Fields>>; // the entries are those of `fields`, less some
}
