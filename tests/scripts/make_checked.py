"""Writes tests/fixtures/checked-{plain,snappy,zstd,gzip}.parquet: page checksums, which the Rust writer does not write.

    pip install pyarrow==26.0.0 && python tests/scripts/make_checked.py

48 rows in three row groups: numbers, strings by dictionary, nulls, vectors, and images as Hugging Face stores them.
"""

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 48
bytes_of = [bytes((i * 7 + k * k) % 251 for k in range(40 + i % 9)) for i in range(ROWS)]
image = pa.array(
    [None if i == 5 else {"bytes": bytes_of[i], "path": f"{i}.jpg"} for i in range(ROWS)],
    pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
)
vector = pa.array([[i + 0.25, -i, 3.5] for i in range(ROWS)], pa.list_(pa.field("item", pa.float32(), False), 3))
table = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int32()),
        "label": pa.array([f"class {i % 4}" for i in range(ROWS)]),
        "score": pa.array([None if i % 7 == 0 else i / 3 for i in range(ROWS)], pa.float64()),
        "vector": vector,
        "image": image,
    }
)
for name, codec, version in [("plain", "none", "1.0"), ("snappy", "snappy", "1.0"), ("zstd", "zstd", "2.0"), ("gzip", "gzip", "2.0")]:
    pq.write_table(
        table,
        f"tests/fixtures/checked-{name}.parquet",
        row_group_size=16,
        compression=codec,
        data_page_version=version,
        use_dictionary=["label"],
        write_page_checksum=True,
        write_page_index=True,
    )
