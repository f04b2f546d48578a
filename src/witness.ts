/** What is known at one moment: the index that has everything, or why none has. */
export type Testimony =
  | {
    readonly index: { readonly name: string; readonly uuid: string };
    /** What cannot be spoken for. */
    readonly reserve?: string;
  }
  | { readonly reason: string };

/** One who can tell of an index whether it has everything that was committed before the witness was called. */
export interface Witness {
  /** What it knows of each of these indexes now; nothing once it knows nothing any more. */
  testify(
    names: readonly string[],
  ): Promise<ReadonlyMap<string, Testimony> | undefined>;
}
