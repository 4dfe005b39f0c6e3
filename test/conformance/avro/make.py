# Writes written-by-fastavro.json: values as fastavro writes them, each with its schema.
#   pip install fastavro==1.13.1 && python make.py > written-by-fastavro.json
# In `value`, what JSON has no form for is {"$": kind, "is": text}.
import io
import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import fastavro

review = {
    "type": "record",
    "name": "Review",
    "namespace": "shop.reviews",
    "doc": "What somebody wrote.",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "text", "type": "string"},
        {"name": "stars", "type": ["null", "int"], "default": None},
        {"name": "labels", "type": {"type": "array", "items": {"type": "record", "name": "Label", "fields": [
            {"name": "name", "type": {"type": "enum", "name": "Name", "symbols": ["GOOD", "BAD"]}},
            {"name": "weight", "type": "float"},
        ]}}},
        {"name": "first", "type": ["null", "Label"], "default": None},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "reply", "type": ["null", "Review"], "default": None},
    ],
}
leaf = {"id": 2, "text": "", "stars": None, "labels": [], "first": None, "counts": {}, "hash": b"\xff\x00\xff\x00", "reply": None}
utc = timezone.utc


def big(value):
    return {"$": "long", "is": str(value)}


def raw(value):
    return {"$": "bytes", "is": value.hex()}


def when(text):
    return {"$": "date", "is": text}


js_leaf = {"id": big(2), "text": "", "stars": None, "labels": [], "first": None, "counts": {}, "hash": raw(b"\xff\x00\xff\x00"), "reply": None}


def logical(base, name, **rest):
    return {"type": base, "logicalType": name, **rest}


# schema, value for fastavro, value in JavaScript
cases = [
    ("null", None, None),
    ("boolean", False, False),
    ("int", 2147483647, 2147483647),
    ("int", -2147483648, -2147483648),
    ("long", 9223372036854775807, big(9223372036854775807)),
    ("long", -9223372036854775808, big(-9223372036854775808)),
    ("long", 9007199254740993, big(9007199254740993)),
    ("long", -4503599627370497, big(-4503599627370497)),
    ("float", 0.25, 0.25),
    ("double", 1e-300, 1e-300),
    ("double", 123456.789, 123456.789),
    ("bytes", bytes(range(256)), raw(bytes(range(256)))),
    ("string", "naïve – 日本 😀 \u0000 end", "naïve – 日本 😀 \u0000 end"),
    ({"type": "array", "items": {"type": "array", "items": "int"}}, [[1], [], [2, 3]], [[1], [], [2, 3]]),
    ({"type": "map", "values": {"type": "map", "values": "boolean"}}, {"a": {"b": True}}, {"a": {"b": True}}),
    (["null", "string", "long", {"type": "array", "items": "int"}], [1], [1]),
    (["null", "string", "long", {"type": "array", "items": "int"}], 5, big(5)),
    (["int", "double"], ("double", 2.0), {"double": 2}),
    (review, {
        "id": 1, "text": "good", "stars": 5,
        "labels": [{"name": "GOOD", "weight": 0.5}, {"name": "BAD", "weight": -1.0}],
        "first": {"name": "BAD", "weight": 0.0}, "counts": {"words": 12}, "hash": b"abcd", "reply": leaf,
    }, {
        "id": big(1), "text": "good", "stars": 5,
        "labels": [{"name": "GOOD", "weight": 0.5}, {"name": "BAD", "weight": -1}],
        "first": {"name": "BAD", "weight": 0}, "counts": {"words": big(12)}, "hash": raw(b"abcd"), "reply": js_leaf,
    }),
    (logical("bytes", "decimal", precision=12, scale=3), Decimal("-123456789.012"), "-123456789.012"),
    (logical("bytes", "decimal", precision=5, scale=2), Decimal("1.28"), "1.28"),
    (logical("bytes", "decimal", precision=5, scale=2), Decimal("-1.28"), "-1.28"),
    (logical("bytes", "decimal", precision=30), Decimal("170141183460469231731687303716"), "170141183460469231731687303716"),
    ({**logical("fixed", "decimal", precision=10, scale=4), "name": "Money", "size": 6}, Decimal("-0.0001"), "-0.0001"),
    (logical("string", "uuid"), UUID("0188d3c4-5b6a-7c8d-9e0f-112233445566"), "0188d3c4-5b6a-7c8d-9e0f-112233445566"),
    (logical("int", "date"), date(2026, 11, 22), "2026-11-22"),
    (logical("int", "date"), date(1, 1, 1), "0001-01-01"),
    (logical("int", "time-millis"), time(23, 59, 59, 999000), 86399999),
    (logical("long", "time-micros"), time(23, 59, 59, 999999), big(86399999999)),
    (logical("long", "timestamp-millis"), datetime(2026, 11, 22, 10, 15, 30, 123000, utc), when("2026-11-22T10:15:30.123Z")),
    (logical("long", "timestamp-millis"), datetime(1969, 12, 31, 23, 59, 59, 999000, utc), when("1969-12-31T23:59:59.999Z")),
    (logical("long", "timestamp-micros"), datetime(2026, 11, 22, 10, 15, 30, 123456, utc), big(1795342530123456)),
    (logical("long", "local-timestamp-millis"), datetime(2026, 11, 22, 10, 15, 30, 123000), "2026-11-22T10:15:30.123"),
    (logical("long", "local-timestamp-micros"), datetime(2026, 11, 22, 10, 15, 30, 123456), big(1795342530123456)),
]

rows = []
for schema, value, javascript in cases:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    rows.append({"schema": schema, "value": javascript, "bytes": out.getvalue().hex()})
print(json.dumps({"by": f"fastavro {fastavro.__version__}", "rows": rows}, indent=1, ensure_ascii=False))
