import type { ErrorCode } from "yaml";

// The parser's own words are not used: they quote the text, which may be a secret.
const DESCRIPTIONS: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias has a tag or an anchor, delete them",
  BAD_ALIAS: "* or & is followed by no name, put the value in quotes",
  BAD_COLLECTION_TYPE: "a tag does not suit its value, delete the tag",
  BAD_DIRECTIVE: "% begins no directive, put the value in quotes",
  BAD_DQ_ESCAPE: "a backslash begins no escape, write \\\\ or single quotes",
  BAD_INDENT: "the indentation fits nothing above, align it with its siblings",
  BAD_PROP_ORDER: "a tag or an anchor is in the wrong place, delete it",
  BAD_SCALAR_START: "a value begins with @, ` or %, put it in quotes",
  BLOCK_AS_IMPLICIT_KEY:
    "a second `: ` is on one line, put the value in quotes or on a new line",
  BLOCK_IN_FLOW: "a list with - is within { } or [ ], write [a, b]",
  DUPLICATE_KEY: "is there twice, delete one of the two",
  IMPOSSIBLE: "this is not YAML, write `key: value`",
  KEY_OVER_1024_CHARS: "a key has over 1024 characters, write a short one",
  MISSING_CHAR:
    "a quote, bracket, brace, comma, colon or space is missing here " +
    "or above, add it",
  MULTILINE_IMPLICIT_KEY:
    "a line is no `key: value`, write a colon and a space after the key",
  MULTIPLE_ANCHORS: "a value has two anchors, delete one",
  MULTIPLE_DOCS: "--- begins a second document, keep one in the file",
  MULTIPLE_TAGS: "a value has two tags, delete them",
  NON_STRING_KEY: "a key is no text, write a name",
  RESOURCE_EXHAUSTION: "is nested too deeply, write it in fewer levels",
  TAB_AS_INDENT: "a tab is used to indent, write spaces",
  TAG_RESOLVE_FAILED: "a value begins with !, put it in quotes",
  UNEXPECTED_TOKEN:
    "something stands where nothing can, delete it or indent it",
};

/** What to say of an error of YAML's grammar. */
export function describeYamlError(code: ErrorCode): string {
  return `cannot be read as YAML: ${DESCRIPTIONS[code]}`;
}
