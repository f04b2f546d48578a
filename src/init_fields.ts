import type { CatalogColumn } from "./init_catalog.ts";

/** A field of a mapping. */
export type Field = Readonly<Record<string, unknown>>;

/** What becomes of a column: the expression that shows it, and the field that it goes into; or why it is left out. */
export type ShownColumn =
  | { readonly sql: string; readonly field: Field }
  | { readonly leftOut: string };

/** What a column is to its table. */
export interface Role {
  /** The column in SQL. */
  readonly sql: string;
  /** The zone of times that have none. */
  readonly timeZone: string;
  /** Whether the column is of the key, which is shown as it is. */
  readonly isKey: boolean;
  /** Whether the column refers to another table: a text is found as a whole. */
  readonly isReference: boolean;
  /** Whether the column stamps the row: a time of the database's clock. */
  readonly isStamp: boolean;
}

/** How the values of a type are shown, and the field that takes them. */
interface Form {
  readonly show: (column: string, timeZone: string) => string;
  readonly field: Field;
}

const KEYWORD = { type: "keyword" };
/** A longer keyword, four bytes a character, is more than an index takes. */
const LONG_KEYWORD = { type: "keyword", "ignore_above": 8191 };
const TEXT = { type: "text", fields: { raw: LONG_KEYWORD } };
const FLATTENED = { type: "flattened", "ignore_above": 8191 };

/** A `varchar` that is longer holds words rather than a code. */
const MAX_CODE_LENGTH = 32;

/** The most that a vector's field takes. */
const MAX_DIMENSIONS = 4096;

function itself(field: Field): Form {
  return { show: (column) => column, field };
}

function finite(field: Field): Form {
  return {
    show: (column) => `case when isfinite(${column}) then ${column} end`,
    field,
  };
}

function discreteRange(field: Field): Form {
  return {
    show: (column) =>
      `case when not isempty(${column}) then json_build_object('gte', lower(${column}), 'lt', upper(${column})) end`,
    field,
  };
}

/** A flattened field takes objects alone. */
function anyJson(type: "json" | "jsonb"): Form {
  return {
    show: (column) =>
      `case when ${type}_typeof(${column}) in ('array', 'string', 'number', 'boolean') then ${type}_build_object('value', ${column}) else ${column} end`,
    field: FLATTENED,
  };
}

/** By the name of the type in pg_type: what docs/field_types.md says. */
const FORMS: Readonly<Record<string, Form>> = {
  bool: itself({ type: "boolean" }),
  int2: itself({ type: "short" }),
  int4: itself({ type: "integer" }),
  int8: itself({ type: "long" }),
  float4: itself({ type: "float" }),
  float8: itself({ type: "double" }),
  numeric: itself({ type: "double" }),
  money: {
    show: (column) => `${column}::numeric`,
    field: { type: "double" },
  },
  text: itself(TEXT),
  citext: itself(TEXT),
  uuid: itself(KEYWORD),
  date: finite({ type: "date", format: "strict_date" }),
  timestamptz: finite({ type: "date" }),
  timestamp: {
    show: (column, timeZone) =>
      `case when isfinite(${column}) then ${column} at time zone '${timeZone}' end`,
    field: { type: "date" },
  },
  time: itself(KEYWORD),
  timetz: itself(KEYWORD),
  interval: {
    show: (column) => `extract(epoch from ${column})`,
    field: { type: "double" },
  },
  inet: { show: (column) => `host(${column})`, field: { type: "ip" } },
  cidr: itself({ type: "ip_range" }),
  macaddr: itself(KEYWORD),
  macaddr8: itself(KEYWORD),
  int4range: discreteRange({ type: "integer_range" }),
  int8range: discreteRange({ type: "long_range" }),
  daterange: discreteRange({ type: "date_range" }),
  tstzrange: discreteRange({ type: "date_range" }),
  tsrange: {
    show: (column, timeZone) =>
      `case when not isempty(${column}) then json_build_object('gte', lower(${column}) at time zone '${timeZone}', 'lt', upper(${column}) at time zone '${timeZone}') end`,
    field: { type: "date_range" },
  },
  numrange: {
    show: (column) =>
      `case when not isempty(${column}) then json_build_object(case when lower_inc(${column}) then 'gte' else 'gt' end, lower(${column}), case when upper_inc(${column}) then 'lte' else 'lt' end, upper(${column})) end`,
    field: { type: "double_range" },
  },
  json: anyJson("json"),
  jsonb: anyJson("jsonb"),
  hstore: { show: (column) => `${column}::json`, field: FLATTENED },
  point: {
    show: (column) =>
      `case when ${column} is not null then array[${column}[0], ${column}[1]] end`,
    field: { type: "geo_point" },
  },
};

/** Types whose values are no use to a search, each with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  bytea: "bytes",
  tsvector: "made for PostgreSQL's own search",
  tsquery: "made for PostgreSQL's own search",
};

/** How a column is shown in the document query, and mapped. */
export function showColumn(column: CatalogColumn, role: Role): ShownColumn {
  if (role.isKey) return { sql: role.sql, field: keyField(column) };
  const why = LEFT_OUT[column.base];
  if (why !== undefined) return { leftOut: why };
  if (role.isStamp && column.base === "timestamptz" && !column.isArray) {
    return { sql: role.sql, field: { type: "date_nanos" } };
  }
  const form = formOf(column, role);
  if (form === undefined) {
    return { leftOut: `of type ${column.form}, which no field takes` };
  }
  const { show, field } = form;
  if (!column.isArray) return { sql: show(role.sql, role.timeZone), field };
  if (show("c", role.timeZone) === "c") {
    return { sql: role.sql, field: field === TEXT ? KEYWORD : field };
  }
  const item = show("entry.item", role.timeZone);
  return {
    sql: `(select json_agg(${item} order by entry.place) from unnest(` +
      `${role.sql}) with ordinality entry(item, place))`,
    field,
  };
}

function formOf(
  { base, kind, form }: CatalogColumn,
  { isReference }: Role,
): Form | undefined {
  if (kind === "e") return itself(KEYWORD);
  if (kind === "c") return itself(FLATTENED);
  if (isReference && ["text", "citext", "varchar", "bpchar"].includes(base)) {
    return itself(KEYWORD);
  }
  if (base === "varchar" || base === "bpchar") {
    const length = Number(/\((\d+)\)$/.exec(form)?.[1] ?? Infinity);
    return itself(length <= MAX_CODE_LENGTH ? KEYWORD : TEXT);
  }
  if (base === "vector") return vector(form);
  if (base === "geometry" || base === "geography") return shape(base, form);
  return FORMS[base] ??
    { show: (column) => `${column}::text`, field: LONG_KEYWORD };
}

/** A vector of pgvector, whose field has to know its length. */
function vector(form: string): Form | undefined {
  const dims = Number(/\((\d+)\)$/.exec(form)?.[1]);
  if (!(dims <= MAX_DIMENSIONS)) return undefined;
  return {
    show: (column) => `${column}::real[]`,
    field: { type: "dense_vector", dims, index: true, similarity: "cosine" },
  };
}

/** A shape of PostGIS, in degrees, by the functions of the schema that its type is in. */
function shape(base: string, form: string): Form {
  const [, schema = "", kind = "", srid = base === "geography" ? "4326" : "0"] =
    /^(.*\.)?\w+(?:\((\w+),?(\d+)?\))?$/.exec(form) ?? [];
  const isTurned = srid !== "4326" && srid !== "0";
  return {
    show: (column) => {
      const turned = isTurned
        ? `${schema}st_transform(${column}, 4326)`
        : column;
      return `${schema}st_asgeojson(${turned})::json`;
    },
    field: { type: kind.toLowerCase() === "point" ? "geo_point" : "geo_shape" },
  };
}

/** What keys are made of goes into the document as it is. */
function keyField({ base, isArray }: CatalogColumn): Field {
  if (isArray) return KEYWORD;
  if (["bool", "int2", "int4", "int8"].includes(base)) {
    return FORMS[base]?.field ?? KEYWORD;
  }
  if (base === "timestamptz" || base === "timestamp" || base === "date") {
    return { type: "date" };
  }
  return KEYWORD;
}
