"""The usual hand-made answer: one loop from a server-side cursor into helpers.bulk.

    python3 bench/loop.py --database URL --elasticsearch URL --index NAME --document FILE

The index must be there. One line of JSON on standard output says what it took.
"""

import argparse
import json
import resource
import time

import psycopg
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from psycopg.rows import dict_row


def read_documents(connection, query, index):
    with connection.cursor(name="documents") as cursor:
        cursor.itersize = 1_000
        for row in cursor.execute(query):
            yield {"_index": index, "_id": str(row["id"]), "_source": row}


def main():
    parser = argparse.ArgumentParser()
    for name in ("database", "elasticsearch", "index", "document"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    with open(given.document, encoding="utf-8") as file:
        query = file.read()

    started = time.perf_counter()
    client = Elasticsearch(given.elasticsearch, request_timeout=60)
    with psycopg.connect(given.database, row_factory=dict_row) as connection:
        documents = read_documents(connection, query, given.index)
        written, _ = bulk(client, documents, chunk_size=500)
    seconds = time.perf_counter() - started

    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "documents": written,
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
