"""What torchvision's ImageFolder makes of a folder: classes, and samples in order. Run with torchvision installed:

    python make_folder_order.py > ../cases/folder_order.json
"""

import json
import os
import tempfile

from torchvision.datasets import ImageFolder

FILES = [
    "dog/10.jpg",
    "dog/9.jpg",
    "dog/B.JPG",
    "dog/a.Jpeg",
    "dog/z/1.png",
    "dog/z-1/1.bmp",
    "dog/z/deep/1.tif",
    "dog/_mg_1.tiff",
    "cat/x.webp",
    "cat/x.gif",
    "cat/notes.txt",
    "cat/no_ending",
    "cat-2/1.png",
    "Zebra/ä.png",
    "Zebra/z.png",
    "Zebra/😀.png",
    "Zebra/\uffee.png",
    "outside.png",
]

with tempfile.TemporaryDirectory() as root:
    for name in FILES:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").close()
    folder = ImageFolder(root)
    samples = [[os.path.relpath(path, root), label] for path, label in folder.samples]
    print(json.dumps({"files": FILES, "classes": folder.classes, "samples": samples}, indent=1))
