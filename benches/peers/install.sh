#!/usr/bin/env bash
# Installs the other loaders into a virtual environment: bash install.sh VENV
# A package that does not install is named and left out; the rest goes on. PYTHON names the interpreter.
set -uo pipefail
venv=$(realpath -m "${1:?usage: install.sh VENV}")
cd "$(dirname "$0")" || exit 1

"${PYTHON:-python3}" -m venv "$venv" || exit 1
pip=$venv/bin/pip

add() {
  local name=$1
  shift
  if "$pip" install --quiet --disable-pip-version-check --constraint versions.txt "$@"; then
    echo "$name: installed"
  else
    echo "$name: LEFT OUT"
    left_out+=("$name")
  fi
}

left_out=()
add "numpy, pyarrow and Pillow" numpy pyarrow pillow
add "torch and torchvision" torch torchvision
add "OpenCV and albumentations" opencv-python-headless albumentations
add webdataset webdataset
add datasets datasets
add grain grain
add tensorflow tensorflow-cpu
add spdl spdl
add dali nvidia-dali-cuda120
add kornia kornia
add timm timm
# Its own limits on numpy and transformers clash with the other loaders' and are not needed: no cloud clients either.
add "what mosaicml-streaming needs" brotli catalogue python-snappy tqdm transformers xxhash zstd
add mosaicml-streaming --no-deps mosaicml-streaming

# SPDL opens FFmpeg's libraries, which no package of Python's brings.
ldconfig -p | grep -q libavfilter || echo "spdl: needs FFmpeg 4 to 9 from the system (Debian: apt-get install ffmpeg)"
[ ${#left_out[@]} -eq 0 ] || printf 'left out: %s\n' "${left_out[@]}"
