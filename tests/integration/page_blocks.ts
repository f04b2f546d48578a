/** A fenced block of a page, with what stands before it. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The title of the section that it is in. */
  readonly section: string;
  /** The file that it is said to be: "In `products.json`" in the paragraph before it. */
  readonly file: string | undefined;
}

const ROOT = new URL("../../", import.meta.url);

/** The fenced blocks of a page, in their order. */
export async function readPage(path: string): Promise<Block[]> {
  const page = await Deno.readTextFile(new URL(path, ROOT));
  const parts = page.split(/^```(\w*)\n([^]*?)^```$/gm);
  const blocks: Block[] = [];
  let section = "";
  for (let place = 0; place + 2 < parts.length; place += 3) {
    const [before = "", language = "", text = ""] = parts.slice(place);
    section = Array.from(before.matchAll(/^#+ (.+)$/gm), ([, title]) => title)
      .at(-1) ?? section;
    const paragraph = before.trim().split("\n\n").at(-1) ?? "";
    const file = /\bin `(\S+\.(?:json|yaml))`/i.exec(paragraph)?.[1];
    blocks.push({ language, text, section, file });
  }
  return blocks;
}
