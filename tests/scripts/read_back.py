"""Reads what Millstream wrote, with pyarrow and polars, and prints what it found as JSON: for tests/program/interop.rs.

    pip install pyarrow==26.0.0 polars==2.1.0 && python tests/scripts/read_back.py FILE...

`.arrow` is an Arrow IPC stream: nothing is done to it but to open its path. A list with one object a file is printed: `rows`, and
`columns` with `type` (pyarrow's), `first` and `last` (the values of the first and the last row, bytes as their length). Fails where a file cannot be read,
or where the two libraries do not read the same.
"""

import json
import sys

import polars
import pyarrow
import pyarrow.ipc
import pyarrow.parquet


def storage(column):
    """The column without extension types, which polars shows as they are stored."""
    column = column.combine_chunks()
    while isinstance(column, pyarrow.ExtensionArray):
        column = column.storage
    if pyarrow.types.is_fixed_size_list(column.type):
        values = column.flatten()
        if isinstance(values, pyarrow.ExtensionArray) and column.null_count == 0:
            return pyarrow.FixedSizeListArray.from_arrays(storage(pyarrow.chunked_array([values])), column.type.list_size)
    return column


def read(path):
    if path.endswith(".arrow"):
        with pyarrow.ipc.open_stream(path) as reader:
            table = reader.read_all()
        frame = polars.read_ipc_stream(path)
    else:
        table = pyarrow.parquet.read_table(path)
        frame = polars.read_parquet(path)
    table.validate(full=True)
    assert frame.height == table.num_rows and frame.columns == table.column_names, path
    columns = {}
    for name in table.column_names:
        ours, theirs = table[name].to_pylist(), frame[name]
        theirs = theirs.ext.storage() if isinstance(theirs.dtype, polars.datatypes.BaseExtension) else theirs
        # Text compares what is not a number as equal to itself.
        assert repr(storage(table[name]).to_pylist()) == repr(theirs.to_list()), f"{path}: {name}"
        columns[name] = {"type": str(table.schema.field(name).type), "first": ours[0], "last": ours[-1]}
    return {"rows": table.num_rows, "columns": columns}


json.dump([read(path) for path in sys.argv[1:]], sys.stdout, default=len)
