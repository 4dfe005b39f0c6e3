# Writes by-fastavro-*.avro and values.json, and reads by-millrace-*.avro, which orders.ts has written: read-by-fastavro.json says of which files all values were as they should be.
#   pip install fastavro==1.13.1 backports.zstd==1.8.0
#   python make.py && node orders.ts && python make.py
# In values.json, what JSON has no form for is {"$": kind, "is": text}.
import glob
import hashlib
import json
import os
from datetime import date, datetime, timezone
from decimal import Decimal

import fastavro

os.chdir(os.path.dirname(os.path.abspath(__file__)))
utc = timezone.utc
schema = {
    "type": "record", "name": "Order", "namespace": "shop", "doc": "What somebody bought.",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": "string"},
        {"name": "paid", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"]}},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
        {"name": "parts", "type": {"type": "array", "items": {"type": "record", "name": "Part", "fields": [{"name": "sku", "type": "string"}]}}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "reply", "type": ["null", "Order"], "default": None},
    ],
}


def order(i):
    return {
        "id": i * 9007199254740993 % 9223372036854775807, "note": f"naïve – 日本 {i}", "paid": Decimal(i * 7).scaleb(-2), "day": date(2026, 1 + i % 12, 1 + i % 28),
        "at": datetime(2026, 11, 22, 10, 15, i % 60, 123000, utc), "state": "OPEN" if i % 2 else "DONE", "tags": {"n": i}, "parts": [{"sku": f"s{i}"}] * (i % 3),
        "hash": i.to_bytes(4, "big"), "reply": order(i - 1) if i % 5 == 1 else None,
    }


def javascript(one):
    if one is None:
        return None
    return {
        **one, "id": {"$": "long", "is": str(one["id"])}, "paid": f"{one['paid']:.2f}", "day": one["day"].isoformat(),
        "at": {"$": "date", "is": one["at"].isoformat()}, "hash": {"$": "bytes", "is": one["hash"].hex()}, "reply": javascript(one["reply"]),
    }


orders = [order(i) for i in range(60)]
for codec in ["null", "deflate", "zstandard"]:
    with open(f"by-fastavro-{codec}.avro", "wb") as out:  # blocks of 1,000 bytes: several
        fastavro.writer(out, schema, orders, codec=codec, sync_interval=1000, sync_marker=b"0123456789abcdef", metadata={"made.by": "fastavro"})
with open("values.json", "w") as out:
    json.dump({"by": f"fastavro {fastavro.__version__}", "schema": schema, "values": [javascript(one) for one in orders]}, out, ensure_ascii=False)
    out.write("\n")

read = {}
for path in sorted(glob.glob("by-millrace-*.avro")):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        assert list(reader) == orders, path
        assert reader.metadata["made.by"] == "millrace", path
    with open(path, "rb") as file:
        read[path] = hashlib.sha256(file.read()).hexdigest()
with open("read-by-fastavro.json", "w") as out:
    json.dump(read, out, indent=2)
    out.write("\n")
