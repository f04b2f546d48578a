import type { JSX } from "preact";
import { showInvisible } from "./words.ts";

/** A name of a machine's: it keeps its direction to itself, and may go on in the next line after a mark. */
export function Id({ text }: { text: string }): JSX.Element {
  return (
    <bdi class="id">
      {showInvisible(text).split(/(?<=[_./:-])/).flatMap((part, place) =>
        place === 0 ? [part] : [<wbr key={place} />, part]
      )}
    </bdi>
  );
}
