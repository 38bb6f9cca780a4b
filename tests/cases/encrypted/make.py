"""Makes the encrypted files here: 24 rows of `id` and `word` in three row groups, with keys that are kept nowhere (pyarrow 26)."""

import base64

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe


class Kms(pe.KmsClient):
    def __init__(self, _):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, _):
        return base64.b64encode(key)

    def unwrap_key(self, key, _):
        return base64.b64decode(key)


table = pa.table({"id": pa.array(range(24), pa.int32()), "word": [f"w{i}" for i in range(24)]})
for name, plain in (("encrypted-footer", False), ("encrypted-column", True)):
    keys = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["word"]}, plaintext_footer=plain, double_wrapping=False
    )
    properties = pe.CryptoFactory(Kms).file_encryption_properties(pe.KmsConnectionConfig(), keys)
    with pq.ParquetWriter(
        f"{name}.parquet", table.schema, encryption_properties=properties, compression="none"
    ) as writer:
        writer.write_table(table, row_group_size=8)
