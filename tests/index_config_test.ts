import { deepEqual, equal } from "node:assert/strict";
import {
  isStrict,
  propertyNames,
  readIndexConfig,
} from "../src/index_config.ts";

const FAULTS: readonly (readonly [string, string, readonly string[]])[] = [
  ["an empty file", "", [
    "i.json:1:1: cannot be read as JSON: a value, quote, comma, colon or bracket is missing or one too many, write it as JSON",
  ]],
  ["a trailing comma", '{\n  "mappings": {},\n}', [
    "i.json:3:1: cannot be read as JSON: a value, quote, comma, colon or bracket is missing or one too many, write it as JSON",
  ]],
  ["a comment", '{ "mappings": {} } // yes', [
    "i.json:1:20: cannot be read as JSON: a value, quote, comma, colon or bracket is missing or one too many, write it as JSON",
  ]],
  ["levels without end", "[".repeat(100_000), [
    "i.json:1:1: is nested too deeply, write it in fewer levels",
  ]],
  ["a list", "[]", [
    "i.json:1:1: is a list, write an object with settings, mappings",
  ]],
  ["no mappings", "{}", [
    "i.json:1:1: mappings: is missing, write an object { }",
  ]],
  ["aliases", '{ "aliases": {}, "mappings": {} }', [
    "i.json:1:3: aliases: is made by the agent, delete it: the index's name in the configuration is the alias",
  ]],
  ["a misspelt key", '{ "setings": {}, "mappings": {} }', [
    "i.json:1:3: setings: is not a known key, write settings",
  ]],
  ["a key twice", '{ "mappings": {}, "mappings": {} }', [
    "i.json:1:19: mappings: is there twice, delete one of the two",
  ]],
  ["a null", '{ "mappings": null }', [
    "i.json:1:15: mappings: is null, write an object { }",
  ]],
  [
    "a number of shards",
    '{ "mappings": {}, "settings": { "index": { "number_of_shards": "2.5" } } }',
    [
      "i.json:1:64: settings.index.number_of_shards: is not a number of shards, write a whole number from 1 to 1024",
    ],
  ],
  [
    "a dotted number of replicas",
    '{ "mappings": {}, "settings": { "index.number_of_replicas": -1 } }',
    [
      'i.json:1:61: settings["index.number_of_replicas"]: is not a number of replicas, write a whole number from 0 to 1000',
    ],
  ],
  [
    "settings copied from a server",
    '{ "mappings": {}, "settings": { "index": { "version": { "created": "8" }, "uuid": "u" } } }',
    [
      "i.json:1:68: settings.index.version.created: is given by Elasticsearch itself, delete it",
      "i.json:1:83: settings.index.uuid: is given by Elasticsearch itself, delete it",
    ],
  ],
  [
    "a write block",
    '{ "mappings": {}, "settings": { "blocks.write": true } }',
    [
      'i.json:1:49: settings["blocks.write"]: keeps the agent from writing, delete it',
    ],
  ],
  [
    "a time series",
    '{ "mappings": {}, "settings": { "mode": "time_series" } }',
    [
      "i.json:1:41: settings.mode: makes document ids from time stamps, delete it: the agent writes by id",
    ],
  ],
  ["properties that are a list", '{ "mappings": { "properties": [] } }', [
    'i.json:1:17: mappings.properties: is a list, write an object such as { "title": { "type": "text" } }',
  ]],
  ["misspelt properties", '{ "mappings": { "propertys": {} } }', [
    "i.json:1:17: mappings.propertys: is not a known key, write properties",
  ]],
  ["a mapping type", '{ "mappings": { "_doc": { "properties": {} } } }', [
    "i.json:1:17: mappings._doc: is a mapping type, move its content into mappings",
  ]],
  [
    "a strict mapping without fields",
    '{ "mappings": { "dynamic": "strict" } }',
    [
      "i.json:1:3: mappings.properties: is missing, write the fields: a strict mapping takes no others",
    ],
  ],
  ["an unknown dynamic", '{ "mappings": { "dynamic": "no" } }', [
    "i.json:1:28: mappings.dynamic: is none of its values, write one of true, false, strict, runtime, strict_allow_templates",
  ]],
  [
    "a field that is a text",
    '{ "mappings": { "properties": { "title": "text" } } }',
    [
      'i.json:1:42: mappings.properties.title: is a single value, write an object such as { "type": "keyword" }',
    ],
  ],
  [
    "fields without a type",
    '{ "mappings": { "properties": {\n"a": {},\n"b": { "properties": { "c": { "index": false } } },\n"d": { "type": "text", "fields": { "raw": {} } } } } }',
    [
      'i.json:2:1: mappings.properties.a: has no type, write one such as "type": "keyword"',
      'i.json:3:24: mappings.properties.b.properties.c: has no type, write one such as "type": "keyword"',
      'i.json:4:36: mappings.properties.d.fields.raw: has no type, write one such as "type": "keyword"',
    ],
  ],
  [
    "a type that is no text",
    '{ "mappings": { "properties": { "a": { "type": 1 } } } }',
    [
      'i.json:1:48: mappings.properties.a.type: is no text, write the name of a type such as "keyword"',
    ],
  ],
];

for (const [name, text, faults] of FAULTS) {
  Deno.test(`readIndexConfig() tells of ${name}`, () => {
    deepEqual(readIndexConfig(text, "i.json"), { faults });
  });
}

Deno.test("readIndexConfig() takes settings and mappings as they are", () => {
  const indexConfig = {
    settings: { "index.number_of_shards": "2", number_of_replicas: 0 },
    mappings: {
      dynamic: false,
      _source: { enabled: false },
      _size: { enabled: true },
      properties: { a: { properties: { b: { type: "keyword" } } } },
    },
  };
  const text = JSON.stringify(indexConfig);
  deepEqual(readIndexConfig(text, "i.json"), { indexConfig });
});

Deno.test("readIndexConfig() takes the example", async () => {
  const file = new URL("../index_config.json", import.meta.url);
  const reading = readIndexConfig(await Deno.readTextFile(file), "i.json");
  equal("indexConfig" in reading, true);
});

Deno.test("propertyNames() is empty where there are no properties", () => {
  deepEqual(propertyNames({ mappings: {} }), []);
});

Deno.test("isStrict() tells a strict mapping from others", () => {
  equal(isStrict({ mappings: { dynamic: "strict" } }), true);
  equal(isStrict({ mappings: { dynamic: "false" } }), false);
  equal(isStrict({ mappings: {} }), false);
});
